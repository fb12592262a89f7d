"""Two logs of one gateway whose clocks are further apart than what counts as one telling: found, and said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations

from lockdeck.backend.model.moments import same_scale
from lockdeck.backend.model.runs.events import FailoverDecision
from lockdeck.backend.model.runs.fold import RunBook
from lockdeck.backend.model.runs.run import Run
from lockdeck.backend.model.runs.sorted_facts import TOLD_AGAIN_S
from lockdeck.backend.model.runs.sources import LogPart, LogSource
from lockdeck.backend.model.words import duration

SAME_OFFSET_S = 2.0
"""The tellings of one run in two logs are apart by the same time, within so many seconds."""


def told_apart(source: LogSource, books: Mapping[LogPart, RunBook]) -> Iterator[str]:
    """Yield which logs of a source tell the same decisions of the same run, in the same order, at other times.

    Where one ends before the other begins, they are parts of one log: decisions of a retry look alike, and none is told twice.
    """
    spans = {part: _span(books[part]) for part in source.parts}
    for one, other in combinations(source.parts, 2):
        if not _meet(spans[one], spans[other]):
            continue
        common = books[one].runs.keys() & books[other].runs.keys()
        offsets = (_offset(books[one].runs[run_id], books[other].runs[run_id]) for run_id in sorted(common))
        offset = next((abs(offset) for offset in offsets if offset is not None), 0.0)
        if offset > TOLD_AGAIN_S:
            yield (
                f"{one.name} and {other.name} tell the same run {duration(offset)} apart: "
                "its attempts may count twice; give one of them"
            )


def _span(book: RunBook) -> tuple[float, float]:
    """Return the moments of the first and the last fact of all runs."""
    runs = [run for run in book.runs.values() if run.facts]
    return (
        min((run.facts[0].at for run in runs), default=0.0),
        max((run.last_activity for run in runs), default=0.0),
    )


def _meet(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return one[0] <= other[1] and other[0] <= one[1]


def _offset(one: Run, other: Run) -> float | None:
    pairs = list(zip(_decisions(one), _decisions(other), strict=False))
    if not pairs or any(
        first[1:] != second[1:] or not same_scale(first[0], second[0]) for first, second in pairs
    ):
        return None
    offsets = [second[0] - first[0] for first, second in pairs]
    return offsets[0] if max(offsets) - min(offsets) <= SAME_OFFSET_S else None


def _decisions(run: Run) -> list[tuple[float, str | None, str | None, str | None]]:
    return [(f.at, f.stage, f.decision, f.reason) for f in run.facts if isinstance(f, FailoverDecision)]
