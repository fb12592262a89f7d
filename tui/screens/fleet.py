"""Home: every session and every lock of its own, most urgent first."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding

from lockdeck.backend.model.fleet import FleetSnapshot
from lockdeck.tui.commands.act import Cancel, Mark, Release, Unmark
from lockdeck.tui.commands.command import bindings_of
from lockdeck.tui.commands.go import Events, Help, HolderLocks, Journal, Locks, Open, Palette, Quit
from lockdeck.tui.commands.terminal import ShowText, ToggleMouse
from lockdeck.tui.commands.view import (
    Columns,
    Copy,
    Filter,
    Freeze,
    NextTheme,
    Notes,
    Pause,
    SortLeft,
    SortReverse,
    SortRight,
    Wide,
)
from lockdeck.tui.screens.rowscreen import RowScreen
from lockdeck.tui.table.arrangement import Arrangement, arrange_fleet
from lockdeck.tui.table.sorting import Sort
from lockdeck.tui.table.tables import FLEET


class FleetScreen(RowScreen):
    """The fleet table."""

    HERE = (
        *(Open, Cancel, Release, Filter, Locks, Events, Journal, Help, Quit),
        *(Mark, Unmark, HolderLocks, Freeze, Pause, Copy, ShowText, NextTheme),
        *(SortLeft, SortRight, SortReverse, Wide, Columns, ToggleMouse, Notes, Palette),
    )
    BINDINGS: ClassVar = [
        *bindings_of(HERE),
        Binding("escape", "screen.command('unmark')", "Unmark", show=False, tooltip=Unmark.tooltip),
    ]
    TABLE = FLEET

    def arranged(self, snapshot: FleetSnapshot, previous: Arrangement, sort: Sort) -> Arrangement:
        """Return sessions and lonely locks."""
        return arrange_fleet(snapshot, previous, sort)

    @property
    def nothing(self) -> str:
        """The sentence for a fleet without sessions and locks."""
        return "No sessions and no locks. Looked at:"
