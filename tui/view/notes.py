"""Problems of the roots and notes: a few lines for the header, all of them to read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lockdeck.backend.model.fleet import FleetSnapshot, RootView
from lockdeck.tui.view.lines import EMPTY, Line, line, sides, span
from lockdeck.tui.view.symbols import Symbols

MOST_PROBLEMS = 2
"""So many problems get a line of the header each; the rest, and notes, are counted."""


def where(root: RootView, snapshot: FleetSnapshot) -> Line:
    """Name the root, where there is more than one, and its host, where it is another one."""
    host = f"{root.host} " if root.host else ""
    return line(span(f"{host}{root.path}: ", "dim")) if len(snapshot.roots) > 1 or host else ()


def header_rows(snapshot: FleetSnapshot, symbols: Symbols, width: int) -> list[Line]:
    """Return what the header has room for: the first problems."""
    return list(_first(list(_problems(snapshot, symbols)), MOST_PROBLEMS, symbols, width))


def note_count(snapshot: FleetSnapshot) -> int:
    """Return how many notes there are to read."""
    return len(snapshot.notes)


def _first(rows: Sequence[Line], number: int, symbols: Symbols, width: int) -> Iterator[Line]:
    """Yield the first rows; the last of these counts those that have no room."""
    rest = len(rows) - number
    more = line(span(f"+{rest} more ", "dim")) if rest > 0 else ()
    for index, row in enumerate(rows[:number], 1):
        yield sides(row, more if index == number else (), width, ellipsis=symbols.ellipsis)


def note_rows(snapshot: FleetSnapshot, symbols: Symbols) -> Iterator[Line]:
    """Yield everything, to be wrapped: problems first."""
    problems, notes = list(_problems(snapshot, symbols)), list(_notes(snapshot))
    if problems:
        yield line(span("Problems", "heading"))
        yield from problems
    if notes:
        yield from ((EMPTY,) if problems else ())
        yield line(span("Notes", "heading"))
        yield from (line(span(f" {symbols.dot} ", "dim"), span(note)) for note in notes)


def _problems(snapshot: FleetSnapshot, symbols: Symbols) -> Iterator[Line]:
    for root in snapshot.roots:
        for problem in root.problems:
            yield line(
                span(f" {symbols.problem} ", "warning"), *where(root, snapshot), span(problem, "warning")
            )


def _notes(snapshot: FleetSnapshot) -> Iterator[str]:
    """Yield the notes; a single root need not be named."""
    alone = len(snapshot.roots) == 1 and not snapshot.hosts
    prefix = f"{snapshot.roots[0].path}: " if alone else ""
    yield from (note.removeprefix(prefix) for note in snapshot.notes)
