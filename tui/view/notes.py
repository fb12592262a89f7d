"""What is wrong with the roots, and what else is worth knowing: a few lines for the header, all of it to read."""

from __future__ import annotations

from collections.abc import Iterator

from lockdeck.backend.model.fleet import FleetSnapshot, RootView
from lockdeck.tui.view.lines import EMPTY, Line, line, sides, span
from lockdeck.tui.view.symbols import Symbols

MOST_PROBLEMS = 2
"""So many problems get a line of the header each; notes share one. The rest are counted."""


def where(root: RootView, snapshot: FleetSnapshot) -> Line:
    """Name the root, where there is more than one."""
    return line(span(f"{root.path}: ", "dim")) if len(snapshot.roots) > 1 else ()


def header_rows(snapshot: FleetSnapshot, symbols: Symbols, width: int) -> list[Line]:
    """Return what the header has room for: the first problems, and the first note."""
    problems = list(_problems(snapshot))
    notes = [line(span(" ! ", "notice"), span(note, "dim")) for note in _notes(snapshot)]
    rows = []
    for shown, first, every in ((problems[:MOST_PROBLEMS], MOST_PROBLEMS, problems), (notes[:1], 1, notes)):
        more = line(span(f"+{len(every) - first} more ", "dim")) if len(every) > first else ()
        rows += [
            sides(row, more if row is shown[-1] else (), width, ellipsis=symbols.ellipsis) for row in shown
        ]
    return rows


def note_rows(snapshot: FleetSnapshot) -> Iterator[Line]:
    """Yield everything, to be wrapped: problems first."""
    problems, notes = list(_problems(snapshot)), list(_notes(snapshot))
    if problems:
        yield line(span("Problems", "heading"))
        yield from problems
    if notes:
        yield from ((EMPTY,) if problems else ())
        yield line(span("Notes", "heading"))
        yield from (line(span(" · ", "dim"), span(note)) for note in notes)


def _problems(snapshot: FleetSnapshot) -> Iterator[Line]:
    for root in snapshot.roots:
        for problem in root.problems:
            yield line(span(" ! ", "warning"), *where(root, snapshot), span(problem, "warning"))


def _notes(snapshot: FleetSnapshot) -> Iterator[str]:
    """Yield the notes; a single root need not be named."""
    prefix = f"{snapshot.roots[0].path}: " if len(snapshot.roots) == 1 else ""
    yield from (note.removeprefix(prefix) for note in snapshot.notes)
