"""Retries on the same model: how many can still come, how long the pauses are, and where OpenClaw's brake stops them.

Read in 2026.9.6 (`failover-retry-controller.ts`) and seen there: a model that fails for a passing reason is tried
again on the same profile up to 8 times (9 for rate limits; 2026.9.1: 3), with growing pauses, as long as the next try begins
within 90 s of the first retry; only then comes the next profile, which is not retried once that window is over.
Five idle timeouts in a row on one model end the run, whatever models are left (the breaker).
"""

from __future__ import annotations

from collections.abc import Sequence

from lockdeck.backend.model.releases.lookup import NEWEST
from lockdeck.backend.model.releases.table import Traits
from lockdeck.backend.model.runs.life import RETRY
from lockdeck.backend.model.runs.records import Attempt
from lockdeck.backend.model.runs.run import Run

BREAKER_CAP = NEWEST.idle_breaker
"""So many idle timeouts in a row on one model end a run; its log line says `cap=5` (seen on 2026.9.6)."""
MOST_RETRIES = NEWEST.same_model_retries
WINDOW_S = 90.0
"""No retry begins later (seconds) than this after the first retry was decided on."""
_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 30.0


def shortest_pause_s(retry: int) -> float:
    """Return the least pause in seconds before a retry, counted from 1: the pause doubles, give or take half."""
    return 0.5 * _middle_s(retry)


def longest_pause_s(retry: int) -> float:
    """Return the greatest pause in seconds before a retry, counted from 1."""
    return min(_LONGEST_PAUSE_S, 1.5 * _middle_s(retry))


def _middle_s(retry: int) -> float:
    return min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * float(2 ** max(0, min(retry, MOST_RETRIES + 1) - 1)))


def most_retries(idle_s: float, used: int = 0, elapsed_s: float = 0.0, allowed: int = MOST_RETRIES) -> int:
    """Return how many more retries one model can get when each attempt runs into its timeout of `idle_s` seconds.

    `used` of the `allowed` retries were made; the next timeout comes `elapsed_s` seconds after the first of them was
    decided on.
    """
    more, at = 0, elapsed_s if used else 0.0
    while used + more < allowed:
        at += shortest_pause_s(used + more + 1)
        if at > WINDOW_S:
            break
        more, at = more + 1, at + idle_s
    return more


def counts_retries(run: Run) -> bool:
    """Return whether a run showed the counted retries of 2026.9; the single one of 2026.4.12 has no number."""
    return run.retry is not None and run.retry.total is not None


def allowed_retries(run: Run, traits: Traits) -> int:
    """Return how often one model is tried again: by the run's own lines, else by its release."""
    if run.retry is not None and run.retry.total is not None:
        return run.retry.total
    return traits.same_model_retries if traits.same_model_retries > 1 else MOST_RETRIES


def tries_left(run: Run, idle_s: float | None, allowed: int = MOST_RETRIES) -> int:
    """Return how many attempts the present profile can still get on its model, the one that may be running included.

    `idle_s` is the idle timeout of an attempt; None where another timeout governs, which is not retried. `allowed`
    retries are made at most.
    """
    tried = run.attempts[run.candidate_from :]
    retries = [attempt for attempt in tried if attempt.decision == RETRY]
    if retries and not counts_retries(run):
        return 1
    retry = run.retry if retries else None
    if idle_s is None:
        return 1
    counted = allowed
    if retry is not None and retry.index is not None and retry.total is not None:
        counted = max(0, retry.total - retry.index)
        if retry.reason == "rate_limit":
            return 1 + counted  # the window does not hold for these
    return 1 + min(counted, most_retries(idle_s, len(retries), _elapsed_s(run, retries, idle_s), allowed))


def brake_in(attempts: Sequence[Attempt]) -> int:
    """Return after how many more idle timeouts on the same model the breaker ends the run, at least 1."""
    count = 0
    for attempt in reversed(attempts):
        if not attempt.by_timeout:
            break
        count += 1
    return max(1, BREAKER_CAP - count)


def _elapsed_s(run: Run, retries: Sequence[Attempt], idle_s: float) -> float:
    """Return when the next timeout can come at the latest, in seconds after the first retry was decided on."""
    first = retries[0].ended_at if retries else None
    if first is None:
        return 0.0
    last = run.attempts[-1].ended_at
    begun = run.opened.at if run.opened is not None else last
    return (begun if begun is not None else first) + idle_s - first
