"""Events of sessions and their locks, most of which name no run: lanes, diagnoses, refused callers, lock clean-up."""

from __future__ import annotations

from typing import ClassVar, Protocol

from lockdeck.backend.model.runs.events.base import (
    About,
    CallerFailure,
    CausalOrder,
    Handling,
    LockEvent,
    LockTimeout,
    PassiveEvent,
)
from lockdeck.backend.model.runs.events.refusals import CallerRefusal, claimed_session, refusal_in
from lockdeck.backend.model.runs.events.wording import in_brackets, lock_words, span_of, word_or
from lockdeck.backend.model.words import times


class LockSteps(Protocol):
    """Steps of reading what a run met on locks."""

    def locked_out(self, event: LockBlocked) -> None:
        """Take a failure on a lock."""


class LaneWait(PassiveEvent, frozen=True):
    """`lane wait exceeded`: a queued message waited 2 s or more; logged when its task finally starts."""

    lane: str
    session_key: str | None
    waited_ms: int | None
    queue_ahead: int | None = None

    handling: ClassVar[Handling] = Handling("lane wait exceeded", CausalOrder.LOOSE, About.SESSION)

    def sentence(self) -> str:
        """Say how long the message waited."""
        ahead = f" with {self.queue_ahead} ahead of it" if self.queue_ahead else ""
        return f"a message waited {span_of(self.waited_ms)} in the lane{ahead}"


class LaneTaskError(LockEvent, frozen=True):
    """`lane task error`: a task of a lane failed; logged for the main lane and for the session's lane."""

    lane: str
    session_key: str | None
    duration_ms: int | None
    error: str
    lock_timeout: LockTimeout | None = None
    trace_id: str | None = None

    handling: ClassVar[Handling] = Handling(
        "lane task error",
        CausalOrder.LANE_ERROR,
        About.SESSION,
        bad=True,
        of_attempt=True,
        wording_fields=("error",),
    )

    @property
    def refusal(self) -> CallerRefusal | None:
        """The refusal that its error is."""
        return refusal_in(self.error)

    @property
    def session_id(self) -> str | None:
        """The session whose turn is claimed, where its error says so."""
        return claimed_session(self.error)

    def sentence(self) -> str:
        """Say how long the task took, or that it failed on a lock or was refused."""
        if self.lock_timeout is not None:
            return lock_words(self.lock_timeout)
        if self.refusal is not None:
            return f"a caller was refused: {self.refusal}"
        return f"a task of the lane failed after {span_of(self.duration_ms)}"

    def caller_failure(self) -> CallerFailure | None:
        """Count as a caller that failed on a lock or was refused."""
        refusal = self.refusal
        if self.lock_timeout is None and refusal is None:
            return None
        began = None if self.duration_ms is None else self.at - self.duration_ms / 1000
        source = "session lane" if self.session_key else "other lane"
        key = self.session_key
        return CallerFailure(
            self.at, source, self.lock_timeout, began=began, refusal=refusal, session_key=key
        )

    def take(self, steps: object) -> None:
        """Take no step: no lane's error names a run."""


class StuckSession(PassiveEvent, frozen=True):
    """`stuck|stalled|long-running session`: OpenClaw's own diagnosis. `age_ms` of the state."""

    kind: str
    session_id: str | None
    session_key: str | None
    state: str | None = None
    age_ms: int | None = None
    queue_depth: int | None = None
    reason: str | None = None
    classification: str | None = None

    handling: ClassVar[Handling] = Handling("stuck session", CausalOrder.LOOSE, About.SESSION, bad=True)

    def sentence(self) -> str:
        """Repeat the diagnosis."""
        queue = f", {times(self.queue_depth, 'message')} queued" if self.queue_depth else ""
        state = f" in {word_or(self.state, 'a state')}" if self.state else ""
        diagnosis = f"{word_or(self.kind, 'stuck')}{state} for {span_of(self.age_ms)}"
        return f"OpenClaw calls the session {diagnosis}{queue}{in_brackets(self.reason)}"


