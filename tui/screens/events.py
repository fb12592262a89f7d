"""The changes since lockdeck was opened, newest first."""

from __future__ import annotations

from lockdeck.tui.bindings import bindings_of
from lockdeck.tui.screens.selection_lines import change_rows
from lockdeck.tui.screens.tablescreen import TableScreen
from lockdeck.tui.table.tables import EVENTS
from lockdeck.tui.view.events import EventLine
from lockdeck.tui.view.lines import Line, Span, line, span
from lockdeck.tui.view.names import RowKey


class EventsScreen(TableScreen):
    """The list of changes; it goes on while the fleet is paused."""

    COMMAND_IDS = (
        *("help", "quit", "open", "filter", "locks", "journal", "back", "next_match", "previous_match"),
        *("hosts", "show_text", "theme", "wide", "columns", "as_it_comes"),
        *("toggle_mouse", "notes", "palette"),
    )
    BINDINGS = bindings_of(COMMAND_IDS)
    TABLE = EVENTS

    @property
    def selected_key(self) -> RowKey | None:
        """The row the selected change is about."""
        change = self.cursor_item
        return change.row if isinstance(change, EventLine) else None

    @property
    def nothing_selected(self) -> str:
        """The sentence for a change that is about no row, or where there is no change."""
        about_no_row = self.cursor_item is not None
        return "this change is about no row of the fleet" if about_no_row else super().nothing_selected

    def text_rows(self) -> list[Span]:
        """Return the selected change as plain text."""
        change = self.cursor_item
        return change_rows(change) if isinstance(change, EventLine) else []

    def rank(self, number: int, _change: EventLine) -> int:
        """Put the newest first."""
        return -number

    def update_picture(self) -> None:
        """Show all changes there are."""
        self.rows.take_all(dict(self.deck_app.deck.log))
        self.show_rows()

    def show_rows(self) -> None:
        """Show the changes that the filter lets through."""
        self.table.show(self.rows.order, self.rows.items)
        self.update_header()
        self.refresh_bindings()

    def nothing_lines(self) -> list[Line]:
        """Say that nothing has changed."""
        return [line(), line(span("Nothing has changed yet.", "dim"))]
