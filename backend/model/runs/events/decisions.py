"""Events in which OpenClaw decides: the next profile or model, a cooldown, a brake, the end of the chain."""

from __future__ import annotations

from typing import ClassVar, Protocol

from lockdeck.backend.model.runs.events.base import (
    About,
    CallerFailure,
    CausalOrder,
    Event,
    Handling,
    Late,
    LockEvent,
    LockTimeout,
    PassiveEvent,
)
from lockdeck.backend.model.runs.events.refusals import CallerRefusal
from lockdeck.backend.model.runs.events.wording import in_brackets, lock_words, name_or, on_model, word_or


class DecisionSteps(Protocol):
    """Steps of reading what OpenClaw decides on a run."""

    def decided(self, event: FailoverDecision) -> None:
        """Take the decision on an attempt."""

    def candidate(self, event: ModelFallbackDecision) -> None:
        """Take a line about a candidate model."""

    def braked(self, event: RotationCap) -> None:
        """Take a built-in brake."""

    def chain_stopped(self, event: ChainStopped) -> None:
        """Take the end of a chain that was stopped."""

    def all_failed(self, event: AllModelsFailed) -> None:
        """Take the end of a chain that is used up."""


class FailoverDecision(LockEvent, frozen=True):
    """`embedded_run_failover_decision`: the runner's decision after one attempt.

    `profile_hash` is `sha256:` + 12 hex digits of the profile id. On a candidate that never answered,
    `provider` and `model` are those of the previous assistant message (seen on 2026.4.5).
    """

    run_id: str
    stage: str
    decision: str
    reason: str | None = None
    provider: str | None = None
    model: str | None = None
    profile_hash: str | None = None
    fallback_configured: bool | None = None
    timed_out: bool = False
    aborted: bool = False
    status: int | None = None
    session_id: str | None = None
    lock_timeout: LockTimeout | None = None
    trace_id: str | None = None
    refusal: CallerRefusal | None = None

    handling: ClassVar[Handling] = Handling(
        "embedded_run_failover_decision",
        CausalOrder.DECISION,
        About.RUN,
        lateness=Late.ATTEMPT,
        of_attempt=True,
        record_fields=("fallback_configured", "status"),
        wording_fields=("provider", "model", "timed_out", "aborted"),
    )

    @property
    def counted_as(self) -> str:
        """Count each decision by itself."""
        return f"{self.handling.counted_as}/{self.decision}"

    def sentence(self) -> str:
        """Say why the attempt is over and what comes of it."""
        reason = "the lock was taken" if self.lock_timeout else word_or(self.reason, "an error")
        reason = self.refusal or reason
        status = f", status {self.status}" if self.status is not None else ""
        attempt = f"attempt over{on_model(self.provider, self.model)}"
        return f"{attempt}: {reason}{status}; {word_or(self.decision, 'decided')}"

    def caller_failure(self) -> CallerFailure | None:
        """Count as a caller that failed on a lock or was refused."""
        if self.lock_timeout is None and self.refusal is None:
            return None
        return CallerFailure(self.at, "decision", self.lock_timeout, refusal=self.refusal)

    def take(self, steps: DecisionSteps) -> None:
        """Take the decision on an attempt."""
        steps.decided(self)


