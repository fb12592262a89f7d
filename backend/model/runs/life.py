"""State of reading one run: what its facts have told so far, and how an attempt is closed.

Attempts are counted by what ends them, as seen on 2026.4.5: one failover decision each; only a failed candidate
where a lock timeout killed it; only a transcript entry where no log can be read. 2026.2.9 logs no decisions: there
the timeout alone ends an attempt.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct, field
from msgspec.structs import replace

from lockdeck.backend.model.moments import same_scale
from lockdeck.backend.model.runs.events import (
    AttemptStarted,
    FailoverDecision,
    LockTimeout,
    ModelFallbackDecision,
    PromptError,
    RunTimeout,
    SameModelRetry,
)
from lockdeck.backend.model.runs.records import Attempt, Compaction

PROMPT_ERROR_S = 5.0
"""A transcript's prompt error this close (seconds) to the end of an attempt tells of that attempt."""
SAME_MOMENT_S = 1.0
"""Two decisions on one profile of one model within this many seconds are two tellings (or stages) of one."""

RETRY = "retry_same_model"
"""Our word for a retry on the same profile and model; OpenClaw tells it without a decision (2026.9)."""
BREAKER = "idle_breaker"
"""Our word for the idle timeout after which OpenClaw's breaker stops the run (2026.5.7 and later)."""
PROMISING = frozenset({"rotate_profile", "fallback_model", RETRY})
"""Decisions after which OpenClaw makes another attempt."""
GIVING_UP = frozenset({"surface_error", "return_error_payload"})
"""Decisions that end the run."""
LEAVING = GIVING_UP | {"fallback_model"}
"""Decisions after which no further profile of the same model is tried."""


class RunOutcome(StrEnum):
    """End of a run: well, badly, or by an abort."""

    OK = "ok"
    FAILED = "failed"
    ABORTED = "aborted"


class Life(Struct):
    """State of reading one life of a run; private to the modules that read runs.

    `first` is the index of its first fact, `candidate_from` the one in `attempts` where the present candidate model
    begins. `end` is the time and outcome of an end that nothing has taken back, `final` whether only a new life can
    follow it, `undecided` a timeout of the present attempt that nothing has been decided on, `answer` the error with which the provider answered inside the present attempt (`previous_answer`:
    inside the one before), `heard_at` when it first did. `prompt_told_at` is when
    `prompt_error` was told last, `told_twice`: transcript and trajectory have both told it.
    """

    first: int = 0
    attempts: list[Attempt] = field(default_factory=list)
    decisions: list[FailoverDecision] = field(default_factory=list)
    candidates: list[ModelFallbackDecision] = field(default_factory=list)
    candidate_from: int = 0
    opened: AttemptStarted | None = None
    budget_from: float | None = None
    undecided: RunTimeout | None = None
    answer: str | None = None
    previous_answer: str | None = None
    heard_at: float | None = None
    prompt_error: PromptError | None = None
    prompt_told_at: float = 0.0
    told_twice: bool = False
    retry: SameModelRetry | None = None
    promised_at: float | None = None
    compaction: Compaction | None = None
    lock_timeouts: list[LockTimeout] = field(default_factory=list)
    end: tuple[float, RunOutcome] | None = None
    final: bool = False
    failure: str | None = None

    def has_just_closed(self, at: float, within_s: float) -> bool:
        """Return whether an attempt ended at most so many seconds before `at`."""
        ended_at = self.attempts[-1].ended_at if self.attempts else None
        return ended_at is not None and at - ended_at <= within_s

    def has_just_hung(self, at: float) -> bool:
        """Return whether transcript or trajectory tell that the attempt which ends at `at` ran into a timeout."""
        error = self.prompt_error
        return error is not None and error.timed_out and at - error.at <= PROMPT_ERROR_S

    def has_just_ended(self, at: float, within_s: float) -> bool:
        """Return whether the life ended at most so many seconds before `at`."""
        return self.end is not None and at - self.end[0] <= within_s

    def close(self, attempt: Attempt, at: float) -> None:
        """Add an attempt that ended at `at`; its index and times come from what was read so far."""
        started = self.budget_from
        if started is None and self.opened is not None:
            started = self.opened.at
        if started is not None and not same_scale(started, at):
            started = None
        self.attempts.append(
            replace(
                attempt,
                index=len(self.attempts) + 1,
                started_at=None if started is None else min(started, at),
                ended_at=at,
                heard_at=self.heard_at,
            )
        )
        self.previous_answer = self.answer
        self.opened = self.budget_from = self.prompt_error = self.answer = self.heard_at = None
        self.undecided, self.told_twice = None, False

    def finish(self, at: float, outcome: RunOutcome) -> None:
        """End for good: nothing that follows can take it back."""
        self.promised_at, self.end, self.final = None, (at, outcome), True

    def go_on(self) -> None:
        """Take back an end, whatever told of it."""
        self.end, self.final = None, False
