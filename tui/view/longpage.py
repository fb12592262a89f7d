"""Pages that may be very long: of a list in them only the lines that are looked at are made. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import NamedTuple, overload

from rich.cells import chop_cells

from lockdeck.backend.system.text import SafeText, safe
from lockdeck.tui.view.lines import EMPTY, Line, Span, fit, wrap

LEAD = 15
"""Cells before the name of an entry; the further lines of a long name are indented by as much."""


class Entry(NamedTuple):
    """One row of a list: its name, and what makes the words before it when it is looked at."""

    lead: Callable[[], Line]
    name: str


class LongPage(Sequence[Line]):
    """The lines of a page at a width in cells. Rows are wrapped at once, entries when one of their lines is asked for."""

    def __init__(self, rows: Sequence[Line | Entry], width: int) -> None:
        self._room = max(width - LEAD, 1)
        self._parts = [row if isinstance(row, Entry) else wrapped(row, width) for row in rows]
        self._ends = list(accumulate(map(self._height, self._parts)))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    @overload
    def __getitem__(self, at: int) -> Line: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Line]: ...
    def __getitem__(self, at: int | slice) -> Line | Sequence[Line]:
        if isinstance(at, slice):
            return [self[y] for y in range(*at.indices(len(self)))]
        y = at + len(self) if at < 0 else at
        if not 0 <= y < len(self):
            raise IndexError(at)
        number = bisect_right(self._ends, y)
        part = self._parts[number]
        within = y - (self._ends[number - 1] if number else 0)
        return self._line_of(part, within) if isinstance(part, Entry) else part[within]

    def _height(self, part: Entry | Sequence[Line]) -> int:
        if not isinstance(part, Entry):
            return len(part)
        plain_ascii = part.name.isascii() and part.name.isprintable()
        return -(-len(part.name) // self._room) if plain_ascii else len(self._pieces(part))

    def _pieces(self, entry: Entry) -> list[str]:
        return chop_cells(safe(entry.name, 4096), self._room) or [""]

    def _line_of(self, entry: Entry, number: int) -> Line:
        lead = fit(EMPTY if number else entry.lead(), LEAD)
        return (*lead, Span(SafeText(self._pieces(entry)[number])))


def wrapped(row: Line, width: int) -> Sequence[Line]:
    """Return a row in lines of a width; those after the first are indented as the text of a list item is."""
    return tuple(wrap(row, width, indent=_indent(row))) if row else (EMPTY,)


def _indent(row: Line) -> int:
    lead = row[0].text
    return len(lead) if not lead.strip(" -·*>→") else len(lead) - len(lead.lstrip(" "))
