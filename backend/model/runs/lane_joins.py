"""Runs joined to sessions through the lane error that stands between two lines of the run.

A run that fails over on 2026.4.5 writes, one right after the other: its decision (with the run id), the errors
of its two lanes (the second names the session key), and the failed candidate (with the run id).  A lane error
enclosed by one run's lines, and by no other's, belongs to that run; anything less is not joined.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator

from lockdeck.backend.model.runs.events import FailoverDecision, LaneTaskError, ModelFallbackDecision
from lockdeck.backend.model.runs.fold import RunBook

ENCLOSED_S = 0.25
"""The lines of one failover lie within this many seconds (1 to 39 ms seen on 2026.4.5, two cores, busy)."""


def keys_by_lane(book: RunBook) -> dict[str, str]:
    """Return session key by run id, for runs whose every enclosed lane error names the same session."""
    spans = sorted(_spans(book))
    starts = [span[0] for span in spans]
    keys: dict[str, set[str]] = {}
    lanes = [n for n in book.notices if isinstance(n, LaneTaskError) and n.session_key is not None]
    times = [lane.at for lane in lanes]
    for begin, end, run_id in spans:
        inside = lanes[bisect_left(times, begin) : bisect_right(times, end)]
        around = spans[max(0, bisect_left(starts, begin - ENCLOSED_S)) : bisect_right(starts, end)]
        names = {lane.session_key for lane in inside}  # a log and its console tell one lane's error twice
        if len(names) == 1 and not any(span[2] != run_id and span[1] >= begin for span in around):
            keys.setdefault(run_id, set()).update(name or "" for name in names)
    return {run_id: next(iter(of_run)) for run_id, of_run in keys.items() if len(of_run) == 1}


def _spans(book: RunBook) -> Iterator[tuple[float, float, str]]:
    """Yield (decision, failed candidate, run id) for every failover whose two lines stand close together."""
    for run in book.runs.values():
        decided_at: float | None = None
        for fact in run.facts:
            if isinstance(fact, FailoverDecision):
                decided_at = fact.at
            elif isinstance(fact, ModelFallbackDecision) and decided_at is not None:
                if fact.at - decided_at <= ENCLOSED_S:
                    yield decided_at, fact.at, run.run_id
                decided_at = None
