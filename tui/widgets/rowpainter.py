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
from lockdeck.tui.view.lines import Line, Span, fit, span
from lockdeck.tui.view.style import StyleBook

Key = Hashable
Cells = tuple[Line, ...]
Item = TypeVar("Item")
MARGIN = span(" ")
_BETWEEN = span(" " * GAP)
_MAX_STRIPS = 1024
_MAX_CELLS = 1000


class RowLook(Struct, frozen=True):
    """All that a row's look depends on beside its cells: width, ground, whether it is old news, its mark, if any."""

    book: StyleBook
    ellipsis: str
    width: int
    ground: str
    faded: bool
    mark: str = ""
    wide: bool = False


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
        self._lay_out(look.width, look.wide)
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
        )
        version, strip = self._strips.get(name, (None, None))
        if strip is None or version != row.version:
            strip = self._paint(row.cells, look)
            self._strips[name] = (row.version, strip)
        return strip

    def forget_all_but(self, keys: Container[Key], in_view: int) -> None:
        """Drop the cells of rows that went, once there are many."""
        if len(self._cache) > _MAX_CELLS + 2 * in_view:
            self._cache = {key: row for key, row in self._cache.items() if key in keys}

    def _lay_out(self, width: int, wide: bool) -> None:
        if (width, wide) == self._room:
            return
        self._room, layout = (width, wide), lay_out(self._columns, width - 2, wide)
        if [index for index, _width in layout] != [index for index, _width in self._layout]:
            self.let_time_pass()
        self._layout = layout

    def _cells(self, key: Key, item: Item) -> _RowCells:
        row = self._cache.get(key)
        if row is not None and row.item is item and row.moment == self._moment:
            return row
        context = self._context()
        cells = tuple(self._columns[index].cell(item, context) for index, _width in self._layout)
        version = row.version if row is not None and row.cells == cells else next(self._versions)
        row = self._cache[key] = _RowCells(item, self._moment, cells, version)
        return row

    def _paint(self, cells: Cells, look: RowLook) -> Strip:
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
