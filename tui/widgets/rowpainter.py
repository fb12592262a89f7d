"""Makes the cells and strips of a table's rows, and caches them while they are the same."""

from __future__ import annotations

from collections.abc import Callable, Container, Hashable, Sequence
from itertools import count
from typing import Any, Generic, TypeVar

from msgspec import Struct
from textual.cache import LRUCache
from textual.strip import Strip

from lockdeck.tui.table.column import CellContext, Column
from lockdeck.tui.table.layout import GAP, AnyColumn, Layout, lay_out
from lockdeck.tui.table.naming import cut_names
from lockdeck.tui.view.lines import Line, Span, fit, plain, span
from lockdeck.tui.view.style import StyleBook

Key = Hashable
Cells = tuple[Line, ...]
Item = TypeVar("Item")
Names = tuple[tuple[int, str], ...]
"""Places among the visible columns, and what stands there instead of a name that is too long."""
MARGIN = span(" ")
_BETWEEN = span(" " * GAP)
_MAX_STRIPS = 256
_MAX_CELLS = 1000


class RowLook(Struct, frozen=True):
    """All that a row's look depends on beside its cells: width, ground, whether it is old news, its mark, if any.

    `names` are those of its names that are too long for their columns, cut.
    """

    book: StyleBook
    ellipsis: str
    width: int
    ground: str
    faded: bool
    mark: str = ""
    wide: bool = False
    names: Names = ()


class _RowCells(Struct):
    """The cells of a row as last made; `version` is new, and never used before, when they come out different."""

    item: object
    moment: int
    cells: Cells
    version: int


class RowPainter(Generic[Item]):
    """Caches cells by key and strips by everything that can change their look.

    Cells are made for the columns alone that are visible at the width last painted.
    """

    def __init__(self, columns: Sequence[Column[Item]], context: Callable[[], CellContext]) -> None:
        self._columns = columns
        self._context = context
        self._room = (0, False)
        self._layout: Layout = ()
        self._cache: dict[Key, _RowCells] = {}
        self._strips: LRUCache[tuple[Any, ...], tuple[int, Strip]] = LRUCache(_MAX_STRIPS)
        self._versions = count()
        self._moment = 0

    def let_time_pass(self) -> None:
        """Have all cells made anew when they are next asked for."""
        self._moment += 1

    def version(self, key: Key, item: Item) -> int:
        """Return a number that is different whenever the row's cells are."""
        return self._cells(key, item).version

    def strip(self, key: Key, item: Item, look: RowLook) -> Strip:
        """Return the row as a strip."""
        self.lay_out(look.width, look.wide)
        row = self._cells(key, item)
        # The version is no part of the name: one that is over never comes back, and its strip must not stay.
        name = (
            key,
            look.width,
            look.book.palette.name,
            look.ground,
            look.faded,
            look.mark,
            look.wide,
            look.names,
        )
        version, strip = self._strips.get(name, (None, None))
        if strip is None or version != row.version:
            strip = self._paint(row.cells, look)
            self._strips[name] = (row.version, strip)
        return strip

    def cut_names(self, rows: Sequence[tuple[Key, Item]], ellipsis: str) -> dict[Key, Names]:
        """Return what stands for names that are too long in these rows, which are seen together; none is doubled."""
        names: dict[Key, Names] = {}
        for position, (index, width) in enumerate(self._layout):
            if self._columns[index].names:
                texts = {key: plain(self._cells(key, item).cells[position]) for key, item in rows}
                cut = cut_names(texts.values(), width, ellipsis)
                for key, text in texts.items():
                    if text in cut:
                        names[key] = (*names.get(key, ()), (position, cut[text]))
        return names

    def forget_all_but(self, keys: Container[Key], in_view: int) -> None:
        """Drop the cells of rows that went, once there are many."""
        if len(self._cache) > _MAX_CELLS + 2 * in_view:
            self._cache = {key: row for key, row in self._cache.items() if key in keys}

    def lay_out(self, width: int, wide: bool) -> None:
        """Make cells for the columns that a row of so many cells has room for."""
        if (width, wide) == self._room:
            return
        self._room, layout = (width, wide), lay_out(self._columns, width - 2, wide)
        if layout != self._layout:
            self.let_time_pass()
        self._layout = layout

    def _cells(self, key: Key, item: Item) -> _RowCells:
        row = self._cache.get(key)
        if row is not None and row.item is item and row.moment == self._moment:
            return row
        context = self._context()
        cells = tuple(self._columns[index].cell_in(width)(item, context) for index, width in self._layout)
        version = row.version if row is not None and row.cells == cells else next(self._versions)
        row = self._cache[key] = _RowCells(item, self._moment, cells, version)
        return row

    def _paint(self, cells: Cells, look: RowLook) -> Strip:
        for position, name in look.names:
            cells = (*cells[:position], (span(name, cells[position][0].style),), *cells[position + 1 :])
        row = beside(cells, self._columns, self._layout, look.ellipsis)
        if look.faded:
            row = tuple(Span(part.text, "stale") for part in row)
        if look.mark:
            row = (span(look.mark, "accent"), *row[1:])
        return look.book.strip(row, look.width, look.ground)


def beside(cells: Cells, columns: Sequence[AnyColumn], layout: Layout, ellipsis: str) -> Line:
    """Put the cells of the visible columns beside each other, each as wide as its column."""
    parts: list[Span] = [MARGIN]
    for position, (index, width) in enumerate(layout):
        if position:
            parts.append(_BETWEEN)
        parts.extend(fit(cells[position], width, ellipsis=ellipsis, right=columns[index].right))
    return tuple(parts)
