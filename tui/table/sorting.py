"""The sort of a table's rows: by urgency, or by a column, in either direction. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

from lockdeck.tui.table.column import Column, SortValue
from lockdeck.tui.table.sortvalues import URGENCY


class Sort(Struct, frozen=True):
    """The column rows are sorted by (None: by urgency), and whether against its natural direction."""

    column: Column[Any] | None = None
    reverse: bool = False

    @property
    def value(self) -> Callable[[Any], Any]:
        """The function that gives the value a row is sorted by."""
        return self._sort_value.value

    @property
    def downward(self) -> bool:
        """True where the greatest, longest or most urgent comes first."""
        return self._sort_value.downward is not self.reverse

    @property
    def name(self) -> str | None:
        """The name of the column, None for the urgency."""
        return None if self.column is None else self.column.name

    def opposite(self) -> Sort:
        """Return the same column in the other direction."""
        return Sort(self.column, not self.reverse)

    def neighbour(self, step: int, columns: Sequence[Column[Any]]) -> Sort:
        """Return the sort by the next or previous of the columns, round and round."""
        sortable = [column for column in columns if column.sort is not None]
        if not sortable:
            return self
        names = [column.name for column in sortable]
        if self.name not in names:
            return Sort(sortable[0 if step > 0 else -1])
        return Sort(sortable[(names.index(self.name) + step) % len(names)])

    def by(self, column: Column[Any]) -> Sort:
        """Return the sort by a column; by the other direction when it is sorted by already."""
        if column.sort is None:
            return self
        return self.opposite() if column.name == self.name else Sort(column)

    @property
    def _sort_value(self) -> SortValue[Any]:
        sort = None if self.column is None else self.column.sort
        return URGENCY if sort is None else sort
