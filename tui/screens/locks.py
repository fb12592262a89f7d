"""Every lock file of every root, with its verdict."""

from __future__ import annotations

from lockdeck.backend.model.fleet import FleetSnapshot
from lockdeck.tui.bindings import bindings_of
from lockdeck.tui.screens.rowscreen import RowScreen
from lockdeck.tui.table.arrangement import Arrangement, arrange_locks
from lockdeck.tui.table.sorting import Sort
from lockdeck.tui.table.tables import LOCKS


class LocksScreen(RowScreen):
    """The locks table."""

    COMMAND_IDS = (
        *("open", "back", "release", "cancel", "holder", "filter", "events", "journal", "help", "quit"),
        *("mark", "unmark", "freeze", "pause", "copy", "show_text", "theme"),
        *("sort_left", "sort_right", "sort_reverse", "wide", "columns", "toggle_mouse", "notes", "palette"),
    )
    BINDINGS = bindings_of(COMMAND_IDS)
    TABLE = LOCKS

    def arranged(self, snapshot: FleetSnapshot, previous: Arrangement, sort: Sort) -> Arrangement:
        """Return all locks."""
        return arrange_locks(snapshot, previous, sort)

    @property
    def nothing(self) -> str:
        """The sentence for a fleet without locks."""
        return "No lock files. Looked at:"
