"""The rotation of one run: attempts made, the one in progress, those to come, until when, and what the fix says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from msgspec.structs import replace

from lockdeck.backend.model.releases.lookup import traits_of
from lockdeck.backend.model.releases.table import Traits
from lockdeck.backend.model.releases.version import Version
from lockdeck.backend.model.runs.attempt_model import with_kept_profiles, with_profile
from lockdeck.backend.model.runs.attempt_times import FOLLOW_UP_S, attempt_in_progress, with_starts
from lockdeck.backend.model.runs.chain import FailoverChain
from lockdeck.backend.model.runs.fix import finding
from lockdeck.backend.model.runs.forecast import around, forecast
from lockdeck.backend.model.runs.records import (
    LOCKED,
    Attempt,
    Compaction,
    Occupation,
    Rotation,
)
from lockdeck.backend.model.runs.remaining import Remaining, remaining
from lockdeck.backend.model.runs.run import Run
from lockdeck.backend.model.words import duration, held_by, time_of_day, times


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
    named = with_kept_profiles([with_profile(attempt, names) for attempt in run.attempts])
    done = with_starts(named, occupation, traits.lock_scope)
    finished = run.ended_at is not None
    ran_out = (
        run.undecided and run.attempts[-1].logged_reason is not None
    )  # of the run's time; an idle timeout logs no line
    over = finished or (ran_out and traits.run_timeout_ends_run)
    rest = Remaining((), (), True) if over else remaining(run, chain, names, traits)
    current = None if finished else attempt_in_progress(run, done, occupation, rest, traits.lock_scope)
    attempts = (*done, current) if current else done
    compaction = _limited(compaction_of(run, occupation), chain, traits)
    ahead = forecast(rest, current, now, traits, compaction, around(done, chain, traits))
    return Rotation(
        run_id=run.run_id,
        attempts=attempts,
        timeouts=sum(attempt.by_timeout for attempt in done),
        total=len(attempts) + len(ahead.to_come) if finished or rest.listed else None,
        to_come=ahead.to_come,
        free_by=None if finished or ahead.free_by is None else float(ahead.free_by),
        free_by_how=None if finished else ahead.basis,
        free_by_passed=not finished and ahead.passed,
        policy=finding(attempts, now, finished=finished),
        finished=finished,
        lock_failures=sum(attempt.reason == LOCKED for attempt in done),
    )


def passed_sentence(rotation: Rotation, now: float) -> str | None:
    """Say that a run goes on although its forecast is over; None where that is not so."""
    if not rotation.free_by_passed or rotation.free_by is None:
        return None
    ago = duration(max(0.0, now - rotation.free_by))
    return f"free by {time_of_day(rotation.free_by, now)} was passed {ago} ago"


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


def unbroken(
    attempts: tuple[Attempt, ...], now: float, longest_s: float = FOLLOW_UP_S
) -> tuple[Attempt, ...]:
    """Return the last attempts that follow each other with gaps of at most `longest_s` seconds, oldest first.

    Empty when the newest of them ended longer ago than that. An attempt without a start counts as beginning
    where the one before it ended.
    """
    chained: list[Attempt] = []
    begins = now
    for attempt in reversed(attempts):
        if attempt.ended_at is not None and begins - attempt.ended_at > longest_s:
            break
        chained.append(attempt)
        begins = begins if attempt.ended_at is None else attempt.ended_at
        begins = attempt.started_at if attempt.started_at is not None else _before(attempts, attempt, begins)
    return tuple(reversed(chained))


def _before(attempts: tuple[Attempt, ...], attempt: Attempt, otherwise: float) -> float:
    earlier = attempts[: attempt.index - 1]
    ended = earlier[-1].ended_at if earlier else None
    return otherwise if ended is None else ended