class RecoveryOutcome(PassiveEvent, frozen=True):
    """`stuck session recovery …` (from 2026.4.29): the gateway tried to help itself."""

    session_id: str | None
    session_key: str | None
    status: str | None = None
    action: str | None = None
    aborted: bool | None = None
    drained: bool | None = None
    released: int | None = None
    reason: str | None = None

    handling: ClassVar[Handling] = Handling("stuck session recovery", CausalOrder.LOOSE, About.SESSION)

    def sentence(self) -> str:
        """Say what the gateway did, and what came of it."""
        words = [word_or(word, "") for word in (self.status, self.action)]
        outcome = ", ".join(word for word in words if word) or "outcome not told"
        aborted = {True: ", run aborted", False: ", run not aborted", None: ""}[self.aborted]
        drained = ", not drained" if self.drained is False else ""
        freed = (
            ""
            if self.released is None
            else f", {times(self.released, 'lock') if self.released else 'nothing'} released"
        )
        return f"OpenClaw tried to recover the session: {outcome}{aborted}{drained}{freed}{in_brackets(self.reason)}"


class TurnRefused(PassiveEvent, frozen=True):
    """A caller refused because a session is taken (2026.8 on).

    `already has an active turn claim` names the session's id, `changed while starting work` its key.
    """

    session_id: str | None
    session_key: str | None
    text: str
    trace_id: str | None = None

    handling: ClassVar[Handling] = Handling("turn refused", CausalOrder.LOOSE, About.SESSION, bad=True)

    @property
    def refusal(self) -> CallerRefusal:
        """The reason why."""
        return refusal_in(self.text) or CallerRefusal.CLAIMED

    def sentence(self) -> str:
        """Say that a caller was refused."""
        return f"a caller was refused: {self.refusal}"

    def caller_failure(self) -> CallerFailure:
        """Count as a caller that was refused."""
        return CallerFailure(self.at, "line", refusal=self.refusal)


class LockBlocked(LockEvent, frozen=True):
    """A lock timeout told by a line that is neither a lane error nor a fallback decision."""

    lock_timeout: LockTimeout
    run_id: str | None = None
    trace_id: str | None = None

    handling: ClassVar[Handling] = Handling("lock blocked", CausalOrder.LOOSE, About.SESSION, bad=True)

    def sentence(self) -> str:
        """Say that a caller gave up."""
        return lock_words(self.lock_timeout)

    def caller_failure(self) -> CallerFailure:
        """Count as a caller that failed on a lock."""
        return CallerFailure(self.at, "line", self.lock_timeout)

    def take(self, steps: LockSteps) -> None:
        """Take a failure on a lock."""
        steps.locked_out(self)


class StaleLockRemoved(PassiveEvent, frozen=True):
    """`removed stale session lock: PATH (REASONS)`: OpenClaw's own clean-up at gateway start."""

    path: str
    reasons: tuple[str, ...]

    handling: ClassVar[Handling] = Handling("stale lock removed", CausalOrder.LOOSE, About.SESSION)

    @property
    def lock_path(self) -> str:
        """The lock that was removed."""
        return self.path

    def sentence(self) -> str:
        """Say that a lock was removed, and why."""
        reasons = ", ".join(word for reason in self.reasons if (word := word_or(reason, "")))
        return f"OpenClaw removed a stale lock at its start{f' ({reasons})' if reasons else ''}"


class WatchdogRelease(PassiveEvent, frozen=True):
    """`releasing lock held for Nms`: the 60 s watchdog dropped a lock; the run goes on unlocked."""

    path: str
    held_ms: int | None
    max_ms: int | None

    handling: ClassVar[Handling] = Handling(
        "watchdog release", CausalOrder.LOOSE, About.SESSION, bad=True, console_only=True
    )

    @property
    def lock_path(self) -> str:
        """The lock that was dropped."""
        return self.path

    def sentence(self) -> str:
        """Say after how long the lock was dropped."""
        limit = f" (limit {span_of(self.max_ms)})" if self.max_ms is not None else ""
        dropped = f"OpenClaw's watchdog dropped the lock after {span_of(self.held_ms)}{limit}"
        return f"{dropped}; the run goes on without it"
