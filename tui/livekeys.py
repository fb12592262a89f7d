"""The bindings that work on a screen now, in the order its commands are listed."""

from __future__ import annotations

from typing import Any

from textual.binding import ActiveBinding, Binding
from textual.screen import Screen


def live_bindings(screen: Screen[Any]) -> list[ActiveBinding]:
    """Return the live bindings; a keymap of one's own changes keys and never the order."""
    listed = [binding.id for binding in Binding.make_bindings(type(screen).BINDINGS)]
    places = {name: place for place, name in reversed(list(enumerate(listed))) if name is not None}
    return sorted(screen.active_bindings.values(), key=lambda live: places.get(live.binding.id or "", -1))
