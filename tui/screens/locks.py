"""Every lock file of every root, with its verdict."""

from __future__ import annotations

from lockdeck.backend.model.fleet import FleetSnapshot
from lockdeck.tui.commands.act import Cancel, Mark, Release, Unmark
from lockdeck.tui.commands.command import bindings_of
from lockdeck.tui.commands.go import Back, Events, Help, HolderLocks, Journal, Open, Palette, Quit
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
from lockdeck.tui.table.arrangement import Arrangement, arrange_locks
from lockdeck.tui.table.sorting import Sort
from lockdeck.tui.table.tables import LOCKS


class LocksScreen(RowScreen):
    """The locks table."""

    HERE = (
        *(Open, Back, Release, Cancel, HolderLocks, Filter, Events, Journal, Help, Quit),
        *(Mark, Unmark, Freeze, Pause, Copy, ShowText, NextTheme),
        *(SortLeft, SortRight, SortReverse, Wide, Columns, ToggleMouse, Notes, Palette),
    )
    BINDINGS = bindings_of(HERE)
    TABLE = LOCKS

    def arranged(self, snapshot: FleetSnapshot, previous: Arrangement, sort: Sort) -> Arrangement:
        """Return all locks."""
        return arrange_locks(snapshot, previous, sort)

    @property
    def nothing(self) -> str:
        """The sentence for a fleet without locks."""
        return "No lock files. Looked at:"
