"""The bindings that work on a screen now, in the order its commands are listed."""

from __future__ import annotations

from typing import Any

from textual.binding import ActiveBinding, Binding
from textual.screen import Screen
from textual.widget import Widget

from lockdeck.tui.keymap import is_key


def key_of(screen: Screen[Any], command: str) -> str | None:
    """Return how the key is shown that runs a command on a screen now, None where no key does."""
    for live in screen.active_bindings.values():
        if live.binding.id == command and is_key(live.binding.key):
            return screen.app.get_key_display(live.binding)
    return None


def live_bindings(screen: Screen[Any]) -> list[ActiveBinding]:
    """Return the live bindings: what is focused first, then the screen's commands, then the rest.

    A keymap of one's own changes keys and never this order.
    """
    listed = [binding.id for binding in Binding.make_bindings(type(screen).BINDINGS)]
    places = {name: place for place, name in reversed(list(enumerate(listed))) if name is not None}

    def place(live: ActiveBinding) -> int:
        around = -1 if isinstance(live.node, Widget) and live.node is not screen else len(listed)
        return places.get(live.binding.id or "", around)

    pressed = [live for live in screen.active_bindings.values() if is_key(live.binding.key)]
    return sorted(pressed, key=place)
