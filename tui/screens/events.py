"""The changes since lockdeck was opened, newest first."""

from __future__ import annotations

from collections.abc import Mapping

from lockdeck.tui.bindings import bindings_of
from lockdeck.tui.screens.selection_lines import change_rows
from lockdeck.tui.screens.tablescreen import TableScreen
from lockdeck.tui.table.rows import RowKey
from lockdeck.tui.table.tables import EVENTS
from lockdeck.tui.view.events import EventLine
from lockdeck.tui.view.lines import Line, Span, line, span
from lockdeck.tui.widgets.table import Table


class EventsScreen(TableScreen):
    """The list of changes; it goes on while the fleet is paused."""

    COMMAND_IDS = (
        *("open", "back", "filter", "locks", "journal", "help", "quit", "show_text", "theme"),
        *("wide", "columns", "toggle_mouse", "notes", "palette"),
    )
    BINDINGS = bindings_of(COMMAND_IDS)
    TABLE = EVENTS

    def __init__(self) -> None:
        super().__init__()
        self._changes: Mapping[int, EventLine] = {}

    @property
    def selected_key(self) -> RowKey | None:
        """The row the selected change is about."""
        tables = self.query(Table)
        change = tables.first().cursor_item if tables else None
        return change.row if isinstance(change, EventLine) else None

    @property
    def nothing_selected(self) -> str:
        """The sentence for a change that is about no row, or where there is no change."""
        about_no_row = self.table.cursor_item is not None
        return "this change is about no row of the fleet" if about_no_row else super().nothing_selected

    def text_rows(self) -> list[Span]:
        """Return the selected change as plain text."""
        change = self.query_one(Table).cursor_item
        return change_rows(change) if isinstance(change, EventLine) else []

    @property
    def items(self) -> Mapping[int, EventLine]:
        """All changes by number, newest first."""
        return self._changes

    def update_picture(self) -> None:
        """Show all changes there are."""
        super().update_picture()
        self._changes = dict(self.deck_app.deck.log)
        self.show_rows()

    def show_rows(self) -> None:
        """Show the changes that the filter lets through."""
        self.table.show(self.matching(tuple(self._changes)), self._changes)
        self.refresh_bindings()

    def nothing_lines(self) -> list[Line]:
        """Say that nothing has changed."""
        return [line(), line(span("Nothing has changed yet.", "dim"))]
