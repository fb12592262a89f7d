"""Makes the cells and strips of a table's rows, and keeps them while they are the same."""

from __future__ import annotations

from collections.abc import Callable, Container, Hashable, Sequence
from itertools import count
from typing import Any, Generic, TypeVar

from msgspec import Struct
from textual.cache import LRUCache
from textual.strip import Strip

from lockdeck.tui.table.fitting import GAP, Column, lay_out
from lockdeck.tui.view.lines import Line, Span, fit, span
from lockdeck.tui.view.style import StyleBook

Key = Hashable
Cells = tuple[Line, ...]
Item = TypeVar("Item")
MARGIN = span(" ")
_BETWEEN = span(" " * GAP)
_KEPT_STRIPS = 1024
_KEPT_CELLS = 1000


class Painting(Struct, frozen=True):
    """How a row is to be painted: its width in cells, its ground, whether it is old news, and its mark, if any."""

    book: StyleBook
    ellipsis: str
    width: int
    ground: str
    faded: bool
    mark: str = ""
    wide: bool = False


class _Made(Struct):
    """The cells of a row as last made; `version` is new, and never used before, when they come out different."""

    item: object
    moment: int
    cells: Cells
    version: int


class RowPainter(Generic[Item]):
    """Caches cells by key and strips by everything that can change their look."""

    def __init__(self, columns: Sequence[Column], make: Callable[[Item], Cells]) -> None:
        self._columns = columns
        self._make = make
        self._made: dict[Key, _Made] = {}
        self._strips: LRUCache[tuple[Any, ...], Strip] = LRUCache(_KEPT_STRIPS)
        self._versions = count()
        self._moment = 0

    def let_time_pass(self) -> None:
        """Have all cells made anew when they are next asked for."""
        self._moment += 1

    def version(self, key: Key, item: Item) -> int:
        """Return a number that is another one whenever the row's cells are."""
        return self._cells(key, item).version

    def strip(self, key: Key, item: Item, how: Painting) -> Strip:
        """Return the row as a strip."""
        made = self._cells(key, item)
        name = (
            key,
            made.version,
            how.width,
            how.book.palette.name,
            how.ground,
            how.faded,
            how.mark,
            how.wide,
        )
        strip = self._strips.get(name)
        if strip is None:
            row = arranged(made.cells, self._columns, how.width, how.ellipsis, wide=how.wide)
            if how.faded:
                row = tuple(Span(part.text, "stale") for part in row)
            if how.mark:
                row = (span(how.mark, "accent"), *row[1:])
            strip = self._strips[name] = how.book.strip(row, how.width, how.ground)
        return strip

    def forget_all_but(self, keys: Container[Key], in_view: int) -> None:
        """Drop the cells of rows that went, once there are many."""
        if len(self._made) > _KEPT_CELLS + 2 * in_view:
            self._made = {key: made for key, made in self._made.items() if key in keys}

    def _cells(self, key: Key, item: Item) -> _Made:
        made = self._made.get(key)
        if made is not None and made.item is item and made.moment == self._moment:
            return made
        cells = self._make(item)
        same = made is not None and made.cells == cells
        version = made.version if made is not None and same else next(self._versions)
        made = self._made[key] = _Made(item, self._moment, cells, version)
        return made


def arranged(
    cells: Cells, columns: Sequence[Column], width: int, ellipsis: str, *, wide: bool = False
) -> Line:
    """Put cells beside each other, each as wide as its column."""
    parts: list[Span] = [MARGIN]
    for position, (index, cell_width) in enumerate(lay_out(columns, width - 2, wide)):
        if position:
            parts.append(_BETWEEN)
        parts.extend(fit(cells[index], cell_width, ellipsis=ellipsis, right=columns[index].right))
    return tuple(parts)
