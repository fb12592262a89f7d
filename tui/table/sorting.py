"""The sort of a table's rows: by urgency, or by a column, in either direction. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

from lockdeck.tui.table.column import Column, SortValue
from lockdeck.tui.table.sortvalues import URGENCY


class Sort(Struct, frozen=True):
    """The column rows are sorted by (None: by urgency), its sort value, and whether against its natural direction."""

    column: str | None = None
    by: SortValue[Any] = URGENCY
    reverse: bool = False

    @classmethod
    def of(cls, column: Column[Any], *, reverse: bool = False) -> Sort:
        """Return the sort by a column; by urgency where it can't be sorted by."""
        return cls() if column.sort is None else cls(column.name, column.sort, reverse)

    @property
    def value(self) -> Callable[[Any], Any]:
        """The function that gives the value a row is sorted by."""
        return self.by.value

    @property
    def downward(self) -> bool:
        """True where the greatest, longest or most urgent comes first."""
        return self.by.downward is not self.reverse

    def opposite(self) -> Sort:
        """Return the same column in the other direction."""
        return Sort(self.column, self.by, not self.reverse)

    def neighbour(self, step: int, columns: Sequence[Column[Any]]) -> Sort:
        """Return the sort by the next or previous of the columns, round and round."""
        sortable = [column for column in columns if column.sort is not None]
        if not sortable:
            return self
        names = [column.name for column in sortable]
        if self.column not in names:
            return Sort.of(sortable[0 if step > 0 else -1])
        return Sort.of(sortable[(names.index(self.column) + step) % len(names)])

    def clicked(self, column: Column[Any]) -> Sort:
        """Return the sort after a click on a title; a second click on the same turns the direction round."""
        if column.sort is None:
            return self
        return self.opposite() if column.name == self.column else Sort.of(column)
