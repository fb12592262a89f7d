"""A screen whose items are rows of the fleet: taken in by what changed, in an order that can be chosen and frozen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from textual import on

from lockdeck.backend.model.fleet import FleetSnapshot
from lockdeck.backend.settings.looks import TableLook
from lockdeck.tui.screens.tablescreen import TableScreen
from lockdeck.tui.table.marks import NONE, Marks
from lockdeck.tui.table.ordered import OrderedRows
from lockdeck.tui.table.rowchanges import RowChange, RowChanges
from lockdeck.tui.table.rows import Row
from lockdeck.tui.table.sorting import Sort
from lockdeck.tui.view.names import RowKey
from lockdeck.tui.widgets.table import Table


class OrderScreen(TableScreen):
    """A table of rows of the fleet."""

    rows: OrderedRows[RowKey, Row]

    def __init__(self, filter_text: str = "") -> None:
        super().__init__(filter_text)
        self._taken = 0
        self._sort = Sort()
        self._exempt: Marks = NONE
        self._kept: Marks = NONE

    def all_rows(self, snapshot: FleetSnapshot) -> Mapping[RowKey, Row]:
        """Return the rows of a snapshot."""
        raise NotImplementedError

    def changed_rows(self, changes: RowChanges) -> Iterable[RowChange]:
        """Return the changes that are of this screen's rows."""
        raise NotImplementedError

    @property
    def exempt_keys(self) -> Marks:
        """The rows that are never folded: the one that the cursor goes with, and others that the person pointed at."""
        followed = self.table.followed_key
        return frozenset({followed}) if isinstance(followed, RowKey) else NONE

    @property
    def frozen(self) -> bool:
        """Return whether the order of rows is kept."""
        return self.rows.frozen

    def rank(self, _key: RowKey, row: Row) -> Any:
        """Return what a row is sorted by."""
        return self._sort.rank(row)

    def is_exempt(self, key: RowKey) -> bool:
        """Return whether a row is shown whatever it says; so are those that were seen when the order was frozen."""
        return key in self._exempt or key in self._kept

    def show_rows(self) -> None:
        """Show the rows that the filter lets through."""
        self.update_picture()

    def show_order(self) -> None:
        """Show the rows of the deck's snapshot."""
        self._take_rows()
        self.table.show(self.rows.order, self.rows.items)

    def _take_rows(self) -> None:
        """Take in what changed since this was last done; all that there is where that is not known any more."""
        deck, exempt = self.deck_app.deck, self.exempt_keys
        pointed_at, self._exempt = exempt ^ self._exempt, exempt
        news = deck.rows_since(self._taken)
        self._taken = deck.display.number
        if news is not None:
            self.rows.take({change.key: change.new for rows in news for change in self.changed_rows(rows)})
        elif deck.displayed is not None:
            self.rows.take_all(self.all_rows(deck.displayed))
        self.rows.sift_again(pointed_at)

    def on_mount(self) -> None:
        """Name the column rows are sorted by at first."""
        super().on_mount()
        self._show_sort()

    def command_freeze(self) -> None:
        """Keep the order that is shown, or sort again."""
        if self.rows.frozen:
            self._kept = NONE
            self.rows.thaw()
        else:
            self._kept = frozenset(self.rows.order)
            self.rows.freeze()
        self.update_picture()

    def command_sort_right(self) -> None:
        """Sort by the next column that is seen."""
        self._move_sort(1)

    def command_sort_left(self) -> None:
        """Sort by the previous column that is seen."""
        self._move_sort(-1)

    def _move_sort(self, step: int) -> None:
        self._sort_by(self._sort.neighbour(step, self.table.columns))

    def command_sort_reverse(self) -> None:
        """Sort the other way round."""
        self._sort_by(self._sort.opposite())

    @on(Table.TitleClicked)
    def _title_clicked(self, event: Table.TitleClicked) -> None:
        self._sort_by(self._sort.clicked(event.column))

    def _sort_by(self, sort: Sort) -> None:
        if sort == self._sort:
            self.deck_app.tell("no other column that is shown can be sorted by")
            return
        self._sort, frozen = sort, self.rows.frozen
        self.remember(sort=sort.column, reverse=sort.reverse)
        self.rows.thaw()
        self._show_sort()
        self.update_picture()
        if frozen:
            self.command_freeze()

    def recall(self, look: TableLook) -> None:
        """Take up the order and the filter that were left."""
        self._sort = Sort.left(look, self.TABLE.all_columns if self.deck_app.on_hosts else self.TABLE.columns)
        super().recall(look)

    def command_as_it_comes(self) -> None:
        """Show the table in its own order too."""
        super().command_as_it_comes()
        if self._sort != Sort():
            self._sort_by(Sort())

    def _show_sort(self) -> None:
        self.table.show_sort(self._sort.column or self.TABLE.columns[0].name, self._sort.downward)
