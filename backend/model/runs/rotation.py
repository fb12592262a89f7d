"""The rotation of one run: attempts made, the one in progress, those to come, until when, and what the fix says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from lockdeck.backend.model.releases.lookup import traits_of
from lockdeck.backend.model.releases.table import Traits
from lockdeck.backend.model.releases.version import Version
from lockdeck.backend.model.runs.attempt_model import running_attempt, with_profile
from lockdeck.backend.model.runs.chain import FailoverChain
from lockdeck.backend.model.runs.fix import finding
from lockdeck.backend.model.runs.forecast import forecast
from lockdeck.backend.model.runs.records import (
    GAP_GRACE_S,
    LOCKED,
    Attempt,
    Compaction,
    Hold,
    Occupation,
    Rotation,
)
from lockdeck.backend.model.runs.remaining import Remaining, remaining
from lockdeck.backend.model.runs.run import Run
from lockdeck.backend.model.words import held_by, times

FOLLOW_UP_S = 30.0
"""After this many seconds without a follow-up attempt a rotation decision has come to nothing.

A shorter gap belongs to the rotation: on a busy machine 2026.4.5 was seen to leave 18.5 s between two attempts.
"""
HOLD_SLACK_S = 2.0
"""The end of a hold and the decision on its attempt may be this many seconds apart."""
CLOCK_SLACK_S = 0.1
"""A lock's own time may be this much (seconds) before the log line that preceded it."""


def gap_grace(run: Run | None, occupation: Occupation | None = None) -> float:
    """Return how long a gap may last, in seconds, without ending the occupation.

    Longer while a decision promises an attempt that has not taken the lock yet.
    """
    if run is None or run.promised_at is None:
        return GAP_GRACE_S
    followed = occupation is not None and followed_up(occupation.recent, run.promised_at)
    return GAP_GRACE_S if followed else FOLLOW_UP_S


def rotation_of(
    run: Run,
    chain: FailoverChain | None,
    occupation: Occupation | None,
    now: float,
    names: Mapping[str, str] | None = None,
    version: Version | None = None,
) -> Rotation:
    """Put together what is known of a run at `now` (epoch seconds).

    `names` maps profile hashes to profile ids: see `hashes_of` and `RunBook.profiles`. The attempt in progress
    comes last in `attempts`, with `ended_at` None.
    """
    names = names or {}
    traits = traits_of(version)
    done = _timed(tuple(with_profile(attempt, names) for attempt in run.attempts), occupation)
    finished = run.ended_at is not None
    over = finished or (run.undecided and traits.run_timeout_ends_run)
    rest = Remaining((), (), True) if over else remaining(run, chain, names, traits)
    current = None if finished else _current(run, done, occupation, rest)
    attempts = (*done, current) if current else done
    ahead = forecast(rest, current, now, traits, _limited(compaction_of(run, occupation), chain, traits))
    return Rotation(
        run_id=run.run_id,
        attempts=attempts,
        timeouts=sum(attempt.by_timeout for attempt in done),
        total=len(attempts) + len(ahead.to_come) if finished or rest.listed else None,
        to_come=ahead.to_come,
        free_by=None if finished else ahead.free_by,
        free_by_how=None if finished else ahead.basis,
        policy=finding(attempts, now, finished=finished),
        finished=finished,
        lock_failures=sum(attempt.reason == LOCKED for attempt in done),
    )


def compaction_of(run: Run, occupation: Occupation | None) -> Compaction | None:
    """Return the compaction that a run is at, None when it is over.

    One that succeeds logs no end: who came to the session only later is another run.
    """
    if run.compaction is None or occupation is None:
        return run.compaction
    return None if occupation.since > run.compaction.since + FOLLOW_UP_S else run.compaction


def _limited(compaction: Compaction | None, chain: FailoverChain | None, traits: Traits) -> Compaction | None:
    """Give a compaction its longest time, where its own line does not tell it; a configured 0 counts as not set."""
    if compaction is None or compaction.longest_s is not None:
        return compaction
    configured = chain.compaction_timeout_s if chain is not None else None
    return replace(compaction, longest_s=configured or traits.compaction_timeout_s)


