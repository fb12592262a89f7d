"""The record of one run, as its facts tell it."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from lockdeck.backend.model.runs.events import (
    AttemptStarted,
    Event,
    FailoverDecision,
    LockTimeout,
    ModelFallbackDecision,
    SameModelRetry,
)
from lockdeck.backend.model.runs.life import Life, RunOutcome
from lockdeck.backend.model.runs.records import Attempt, Compaction
from lockdeck.backend.model.runs.steps import lives


class Run(Struct, frozen=True):
    """One run. Times in epoch seconds; `attempts` are the finished ones, their profiles as hashes.

    `decisions` are each told once, also where two logs tell them.
    `opened` is the attempt that an event said to have begun, `promised_at` the time of a rotation decision
    whose follow-up no event has told yet, `retry` the last retry on the same model, `candidate_from` the index where
    the present candidate begins.
    """

    run_id: str
    facts: tuple[Event, ...] = ()
    session_id: str | None = None
    session_key: str | None = None
    attempts: tuple[Attempt, ...] = ()
    decisions: tuple[FailoverDecision, ...] = ()
    candidates: tuple[ModelFallbackDecision, ...] = ()
    candidate_from: int = 0
    opened: AttemptStarted | None = None
    retry: SameModelRetry | None = None
    promised_at: float | None = None
    compaction: Compaction | None = None
    lock_timeouts: tuple[LockTimeout, ...] = ()
    ended_at: float | None = None
    outcome: RunOutcome | None = None
    failure: str | None = None

    @property
    def timeouts(self) -> int:
        """The number of attempts that a timeout ended."""
        return sum(attempt.by_timeout for attempt in self.attempts)

    @property
    def undecided(self) -> bool:
        """Return whether its last attempt timed out without a word on what comes next (2026.2.9)."""
        last = self.attempts[-1] if self.attempts else None
        return last is not None and last.timed_out and last.decision is None and self.promised_at is not None

    @property
    def last_activity(self) -> float:
        """The time of its newest fact, epoch seconds."""
        return self.facts[-1].at if self.facts else 0.0


def run_of(run_id: str, facts: tuple[Event, ...]) -> Run:
    """Read a run from its sorted facts: its newest life."""
    return _run(run_id, facts, lives(facts)[-1])


def all_lives(run: Run) -> tuple[Run, ...]:
    """Return every life of one run id, oldest first, each with its own facts.

    A local agent uses its session id as run id each time.
    """
    read = lives(run.facts)
    ends = [*(life.first for life in read[1:]), len(run.facts)]
    return tuple(
        replace(_run(run.run_id, run.facts, life), facts=run.facts[life.first : end])
        for life, end in zip(read, ends, strict=True)
    )


def recency(run: Run) -> tuple[float, str]:
    """Sort key: the most recently active run last."""
    return (run.last_activity, run.run_id)


def _run(run_id: str, facts: tuple[Event, ...], life: Life) -> Run:
    ended_at, outcome = life.end or (None, None)
    return Run(
        run_id=run_id,
        facts=facts,
        session_id=next((fact.session_id for fact in reversed(facts) if fact.session_id), None),
        session_key=next((fact.session_key for fact in reversed(facts) if fact.session_key), None),
        attempts=tuple(life.attempts),
        decisions=tuple(life.decisions),
        candidates=tuple(life.candidates),
        candidate_from=life.candidate_from,
        opened=life.opened,
        retry=life.retry,
        promised_at=life.promised_at,
        compaction=life.compaction,
        lock_timeouts=tuple(life.lock_timeouts),
        ended_at=ended_at,
        outcome=outcome,
        failure=life.failure,
    )
