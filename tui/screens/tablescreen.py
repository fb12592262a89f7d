"""All that screens with a table share: its columns, and the filter that finds rows."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

from textual import on
from textual.widget import Widget

from lockdeck.tui.dialogs.columns import ColumnsDialog, ColumnSelection
from lockdeck.tui.screens.base import DeckScreen
from lockdeck.tui.screens.savecolumns import ColumnsSaved, save_columns
from lockdeck.tui.table.column import CellContext, Column, Field
from lockdeck.tui.table.filter import parse
from lockdeck.tui.table.layout import select
from lockdeck.tui.table.tables import TableKind
from lockdeck.tui.view.lines import Line, line, span
from lockdeck.tui.widgets.prompt import FilterPrompt
from lockdeck.tui.widgets.table import Table


class _Match(NamedTuple):
    """The answer of the filter in force for an item; it stands as long as the item is the very same."""

    item: object
    matches: bool


class TableScreen(DeckScreen):
    """A screen whose body is a table of items, each known by a key."""

    TABLE: ClassVar[TableKind[Any]]

    def __init__(self, filter_text: str = "") -> None:
        super().__init__()
        self._filter_text = filter_text
        self._query = parse(filter_text, self.TABLE.fields)
        self._matched: dict[Any, _Match] = {}
        self._known_values: tuple[object, dict[str, Collection[str]]] = (None, {})

    @property
    def items(self) -> Mapping[Any, Any]:
        """All items by key, whether the filter lets them be seen or not."""
        raise NotImplementedError

    def show_rows(self) -> None:
        """Show the items that the filter lets through."""
        raise NotImplementedError

    def nothing_lines(self) -> list[Line]:
        """Return what is said where there is no item at all."""
        return []

    @property
    def table(self) -> Table[Any]:
        """The table."""
        return self.query_one(Table)

    @property
    def filter_text(self) -> str:
        """The filter in force, empty without one."""
        return self._filter_text

    def body(self) -> Iterable[Widget]:
        """Return table and filter prompt."""
        prompt = FilterPrompt(self.TABLE.fields, self._values)
        prompt.display = False
        return (Table(self._columns(), self._cell_context, empty=self._empty), prompt)

    async def command_open(self) -> None:
        """Show everything about what the selected row is about."""
        if self.selected_key is not None:
            await self.deck_app.open_row(self.selected_key)

    @property
    def column_names(self) -> Sequence[str]:
        """The names of the columns the person wishes to see, in their order; none means all."""
        return self.deck_app.preferences.columns.get(self.TABLE.name, ())

    def command_columns(self) -> None:
        """Ask which columns to show, in which order, and whether to keep that."""
        dialog = ColumnsDialog(self.TABLE, self.column_names, self.table.size.width)
        self.app.push_screen(dialog, self._choose_columns)

    def _columns(self) -> Sequence[Column[Any]]:
        """Return the columns the person wishes."""
        return select(self.TABLE.columns, self.column_names)

    def _cell_context(self) -> CellContext:
        app = self.deck_app
        return CellContext(app.picture_time(), app.symbols, app.deck.root_label, app.deck.displayed_pulse)

    def _choose_columns(self, selection: ColumnSelection | None) -> None:
        if selection is None:
            return
        app = self.deck_app
        app.preferences = app.preferences.with_columns(self.TABLE.name, selection.names)
        self.table.set_columns(self._columns())
        if selection.keep:
            save_columns(self, self.TABLE, selection.names, app.preferences.config)

    def on_columns_saved(self, message: ColumnsSaved) -> None:
        """Say where the columns are kept, or why they are not."""
        self.deck_app.tell(message.sentence, severity="error" if message.failed else "information")

    def command_filter(self) -> None:
        """Open the filter prompt."""
        self.query_one(FilterPrompt).open(self._filter_text)

    def command_wide(self) -> None:
        """Show all columns, or those that fit."""
        self.table.wide = not self.table.wide

    def matching(self, order: Sequence[Any]) -> Sequence[Any]:
        """Return the keys whose items the filter lets through."""
        if not self._query.terms:
            return order
        items, previous = self.items, self._matched
        self._matched = {key: self._match(items[key], previous.get(key)) for key in order}
        return tuple(key for key, match in self._matched.items() if match.matches)

    def _match(self, item: Any, previous: _Match | None) -> _Match:
        if previous is not None and previous.item is item:
            return previous
        return _Match(item, self._query.matches(item))

    def _values(self, field: Field[Any]) -> Collection[str]:
        """Return the values that a field has now; they are gathered once for the items there are."""
        items = self.items
        if self._known_values[0] is not items:
            self._known_values = (items, {})
        by_field = self._known_values[1]
        if field.name not in by_field:
            by_field[field.name] = {value.lower() for item in items.values() for value in field.values(item)}
        return by_field[field.name]

    def _empty(self) -> list[Line]:
        if self.items:
            return [line(), line(span(f"No row matches {self._filter_text}", "dim"))]
        return self.nothing_lines()

    @on(FilterPrompt.Applied)
    def _apply(self, event: FilterPrompt.Applied) -> None:
        self._filter_text, self._query, self._matched = event.text, event.query, {}
        self.show_rows()

    @on(FilterPrompt.Closed)
    def _close(self) -> None:
        self.table.focus()

    @on(Table.CursorMoved)
    def _cursor_moved(self) -> None:
        self.refresh_bindings()

    @on(Table.RowClicked)
    async def _row_clicked(self) -> None:
        await self.action_command("open")