def followed_up(holds: Iterable[Hold], decided_at: float) -> bool:
    """Return whether a lock was taken soon enough after a decision (epoch seconds) to be the next attempt's.

    A lock taken later belongs to another run: when the next attempt answers, no line says so.
    """
    starts = [hold.started_at for hold in holds if hold.started_at >= decided_at - CLOCK_SLACK_S]
    return bool(starts) and min(starts) - decided_at <= FOLLOW_UP_S


def kept_out_sentence(run: Run) -> str | None:
    """Say that candidates failed on a lock or a refusal and not on their model; None when none did."""
    holder = held_by(timeout.pid for timeout in run.lock_timeouts)
    obstacles = {LOCKED: f"one lock{holder}"}
    refusals = (*(line.refusal for line in run.candidates), *(line.refusal for line in run.decisions))
    obstacles |= {refusal.reason: refusal.obstacle for refusal in refusals if refusal is not None}
    counts = Counter(attempt.reason for attempt in run.attempts)
    sentences = [
        f"{times(counts[reason], 'candidate')} failed on {obstacle}: these are no failures of a model"
        for reason, obstacle in obstacles.items()
        if counts[reason]
    ]
    return "; ".join(sentences) or None


def unbroken(attempts: tuple[Attempt, ...], now: float) -> tuple[Attempt, ...]:
    """Return the last attempts that follow each other with gaps of at most 30 s, oldest first.

    Empty when the newest of them ended longer ago than that. An attempt without a start counts as beginning
    where the one before it ended.
    """
    chained: list[Attempt] = []
    begins = now
    for attempt in reversed(attempts):
        if attempt.ended_at is not None and begins - attempt.ended_at > FOLLOW_UP_S:
            break
        chained.append(attempt)
        begins = begins if attempt.ended_at is None else attempt.ended_at
        begins = attempt.started_at if attempt.started_at is not None else _before(attempts, attempt, begins)
    return tuple(reversed(chained))


def _before(attempts: tuple[Attempt, ...], attempt: Attempt, otherwise: float) -> float:
    earlier = attempts[: attempt.index - 1]
    ended = earlier[-1].ended_at if earlier else None
    return otherwise if ended is None else ended


def _timed(attempts: tuple[Attempt, ...], occupation: Occupation | None) -> tuple[Attempt, ...]:
    """Fill in starts that no event told: the hold that ended with the attempt, else the previous decision."""
    timed: list[Attempt] = []
    for attempt in attempts:
        if attempt.started_at is None and attempt.ended_at is not None and not attempt.kept_out:
            start, assumed = _hold_start(attempt.ended_at, occupation), False
            if start is None and timed:
                start, assumed = timed[-1].ended_at, True
            attempt = replace(attempt, started_at=start, start_assumed=assumed)  # noqa: PLW2901 - the same attempt, completed
        timed.append(attempt)
    return tuple(timed)


def _hold_start(ended_at: float, occupation: Occupation | None) -> float | None:
    for hold in occupation.recent if occupation else ():
        if (
            hold.started_at < ended_at
            and hold.ended_at is not None
            and abs(hold.ended_at - ended_at) <= HOLD_SLACK_S
        ):
            return hold.started_at
    return None


def _current(
    run: Run, done: tuple[Attempt, ...], occupation: Occupation | None, rest: Remaining
) -> Attempt | None:
    """Return the attempt in progress: told by an event, or by a lock taken after the last decision."""
    hold = occupation.current if occupation else None
    last_end = done[-1].ended_at if done else None
    if occupation is not None and last_end is not None and not followed_up(occupation.recent, last_end):
        hold = None
    if run.opened is None and hold is None:
        return None
    starts = [hold.started_at] if hold else []
    starts += [run.opened.at] if run.opened else []
    return replace(
        running_attempt(rest.attempts, done[-1] if done else None, listed=rest.listed, opened=run.opened),
        index=len(done) + 1,
        started_at=max(min(starts), last_end if last_end is not None else min(starts)),
    )
