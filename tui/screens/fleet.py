"""Home: every session and every lock of its own, most urgent first."""

from __future__ import annotations

from typing import ClassVar

from lockdeck.backend.model.fleet import FleetSnapshot
from lockdeck.tui.bindings import binding_to, bindings_of
from lockdeck.tui.screens.rowscreen import RowScreen
from lockdeck.tui.table.arrangement import Arrangement, arrange_fleet
from lockdeck.tui.table.sorting import Sort
from lockdeck.tui.table.tables import FLEET


class FleetScreen(RowScreen):
    """The fleet table."""

    COMMAND_IDS = (
        *("open", "cancel", "release", "filter", "locks", "events", "journal", "help", "quit"),
        *("mark", "unmark", "holder", "freeze", "pause", "copy", "show_text", "theme"),
        *("sort_left", "sort_right", "sort_reverse", "wide", "columns", "toggle_mouse", "notes", "palette"),
    )
    BINDINGS: ClassVar = [*bindings_of(COMMAND_IDS), binding_to("unmark", "escape")]
    TABLE = FLEET

    def arranged(self, snapshot: FleetSnapshot, previous: Arrangement, sort: Sort) -> Arrangement:
        """Return sessions and lonely locks."""
        return arrange_fleet(snapshot, previous, sort)

    @property
    def nothing(self) -> str:
        """The sentence for a fleet without sessions and locks."""
        return "No sessions and no locks. Looked at:"
