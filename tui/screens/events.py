"""What changed since lockdeck was opened, newest first."""

from __future__ import annotations

from collections.abc import Iterable

from textual.widget import Widget

from tui.changes import Change
from tui.commands.command import bindings_of
from tui.commands.go import Back, Help, Journal, Locks, Open, Palette, Quit
from tui.commands.view import NextTheme
from tui.figures import time_of_day
from tui.lines import Line, line, span
from tui.rows import SEVERITY_STYLE, RowKey
from tui.screens.base import DeckScreen
from tui.widgets.columns import Column
from tui.widgets.table import Table

COLUMNS = (
    Column("TIME", 8),
    Column("SEVERITY", 8),
    Column("ABOUT", 14, flex=2, most=44),
    Column("WHAT", 20, flex=5),
)


class EventsScreen(DeckScreen):
    """The list of changes; it goes on while the fleet is paused."""

    HERE = (Open, Back, Locks, Journal, Help, Quit, NextTheme, Palette)
    BINDINGS = bindings_of(HERE)

    @property
    def selected_key(self) -> RowKey | None:
        """The row the selected change is about."""
        tables = self.query(Table)
        change = tables.first().cursor_item if tables else None
        return change.row if isinstance(change, Change) else None

    def body(self) -> Iterable[Widget]:
        """Return the table of changes."""
        return (
            Table(
                COLUMNS, event_cells, empty=lambda: [line(), line(span("Nothing has changed yet.", "dim"))]
            ),
        )

    def update_picture(self) -> None:
        """Show all changes there are."""
        super().update_picture()
        items = dict(self.deck_app.deck.log)
        self.query_one(Table).show(tuple(items), items)
        self.refresh_bindings()

    def on_table_moved(self) -> None:
        """Grey out what the selected change does not offer."""
        self.refresh_bindings()


def event_cells(change: Change) -> tuple[Line, ...]:
    """Return the cells of one change."""
    style = SEVERITY_STYLE[change.severity]
    return (
        line(span(time_of_day(change.at), "dim")),
        line(span(change.severity.word, style)),
        line(span(change.subject)),
        line(span(change.sentence)),
    )
