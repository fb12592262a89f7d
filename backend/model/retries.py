"""Retries on the same model: how many are still to come, and where OpenClaw's own brake stops them.

Read in 2026.9.6: up to 8 retries of a model that failed for a passing reason, 9 for rate limits; five idle
timeouts in a row end the run, whatever candidates are left (the breaker, from 2026.5.7 on).
"""

from __future__ import annotations

from collections.abc import Sequence

from backend.model.runfold import Run
from backend.model.runlife import RETRY
from backend.model.runs import Attempt

BREAKER_CAP = 5
"""So many idle timeouts in a row end a run; its log line says `cap=5` (seen on 2026.9.6)."""


def is_retrying(run: Run) -> bool:
    """Whether the last that was heard of a run is that it tries the same model again."""
    return bool(run.attempts) and run.attempts[-1].decision == RETRY


def brake_in(run: Run) -> int | None:
    """After how many more idle timeouts the breaker ends the run; None where it is not at work."""
    if not is_retrying(run) or not run.attempts[-1].by_timeout:
        return None
    return max(1, BREAKER_CAP - _timeouts_in_a_row(run.attempts))


def tries_left(run: Run) -> int:
    """How many attempts the present model may still get, the one that may be running included."""
    retry = run.retry
    if not is_retrying(run):
        return 1
    counted = 1
    if retry is not None and retry.index is not None and retry.total is not None:
        counted = max(1, retry.total - retry.index + 1)
    brake = brake_in(run)
    return counted if brake is None else min(counted, brake)


def _timeouts_in_a_row(attempts: Sequence[Attempt]) -> int:
    count = 0
    for attempt in reversed(attempts):
        if not attempt.by_timeout:
            break
        count += 1
    return count
