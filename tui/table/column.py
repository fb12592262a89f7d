"""A column of a table is one record: name, title, width, cell, sort value and filter field. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

from msgspec import Struct, field

from lockdeck.tui.view.hosts import Hosts, OfHost, time_there
from lockdeck.tui.view.lines import EMPTY, Line
from lockdeck.tui.view.severity import Releases
from lockdeck.tui.view.sparkline import Pulse
from lockdeck.tui.view.symbols import Symbols

Item = TypeVar("Item", contravariant=True)  # a column for any row is a column for locks too


class CellContext(Struct, frozen=True):
    """All that a cell shows beside its item: the time (epoch seconds), glyphs, short root names, recent beats.

    `releases` are the rows whose lock is being released from here, or was. `hosts` are those that a deck has its rows from.
    """

    now: float
    symbols: Symbols
    root_label: Callable[[tuple[str, str]], str] = lambda _root: ""
    pulse: Pulse = Pulse()
    releases: Releases = field(default_factory=dict)
    hosts: Hosts = field(default_factory=dict)

    def time_of(self, row: OfHost) -> float:
        """Return the time by the clock of a row's host (epoch seconds); of one that is lost the time it was seen last."""
        return time_there(row, self.now, self.hosts)


class SortValue(Struct, Generic[Item], frozen=True):
    """A value to sort by, least first. None says that an item has no value; such rows come last.

    A value holds no clock, so that rows keep still while time passes. `downward` says that in this, its
    natural direction, the greatest, longest or most urgent comes first.
    """

    value: Callable[[Item], Any]
    downward: bool = False


class Field(Struct, Generic[Item], frozen=True):
    """A field of the filter, `name:`; a value may stand anywhere in an item's `text`, in any case.

    `suggestions` are the values that completion lists, the text itself where it is None. With `whole_numbers`
    a number must be a whole word of the text: 39 is not 396; with `quoted_whole` what stands in quotes is the whole text.
    Fields are listed by `rank`.
    """

    name: str
    text: Callable[[Item], str]
    suggestions: Callable[[Item], Iterable[str]] | None = None
    whole_numbers: bool = False
    quoted_whole: bool = False
    rank: int = 10

    def values(self, item: Item) -> Iterable[str]:
        """Return what could be asked to find an item."""
        return (self.text(item),) if self.suggestions is None else self.suggestions(item)


class Width(Struct, frozen=True):
    """The width of a column: `cells` at least, and a share `flex` of the spare ones (0: none), up to `max_cells`.

    It is hidden while the table is narrower than `from_table` cells. In one narrower than `full_from` it has
    `brief_cells` only. Where all columns are shown and need not fit it has `wide_cells` at least (0: the same).
    """

    cells: int
    flex: int = 0
    max_cells: int = 0
    from_table: int = 0
    wide_cells: int = 0
    brief_cells: int = 0
    full_from: int = 0

    def min_cells(self, wide: bool, table: int = 0) -> int:
        """Return the least width, where all columns are shown or in a table of so many cells where they must fit."""
        if wide:
            return self.wide_cells or self.cells
        return self.brief_cells if self.brief_cells and table < self.full_from else self.cells


class Column(Struct, Generic[Item], frozen=True, kw_only=True):
    """All there is to know about a column; `name` is what configuration and sorting call it.

    Where `sort` is None, rows can't be sorted by it; where `field` is None, the filter can't ask for it. `brief` makes
    the cell where the column is narrower than its width says. With `names` its cells are names: cut in the middle, and
    never so that two of them look the same. `meaning` is a sentence for the legend.
    """

    name: str
    title: str
    width: Width
    cell: Callable[[Item, CellContext], Line]
    sort: SortValue[Item] | None
    field: Field[Item] | None
    right: bool = False
    brief: Callable[[Item, CellContext], Line] | None = None
    names: bool = False
    meaning: str = ""

    def cell_in(self, cells: int) -> Callable[[Item, CellContext], Line]:
        """Return what makes the cell in a column of so many cells."""
        return self.cell if self.brief is None or cells >= self.width.cells else self.brief


ON_DEMAND = 10_000
"""For `Width.from_table`: a column that is shown only where a person chose it, or all columns."""


def no_cell(_item: object, _context: CellContext) -> Line:
    """Leave a cell empty."""
    return EMPTY