class ModelFallbackDecision(LockEvent, frozen=True):
    """`model_fallback_decision`: one candidate model of a run failed, succeeded or was skipped."""

    run_id: str | None
    decision: str
    attempt: int | None = None
    total: int | None = None
    requested: str | None = None
    candidate: str | None = None
    next_candidate: str | None = None
    reason: str | None = None
    status: int | None = None
    session_id: str | None = None
    session_key: str | None = None
    lock_timeout: LockTimeout | None = None
    trace_id: str | None = None
    refusal: CallerRefusal | None = None

    handling: ClassVar[Handling] = Handling(
        "model_fallback_decision",
        CausalOrder.CANDIDATE,
        About.RUN,
        lateness=Late.LINE,
        of_attempt=True,
        record_fields=("attempt", "total", "status"),
    )

    @property
    def counted_as(self) -> str:
        """Count each decision by itself."""
        return f"{self.handling.counted_as}/{self.decision}"

    @property
    def late_s(self) -> float:
        """The seconds within which it is a late event: a first candidate begins a run, one that succeeded never does."""
        if self.decision == "candidate_succeeded":
            return Late.ALWAYS.value
        return Late.ATTEMPT.value if self.attempt == 1 else self.handling.lateness.value

    def sentence(self) -> str:
        """Say what became of the candidate and which one follows."""
        if self.lock_timeout is not None:
            return lock_words(self.lock_timeout)
        if self.refusal is not None:
            return f"a caller was refused: {self.refusal}"
        place = f" {self.attempt} of {self.total}" if self.attempt and self.total else ""
        following = name_or(self.next_candidate, "")
        then = f"; next is {following}" if following else ""
        decision = name_or(self.decision, "decided").removeprefix("candidate_").replace("_", " ")
        candidate = name_or(self.candidate, "not named")
        return f"model{place} {candidate} {decision}{in_brackets(self.reason)}{then}"

    def caller_failure(self) -> CallerFailure | None:
        """Count as a caller that failed on a lock or was refused; the same one whose decision says so."""
        if self.lock_timeout is None and self.refusal is None:
            return None
        return CallerFailure(
            self.at,
            "model",
            self.lock_timeout,
            self.attempt,
            refusal=self.refusal,
            session_key=self.session_key,
        )

    def take(self, steps: DecisionSteps) -> None:
        """Take a line about a candidate model."""
        steps.candidate(self)


class AuthProfileFailure(PassiveEvent, frozen=True):
    """`auth_profile_failure_state_updated`: a profile went into cooldown.

    2026.4.5 never does so for a pure timeout; 2026.7.35 does (30 s, both seen).
    """

    run_id: str | None
    profile_hash: str | None
    provider: str | None
    reason: str | None
    cooldown_until: float | None = None
    trace_id: str | None = None

    handling: ClassVar[Handling] = Handling(
        "auth_profile_failure_state_updated",
        CausalOrder.COOLDOWN,
        About.RUN,
        of_attempt=True,
        record_fields=("cooldown_until",),
        wording_fields=("provider",),
    )

    def sentence(self) -> str:
        """Name the provider and the reason."""
        provider = name_or(self.provider, "")
        return (
            f"a profile{f' of {provider}' if provider else ''} goes into cooldown{in_brackets(self.reason)}"
        )


class RotationCap(Event, frozen=True):
    """`profile rotation cap reached …`, `run-retry-limit`, idle circuit breaker: a built-in brake."""

    text: str
    session_key: str | None = None
    trace_id: str | None = None

    handling: ClassVar[Handling] = Handling(
        "rotation cap", CausalOrder.BRAKE, About.RUN, wording_fields=("text",)
    )

    def sentence(self) -> str:
        """Say that a brake stopped the rotation."""
        return "a built-in brake stopped the rotation"

    def take(self, steps: DecisionSteps) -> None:
        """Take a built-in brake."""
        steps.braked(self)


class ChainStopped(Event, frozen=True):
    """`model_fallback_chain_stopped` (2026.9): no further candidate will be tried."""

    run_id: str | None
    session_id: str | None
    reason: str | None
    session_key: str | None = None
    trace_id: str | None = None

    handling: ClassVar[Handling] = Handling(
        "model_fallback_chain_stopped",
        CausalOrder.CHAIN_STOPPED,
        About.RUN,
        record_fields=("session_id", "session_key"),
    )

    def sentence(self) -> str:
        """Say why no further model is tried."""
        return f"no further model will be tried{in_brackets(self.reason)}"

    def take(self, steps: DecisionSteps) -> None:
        """Take the end of a chain that was stopped."""
        steps.chain_stopped(self)


class AllModelsFailed(Event, frozen=True):
    """`All models failed (N): …`: the chain is exhausted. `lock_timeouts` of the candidates, if any."""

    total: int | None
    text: str
    run_id: str | None = None
    lock_timeouts: tuple[LockTimeout, ...] = ()
    trace_id: str | None = None

    handling: ClassVar[Handling] = Handling(
        "all models failed",
        CausalOrder.ALL_FAILED,
        About.RUN,
        bad=True,
        of_attempt=True,
        wording_fields=("text",),
    )

    def sentence(self) -> str:
        """Name the number of models."""
        return f"all models failed ({self.total})" if self.total is not None else "all models failed"

    def take(self, steps: DecisionSteps) -> None:
        """Take the end of a chain that is used up."""
        steps.all_failed(self)
