"""The owner of a session: which of its runs has the lock, and which are callers that want it.

A run whose last word is that it failed on the session's lock does not have it: another run does.  No log line
tells the process that wrote it (2026.2 to 2026.9), so a run's process is known by two signs only: the holds
that ended together with its attempts are its own, the pids that it failed on are not.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from lockdeck.backend.model.releases.table import Traits
from lockdeck.backend.model.runs.attempt_times import CLOCK_SLACK_S, FOLLOW_UP_S, HOLD_SLACK_S
from lockdeck.backend.model.runs.records import LOCKED, Attempt, Hold, Occupation
from lockdeck.backend.model.runs.run import Run
from lockdeck.backend.model.sessions.lock_places import same_lock

LOCK_WAIT_S = max(wait or 0.0 for wait in Traits.lock_wait_s.values)
"""For how long (seconds) a run waits for a lock before it says so, in the most patient release."""


def session_run(
    runs: Sequence[Run], path: str | None, occupation: Occupation | None, now: float
) -> Run | None:
    """Return the run that has the session at `now` (epoch seconds), None where none of them can have it.

    `runs` are those of one session, the most recently active last; `path` is its lock. Where several processes
    take the lock in turns, each for a rotation of its own, it is the run with the most timeouts, whoever has
    the lock just now: that rotation goes on. A caller is returned only for a free session without other runs.
    """
    owner = next((run for run in reversed(runs) if not lost_on(run, path)), None)
    in_play = [run for run in runs if run is owner or _contends(run, owner, path, occupation, now)]
    unfinished = [run for run in in_play if run.ended_at is None]
    if unfinished:
        return max(unfinished, key=lambda run: (run.timeouts, run is owner))
    if owner is None and occupation is None and runs:
        return runs[-1]
    return owner


def lost_on(run: Run, path: str | None) -> bool:
    """Return whether the last that is told of a run is that it failed on the lock at `path` (None: on any lock).

    A run that was refused does not have the session either.
    """
    if run.attempts and run.attempts[-1].reason != LOCKED:
        return run.attempts[-1].kept_out
    return any(
        path is None or timeout.path is None or same_lock(timeout.path, path) for timeout in run.lock_timeouts
    )


def foreign_holds(run: Run, occupation: Occupation | None) -> tuple[Hold, ...]:
    """Return the holds of other processes than the run's, oldest first."""
    recent = occupation.recent if occupation else ()
    run_pids = _own_pids(run, recent)
    failed_on = {timeout.pid for timeout in run.lock_timeouts} - run_pids
    return tuple(
        hold
        for hold in recent
        if hold.pid is not None and (hold.pid in failed_on or (run_pids and hold.pid not in run_pids))
    )


def holds_of(run: Run, occupation: Occupation | None) -> Occupation | None:
    """Return an occupation without the holds of other processes than the run's; None when none is left."""
    foreign = foreign_holds(run, occupation)
    if occupation is None or not foreign:
        return occupation
    remaining = tuple(hold for hold in occupation.recent if hold not in foreign)
    return replace(occupation, recent=remaining) if remaining else None


def _contends(
    run: Run, owner: Run | None, path: str | None, occupation: Occupation | None, now: float
) -> bool:
    """Return whether a run of another process than the owner's is in a rotation that goes on."""
    if run.ended_at is not None or not _in_another_process(run, owner, path, occupation):
        return False
    waits = run.promised_at is not None and now - run.promised_at <= FOLLOW_UP_S + LOCK_WAIT_S
    had_it = any(not attempt.kept_out for attempt in run.attempts)
    return (had_it and waits) or _has_it(run, occupation)


def _in_another_process(run: Run, owner: Run | None, path: str | None, occupation: Occupation | None) -> bool:
    """Return whether two runs are of two processes: one process has one run of a session at a time."""
    if owner is None or occupation is None:
        return lost_on(run, path)
    run_pids, owner_pids = _own_pids(run, occupation.recent), _own_pids(owner, occupation.recent)
    return run_pids.isdisjoint(owner_pids) if run_pids and owner_pids else lost_on(run, path)


def _has_it(run: Run, occupation: Occupation | None) -> bool:
    """Return whether the hold that stands can be the run's: taken soon after its last word, by no pid it failed on."""
    hold = occupation.current if occupation else None
    if hold is None or hold in foreign_holds(run, occupation):
        return False
    return -CLOCK_SLACK_S <= hold.started_at - run.last_activity <= FOLLOW_UP_S + LOCK_WAIT_S


def _own_pids(run: Run, holds: Sequence[Hold]) -> frozenset[int]:
    """Return the pids of the holds that ended with an attempt of the run."""
    holds_of_run = (_hold_of(attempt, holds) for attempt in run.attempts if not attempt.kept_out)
    return frozenset(hold.pid for hold in holds_of_run if hold is not None and hold.pid is not None)


def _hold_of(attempt: Attempt, holds: Sequence[Hold]) -> Hold | None:
    """Return the hold whose end is nearest to the attempt's, at most 2 s away."""
    if attempt.ended_at is None:
        return None
    candidates = [
        (abs(hold.ended_at - attempt.ended_at), hold.started_at, hold)
        for hold in holds
        if hold.ended_at is not None and hold.started_at < attempt.ended_at
    ]
    distance, _, hold = min(
        candidates, key=lambda candidate: candidate[:2], default=(HOLD_SLACK_S + 1, 0.0, None)
    )
    return hold if distance <= HOLD_SLACK_S else None
