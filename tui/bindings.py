"""The bindings of commands: those a screen is made with, and those that work on it now."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from textual.binding import ActiveBinding, Binding, BindingType
from textual.screen import Screen
from textual.widget import Widget

from lockdeck.tui.commands import COMMANDS
from lockdeck.tui.preferences.keymap import is_key


def bindings_of(ids: Sequence[str], *, shown: Collection[str] = ()) -> list[BindingType]:
    """Return the bindings that run the commands of a screen on that screen, in the order of the key bar.

    Those that are `shown` stand in the key bar of this screen, whether or not they do elsewhere.
    """
    return [_binding(name, shown=COMMANDS[name].in_key_bar or name in shown) for name in ids]


def keys_of(name: str, keymap: Mapping[str, str]) -> tuple[str, ...]:
    """Return the keys of a command, those of a keymap before its own."""
    return tuple(keymap[name].split(",")) if name in keymap else COMMANDS[name].keys


def _binding(name: str, *, shown: bool) -> Binding:
    command = COMMANDS[name]
    keys = ",".join(command.keys)
    return Binding(keys, _action(name), command.label, show=shown, tooltip=command.tooltip, id=command.id)


def _action(name: str) -> str:
    return f"screen.command('{name}')"


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
