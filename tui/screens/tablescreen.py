"""All that screens with a table share: its columns, and the filter that finds rows."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, ClassVar

from msgspec.structs import replace
from textual import on
from textual.app import ComposeResult
from textual.widget import Widget

from lockdeck.backend.model.fleet import Severity
from lockdeck.backend.settings.looks import TableLook
from lockdeck.tui.browser import in_browser
from lockdeck.tui.dialogs.columns import ColumnsDialog, ColumnSelection
from lockdeck.tui.screens.base import DeckScreen
from lockdeck.tui.screens.savecolumns import ColumnsSaved, save_columns
from lockdeck.tui.table.column import CellContext, Column, Field
from lockdeck.tui.table.filter import FilterError, Query, parse
from lockdeck.tui.table.ordered import OrderedRows
from lockdeck.tui.table.tables import TableKind
from lockdeck.tui.view.header import HeaderState
from lockdeck.tui.view.lines import Line, line, span
from lockdeck.tui.view.severity import row_severity
from lockdeck.tui.widgets.prompt import FilterPrompt
from lockdeck.tui.widgets.table import Table

_FILTERED, _FILTERED_URGENT = "filtered", "filtered, and needs a person"
"""Why a row is not shown; those that need a person are counted, else it would look as if all were well."""


class TableScreen(DeckScreen):
    """A screen whose body is a table of items, each known by a key."""

    TABLE: ClassVar[TableKind[Any]]

    def __init__(self, filter_text: str = "") -> None:
        super().__init__()
        self._filter_text = self._opened_with = filter_text
        self._query = parse(filter_text, self.TABLE.fields)
        self._table: Table[Any] | None = None
        self._known_values: tuple[tuple[int, object], dict[str, Collection[str]]] = ((0, None), {})
        self.rows: OrderedRows[Any, Any] = OrderedRows(self.rank, self.sift)
        """The items; those that are shown in their order."""

    @property
    def items(self) -> Mapping[Any, Any]:
        """All items by key, whether the filter lets them be seen or not."""
        return self.rows.items

    def rank(self, key: Any, item: Any) -> Any:
        """Return what an item is sorted by, least first."""
        raise NotImplementedError

    def sift(self, _key: Any, item: Any) -> Hashable | None:
        """Return why an item is not shown, None where it is."""
        if self._query.matches(item):
            return None
        return _FILTERED_URGENT if row_severity(item) >= Severity.WARNING else _FILTERED

    def show_rows(self) -> None:
        """Show the items that the filter lets through."""
        raise NotImplementedError

    def nothing_lines(self) -> list[Line]:
        """Return what is said where there is no item at all."""
        return []

    @property
    def table(self) -> Table[Any]:
        """The table; kept, because to find a widget takes longer than to ask it for its row."""
        if self._table is None:
            self._table = self.query_one(Table)
        return self._table

    @property
    def cursor_item(self) -> Any:
        """The item under the cursor, None where there is none, or no table yet."""
        return None if self._table is None else self._table.cursor_item

    @property
    def filter_text(self) -> str:
        """The filter in force, empty without one."""
        return self._filter_text

    def compose(self) -> ComposeResult:
        """Be as the table was left, and put header, table and key bar under each other."""
        self.recall(self.deck_app.preferences.looks.of(self.TABLE.name))
        yield from super().compose()

    def recall(self, look: TableLook) -> None:
        """Take up the filter that was left, unless the screen was opened with one."""
        if look.filter and self._remembers_filter:
            with suppress(FilterError):  # one that names a host is of another deck
                fields = self.TABLE.fields_for(on_hosts=self.deck_app.on_hosts)
                self._filter_text, self._query = look.filter, parse(look.filter, fields)

    def remember(self, **changes: Any) -> None:
        """Keep how the table is left now."""
        name = self.TABLE.name
        self.deck_app.keep(lambda looks: looks.with_table(name, replace(looks.of(name), **changes)))

    @property
    def _remembers_filter(self) -> bool:
        return not self._opened_with

    def body(self) -> Iterable[Widget]:
        """Return table and filter prompt."""
        prompt = FilterPrompt(self.TABLE.fields_for(on_hosts=self.deck_app.on_hosts), self._values)
        prompt.display = False
        self._table = Table(self._columns(), self._cell_context, empty=self._empty)
        return (self._table, prompt)

    @property
    def column_meanings(self) -> Sequence[tuple[str, str]]:
        """The titles of all columns of the table, each with what it says."""
        columns = self.TABLE.all_columns if self.deck_app.on_hosts else self.TABLE.columns
        return [(column.title, column.meaning) for column in columns]

    async def command_open(self) -> None:
        """Show everything about what the selected row is about."""
        if self.selected_key is not None:
            await self.deck_app.open_row(self.selected_key)

    @property
    def column_names(self) -> Sequence[str]:
        """The names of the columns the person wishes to see, in their order; none means all."""
        return self.deck_app.preferences.columns_of(self.TABLE.name)

    def command_columns(self) -> None:
        """Ask which columns to show, in which order, and whether to keep that."""
        dialog = ColumnsDialog(self.TABLE, self.column_names, self.table.size.width)
        self.app.push_screen(dialog, self._choose_columns)

    def header_state(self) -> HeaderState:
        """Return how the dashboard stands now, and how many rows are shown."""
        shown = 0 if self._table is None else len(self._table.order)
        hidden_urgent = self.rows.counts[_FILTERED_URGENT]
        return replace(super().header_state(), rows=(shown, len(self.items)), hidden_urgent=hidden_urgent)

    def take_preferences(self) -> None:
        """Show the columns as they are wished now."""
        self.table.set_columns(self._columns())

    def _columns(self) -> Sequence[Column[Any]]:
        """Return the columns the person wishes."""
        return self.TABLE.columns_for(self.column_names, on_hosts=self.deck_app.on_hosts)

    def _cell_context(self) -> CellContext:
        app = self.deck_app
        deck = app.deck
        now, pulse, releases = app.picture_time(), deck.display.pulse, app.jobs.releases
        return CellContext(now, app.symbols, deck.root_label, pulse, releases, deck.hosts)

    def _choose_columns(self, selection: ColumnSelection | None) -> None:
        if selection is None:
            return
        app = self.deck_app
        look = app.preferences.with_columns(self.TABLE.name, selection.names)
        self.remember(columns=look.columns, instead_of=look.instead_of)
        self.table.set_columns(self._columns())
        if selection.keep and in_browser():
            app.tell(
                "the columns are shown, but not saved: nothing is written for a browser", severity="warning"
            )
        elif selection.keep:
            save_columns(self, self.TABLE, selection.names, app.preferences.config)

    def on_columns_saved(self, message: ColumnsSaved) -> None:
        """Say where the columns are kept, or why they are not."""
        self.deck_app.tell(message.sentence, severity="error" if message.failed else "information")

    def command_filter(self) -> None:
        """Open the filter prompt."""
        self.query_one(FilterPrompt).open(self._filter_text)

    async def command_back(self) -> None:
        """Take off the filter, where it is not the one that the screen was opened with; else go back."""
        if self._filter_text in ("", self._opened_with):
            await super().command_back()
        else:
            self._filter("", Query())
            self._remember_filter()

    def command_as_it_comes(self) -> None:
        """Show the table as it comes, and forget how it was left."""
        self._filter(self._opened_with, parse(self._opened_with, self.TABLE.fields))
        self.deck_app.keep(lambda looks: looks.with_table(self.TABLE.name, TableLook()))
        self.table.set_columns(self._columns())
        self.deck_app.tell(f"the {self.TABLE.name} table is as it comes; how it was left is forgotten")

    def command_next_match(self) -> None:
        """Go to the next row that the filter lets through."""
        self._go_on(1)

    def command_previous_match(self) -> None:
        """Go to the row before among those that the filter lets through."""
        self._go_on(-1)

    def _go_on(self, step: int) -> None:
        if self._filter_text:
            self.table.action_next(step)
        else:
            self.deck_app.tell("there is no filter: / finds rows by words")

    def command_wide(self) -> None:
        """Show all columns, or those that fit."""
        self.table.wide = not self.table.wide

    def _values(self, field: Field[Any]) -> Collection[str]:
        """Return the values that a field has now; they are gathered once for the items there are."""
        now = (self.rows.version, self.items)
        if self._known_values[0][0] != now[0] or self._known_values[0][1] is not now[1]:
            self._known_values = (now, {})
        by_field = self._known_values[1]
        if field.name not in by_field:
            items = self.items.values()
            by_field[field.name] = {value.lower() for item in items for value in field.values(item)}
        return by_field[field.name]

    def _empty(self) -> list[Line]:
        if self.items and self._filter_text:
            return [line(), line(span(f"No row matches {self._filter_text}", "dim"))]
        return self.nothing_lines()

    @on(FilterPrompt.Applied)
    def _apply(self, event: FilterPrompt.Applied) -> None:
        self._filter(event.text, event.query)

    def use_filter(self, text: str) -> None:
        """Show the rows that a filter lets through; FilterError where it can't be understood."""
        self._filter(text, parse(text, self.TABLE.fields))

    def _filter(self, text: str, query: Query) -> None:
        self._filter_text, self._query = text, query
        self.rows.arrange()
        self.show_rows()

    def _remember_filter(self) -> None:
        if self._remembers_filter:
            self.remember(filter=self._filter_text)

    @on(FilterPrompt.Closed)
    def _close(self) -> None:
        self._remember_filter()
        self.table.focus()

    @on(Table.CursorMoved)
    def _cursor_moved(self) -> None:
        self.refresh_bindings()

    @on(Table.RowClicked)
    async def _row_clicked(self) -> None:
        await self.action_command("open")
