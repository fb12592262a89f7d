"""The sort of a table's rows: by urgency, or by a column, in either direction. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from lockdeck.backend.settings.looks import TableLook
from lockdeck.tui.table.column import Column, SortValue
from lockdeck.tui.table.rows import Row, urgency
from lockdeck.tui.table.sortvalues import URGENCY


class Greatest:
    """A value of which the greatest comes first."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Greatest) and self.value == other.value

    def __lt__(self, other: Greatest) -> bool:
        return bool(other.value < self.value)

    __hash__ = None  # type: ignore[assignment]


class Sort(Struct, frozen=True):
    """The column rows are sorted by (None: by urgency), its sort value, and whether against its natural direction."""

    column: str | None = None
    by: SortValue[Any] = URGENCY
    reverse: bool = False

    @classmethod
    def of(cls, column: Column[Any], *, reverse: bool = False) -> Sort:
        """Return the sort by a column; by urgency where it can't be sorted by."""
        return cls() if column.sort is None else cls(column.name, column.sort, reverse)

    @classmethod
    def left(cls, look: TableLook, columns: Sequence[Column[Any]]) -> Sort:
        """Return the sort that a table was left with; by urgency where it has no such column."""
        column = next((column for column in columns if column.name == look.sort), None)
        return cls(reverse=look.reverse) if column is None else cls.of(column, reverse=look.reverse)

    def rank(self, row: Row) -> tuple[Any, ...]:
        """Return what the first row has the least of: the value, for ties the urgency; rows without a value come last."""
        urgent = urgency(row)
        if self.by is URGENCY and not self.reverse:
            return urgent
        value = self.by.value(row)
        return (value is None, Greatest(value) if self.reverse and value is not None else value, urgent)

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
