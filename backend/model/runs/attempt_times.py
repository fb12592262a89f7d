"""The times of attempts that no line tells, by the locks that were seen: when one began, which one goes on, how long a gap may last."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from lockdeck.backend.model.releases.table import LockScope
from lockdeck.backend.model.runs.attempt_model import running_attempt
from lockdeck.backend.model.runs.life import LEAVING, PROMISING
from lockdeck.backend.model.runs.records import GAP_GRACE_S, Attempt, Hold, Occupation
from lockdeck.backend.model.runs.remaining import Remaining
from lockdeck.backend.model.runs.run import Run

FOLLOW_UP_S = 30.0
"""After this many seconds without a follow-up attempt a rotation decision has come to nothing.

A shorter gap belongs to the rotation: on a busy machine 2026.4.5 was seen to leave 18.5 s between two attempts.
"""
HOLD_SLACK_S = 2.0
"""The end of a hold and the decision on its attempt may be this many seconds apart."""
CLOCK_SLACK_S = 0.1
"""A lock's own time may be this much (seconds) before the log line that preceded it."""


def gap_grace(run: Run | None, occupation: Occupation | None = None, unlocked_s: float = 0.0) -> float:
    """Return how long a gap may last, in seconds, without ending the occupation.

    Longer while a decision promises an attempt that has not taken the lock yet, or that can go on for `unlocked_s`
    seconds without it.
    """
    if run is None or run.promised_at is None:
        return GAP_GRACE_S
    if unlocked_s:
        return FOLLOW_UP_S + unlocked_s
    followed = occupation is not None and followed_up(occupation.recent, run.promised_at)
    return GAP_GRACE_S if followed else FOLLOW_UP_S


def followed_up(holds: Iterable[Hold], decided_at: float) -> bool:
    """Return whether a lock was taken soon enough after a decision (epoch seconds) to be the next attempt's.

    A lock taken later belongs to another run: when the next attempt answers, no line says so.
    """
    starts = [hold.started_at for hold in holds if hold.started_at >= decided_at - CLOCK_SLACK_S]
    return bool(starts) and min(starts) - decided_at <= FOLLOW_UP_S


def with_starts(
    attempts: tuple[Attempt, ...], occupation: Occupation | None, scope: LockScope
) -> tuple[Attempt, ...]:
    """Fill in starts that no event told: the hold that ended with the attempt, else the previous decision.

    Where a lock does not stand for the whole attempt only the first attempt begins with one.
    """
    timed: list[Attempt] = []
    for attempt in attempts:
        if attempt.started_at is None and attempt.ended_at is not None and not attempt.kept_out:
            start, assumed = _start(attempt.ended_at, occupation, scope, first=not timed), False
            if start is None and timed:
                start, assumed = timed[-1].ended_at, True
            attempt = replace(attempt, started_at=start, start_assumed=assumed)  # noqa: PLW2901 - the same attempt, completed
        timed.append(attempt)
    return tuple(timed)


def _start(ended_at: float, occupation: Occupation | None, scope: LockScope, *, first: bool) -> float | None:
    if scope is LockScope.ATTEMPT or occupation is None:
        return _hold_start(ended_at, occupation)
    return occupation.since if first and occupation.since < ended_at else None


def _hold_start(ended_at: float, occupation: Occupation | None) -> float | None:
    for hold in occupation.recent if occupation else ():
        if (
            hold.started_at < ended_at
            and hold.ended_at is not None
            and abs(hold.ended_at - ended_at) <= HOLD_SLACK_S
        ):
            return hold.started_at
    return None


def _writes_last_record(done: tuple[Attempt, ...], rest: Remaining) -> bool:
    """Return whether a lock taken after the last attempt can be no further one: the chain is used up."""
    return rest.listed and not rest.attempts and bool(done) and done[-1].decision not in PROMISING - LEAVING


def attempt_in_progress(
    run: Run, done: tuple[Attempt, ...], occupation: Occupation | None, rest: Remaining, scope: LockScope
) -> Attempt | None:
    """Return the attempt in progress: told by an event, or by a lock taken after the last decision."""
    last = done[-1] if done else None
    last_end = last.ended_at if last is not None else None
    begun = _begun_at(occupation, last_end, scope)
    if run.opened is None and (begun is None or _writes_last_record(done, rest)):
        return None
    starts = [at for at in (begun, run.opened.at if run.opened else None) if at is not None]
    return replace(
        running_attempt(rest.attempts, last, profile=rest.sole_profile, opened=run.opened),
        index=len(done) + 1,
        started_at=max(min(starts), last_end if last_end is not None else min(starts)),
    )


def _begun_at(occupation: Occupation | None, last_end: float | None, scope: LockScope) -> float | None:
    """Return when a lock was taken for an attempt that goes on: it stands, or may be let go while that does."""
    if occupation is None:
        return None
    if last_end is not None and not followed_up(occupation.recent, last_end):
        return None
    if scope is LockScope.ATTEMPT or last_end is None:
        return occupation.current.started_at if occupation.current is not None else None
    return min(hold.started_at for hold in occupation.recent if hold.started_at >= last_end - CLOCK_SLACK_S)
