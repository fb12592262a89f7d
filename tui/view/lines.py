"""Lines: the one form in which text reaches a widget. A line is a row of spans; a span names its style."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple, overload

from rich.cells import cell_len, chop_cells, set_cell_size

from lockdeck.backend.system.text import SafeText, safe


class Span(NamedTuple):
    """A piece of a line: text fit to be shown, and the name of a style (lockdeck.themes.palette.STYLES)."""

    text: SafeText
    style: str = "text"


Line = tuple[Span, ...]
EMPTY: Line = ()
LEAD = 15
"""Cells before the name of a list item; the further lines of a long name are indented by as much."""
_JOINTS = ":/-_. "
"""Characters after which a part of a name begins."""


def span(text: object, style: str = "text", limit: int = 400) -> Span:
    """Make a span of any value; control and direction characters are made harmless."""
    return Span(text if isinstance(text, SafeText) else safe(text, limit), style)


def line(*parts: Span | str) -> Line:
    """Put spans and plain words in a row; a plain word gets the style `text`."""
    return tuple(part if isinstance(part, Span) else span(part) for part in parts)


def width_of(row: Line) -> int:
    """Return how many terminal cells the line takes."""
    return sum(cell_len(part.text) for part in row)


def plain(row: Line) -> str:
    """Return the text of a line without its styles."""
    return "".join(part.text for part in row)


def merged(row: Line) -> Line:
    """Return the line with neighbours of one style made one span."""
    joined: list[Span] = []
    for part in row:
        if joined and joined[-1].style == part.style:
            joined[-1] = Span(SafeText(joined[-1].text + part.text), part.style)
        else:
            joined.append(part)
    return tuple(joined)


def join(rows: Iterable[Line], between: Span) -> Line:
    """Join the lines that are not empty with a span between them."""
    joined: list[Span] = []
    for row in rows:
        if row:
            joined.extend((between, *row) if joined else row)
    return tuple(joined)


def fit(row: Line, width: int, *, ellipsis: str = "…", right: bool = False) -> Line:
    """Return the line at exactly `width` cells: cut with an ellipsis, or filled with blanks."""
    used = width_of(row)
    if used > width:
        return _cut(row, width, ellipsis)
    if used == width:
        return row
    blank = Span(SafeText(" " * (width - used)))
    return (blank, *row) if right else (*row, blank)


def _cut(row: Line, width: int, ellipsis: str) -> Line:
    room = width - cell_len(ellipsis)
    if room < 0:
        return fit(EMPTY, max(width, 0))
    parts: list[Span] = []
    for part in row:
        cells = cell_len(part.text)
        if cells > room:
            cut = set_cell_size(part.text, room).rstrip() + ellipsis
            parts.append(Span(SafeText(cut), part.style))
            break
        parts.append(part)
        room -= cells
    return fit(tuple(parts), width, ellipsis=ellipsis)


def sides(start: Line, end: Line, width: int, *, ellipsis: str = "…") -> Line:
    """Put one line at the left edge and one at the right; the left one gives way."""
    space = width - width_of(end)
    return (*fit(start, max(space - 1, 0), ellipsis=ellipsis), span(" "), *end) if end else fit(start, width)


def wrap(row: Line, width: int, *, indent: int = 0) -> Iterator[Line]:
    """Break a line at blanks into lines of at most `width` cells; those after the first are indented."""
    current: list[Span] = []
    used = 0
    margin = Span(SafeText(" " * indent))
    for word, style in _words(row):
        text: str = word
        if cell_len(word) > width - used and used > indent:
            yield tuple(current)
            current, used, text = [margin], indent, word.lstrip(" ")
        for piece in _pieces(text, max(width - used, 1), max(width - indent, 1)):
            if used + cell_len(piece) > width and used > indent:
                yield tuple(current)
                current, used = [margin], indent
            current.append(Span(SafeText(piece), style))
            used += cell_len(piece)
    if current:
        yield tuple(current)


def _words(row: Line) -> Iterator[tuple[SafeText, str]]:
    for part in row:
        words = part.text.split(" ")
        for number, word in enumerate(words):
            text = word if number == 0 else f" {word}"
            if text:
                yield SafeText(text), part.style


def _pieces(word: str, first: int, rest: int) -> list[str]:
    """Split a word that is too long for a whole line."""
    return [word] if cell_len(word) <= max(first, rest) else chop_cells(word, min(first, rest))


def cut_in_the_middle(name: str, width: int, ellipsis: str) -> str:
    """Return a name in so many cells: some of its beginning, more of its end, which begins at a joint where it can."""
    room = width - cell_len(ellipsis)
    if room < 2:
        return set_cell_size(name, max(width, 0))
    ends = (name[at:] for at in range(len(name) - room, len(name)) if at > 0 and name[at - 1] in _JOINTS)
    whole = next((end for end in ends if room >= cell_len(end) >= room // 3), "")
    tail = whole or _last_cells(name, (2 * room + 2) // 3)
    return first_cells(name, room - cell_len(tail)) + ellipsis + tail


def first_cells(text: str, cells: int) -> str:
    """Return as much of the beginning of a text as has room in so many cells."""
    return chop_cells(text, cells)[0] if cells > 0 and text else ""


def _last_cells(text: str, cells: int) -> str:
    while text and cell_len(text) > cells:
        text = text[cell_len(text) - cells if cell_len(text) == len(text) else 1 :]
    return text


class ListItem(NamedTuple):
    """A row of a list in a page: its name, and what makes the words before it when it is looked at."""

    lead: Callable[[], Line]
    name: str


class LongPage(Sequence[Line]):
    """The lines of a page at a width in cells. Rows are wrapped at once, items when one of their lines is asked for."""

    def __init__(self, rows: Sequence[Line | ListItem], width: int) -> None:
        self._room = max(width - LEAD, 1)
        self._parts = [row if isinstance(row, ListItem) else wrapped(row, width) for row in rows]
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
        return self._line_of(part, within) if isinstance(part, ListItem) else part[within]

    def _height(self, part: ListItem | Sequence[Line]) -> int:
        if not isinstance(part, ListItem):
            return len(part)
        plain_ascii = part.name.isascii() and part.name.isprintable()
        return -(-len(part.name) // self._room) if plain_ascii else len(self._pieces(part))

    def _pieces(self, item: ListItem) -> list[str]:
        return chop_cells(safe(item.name, 4096), self._room) or [""]

    def _line_of(self, item: ListItem, number: int) -> Line:
        lead = fit(EMPTY if number else item.lead(), LEAD)
        return (*lead, Span(SafeText(self._pieces(item)[number])))


def wrapped(row: Line, width: int) -> Sequence[Line]:
    """Return a row in lines of a width; those after the first are indented as the text of a list item is."""
    return tuple(wrap(row, width, indent=_indent(row))) if row else (EMPTY,)


def _indent(row: Line) -> int:
    lead = row[0].text
    if len(row) > 1 and lead.endswith("  "):
        return cell_len(lead)  # what follows a label goes on under itself
    return len(lead) if not lead.strip(" -·*>→") else len(lead) - len(lead.lstrip(" "))
