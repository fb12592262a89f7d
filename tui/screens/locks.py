"""Every lock file of every root, with its verdict."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from lockdeck.backend.model.fleet import FleetSnapshot
from lockdeck.backend.settings.looks import TableLook
from lockdeck.tui.bindings import bindings_of
from lockdeck.tui.screens.rowscreen import RowScreen
from lockdeck.tui.table.rowchanges import RowChange, RowChanges
from lockdeck.tui.table.rows import Row, lock_rows
from lockdeck.tui.table.tables import LOCKS
from lockdeck.tui.view.names import RowKey


class LocksScreen(RowScreen):
    """The locks table."""

    COMMAND_IDS = (
        *(
            "help",
            "quit",
            "open",
            "release",
            "cancel",
            "cause",
            "cancel_cause",
            "holder",
            "filter",
            "events",
            "journal",
            "back",
        ),
        *("mark", "mark_all", "unmark", "next_match", "previous_match", "freeze", "pause"),
        *("copy", "show_text", "theme", "hosts", "sort_left", "sort_right", "sort_reverse"),
        *("wide", "columns", "as_it_comes", "toggle_mouse", "notes", "palette"),
    )
    BINDINGS = bindings_of(COMMAND_IDS)
    TABLE = LOCKS
    NOTHING = "lock files"

    def __init__(self, filter_text: str = "", cursor_at: RowKey | None = None) -> None:
        super().__init__(filter_text)
        self._cursor_at = cursor_at

    def recall(self, look: TableLook) -> None:
        """Be as the table was left, but with all rows where one of them was asked for."""
        super().recall(look if self._cursor_at is None else replace(look, filter=""))

    def on_mount(self) -> None:
        """Show the locks, with the cursor on the one that was asked for."""
        super().on_mount()
        if self._cursor_at is not None:
            self.table.move_to_key(self._cursor_at)

    def all_rows(self, snapshot: FleetSnapshot) -> Mapping[RowKey, Row]:
        """Return all locks."""
        return lock_rows(snapshot)

    def changed_rows(self, changes: RowChanges) -> Iterable[RowChange]:
        """Return the changes of locks."""
        return changes.locks
