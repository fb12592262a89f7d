"""One run, read from everything that was told about it: attempts, candidates, and whether it has ended.

The facts come sorted by time; each takes the step that its class declares.
"""

from __future__ import annotations

from collections.abc import Sequence

from lockdeck.backend.model.moments import same_scale
from lockdeck.backend.model.runs.attempt_model import ended_attempt
from lockdeck.backend.model.runs.candidate_steps import take_candidate
from lockdeck.backend.model.runs.decision_steps import take_brake, take_decision, take_retry
from lockdeck.backend.model.runs.events import (
    AgentEnd,
    AllModelsFailed,
    AttemptStarted,
    AttemptSteps,
    ChainStopped,
    CompactionSteps,
    CompactionTimeout,
    DecisionSteps,
    Event,
    FailoverDecision,
    LockBlocked,
    LockSteps,
    ModelFallbackDecision,
    PromptError,
    RotationCap,
    RunAborted,
    RunCompaction,
    RunEnded,
    RunSteps,
    RunTimeout,
    SameModelRetry,
)
from lockdeck.backend.model.runs.life import PROMPT_ERROR_S, SAME_MOMENT_S, Life, RunOutcome
from lockdeck.backend.model.runs.records import Compaction
from lockdeck.backend.model.runs.sorted_facts import TOLD_AGAIN_S


def lives(facts: Sequence[Event]) -> list[Life]:
    """Read sorted facts of one run id into its lives; nearly always there is exactly one.

    What logs without a date tell of a run is a life of its own.
    """
    steps = LifeSteps()
    read = [steps.life]
    timeout: RunTimeout | None = None
    for index, fact in enumerate(facts):
        life = steps.life
        if isinstance(fact, RunTimeout):
            if _is_echo(timeout, fact):
                continue
            timeout = fact
        late = life.final and life.end is not None and fact.at - life.end[0] > fact.late_s
        # Nothing tells what came first of facts on two scales.
        if late or (index and not same_scale(facts[index - 1].at, fact.at)):
            steps.settle()
            steps.life = Life(first=index)
            read.append(steps.life)
        fact.take(steps)
    steps.settle()
    return read


class LifeSteps(RunSteps, AttemptSteps, CompactionSteps, DecisionSteps, LockSteps):
    """The steps, each taken by the facts of one kind; they change `life`."""

    def __init__(self) -> None:
        self.life = Life()

    def started(self, event: AttemptStarted) -> None:
        """Open the attempt; an end told before is taken back."""
        self.settle()
        life = self.life
        life.opened = life.opened or event
        life.promised_at = life.compaction = None
        life.go_on()

    def budget_over(self, event: RunTimeout) -> None:
        """Learn when the attempt began, and that it is over; the one before it is, if nothing was decided on it."""
        life = self.life
        if life.has_just_closed(event.at, SAME_MOMENT_S) or _is_twin(life.undecided, event):
            return
        self.settle_timeout()
        if life.prompt_error is not None and event.at - life.prompt_error.at > PROMPT_ERROR_S:
            self.settle_prompt_error()
        life.undecided = event
        if event.timeout_ms:
            life.budget_from = event.at - event.timeout_ms / 1000

    def inner_error(self, event: AgentEnd) -> None:
        """Learn whether the provider answered."""
        life = self.life
        if life.has_just_closed(event.at, SAME_MOMENT_S) and not _is_of_another_model(event, life):
            return
        life.heard_at = event.at if life.heard_at is None else life.heard_at
        if event.reason not in (None, "timeout"):
            life.answer = event.reason
        elif event.status not in (None, 408):
            life.answer = "provider_error"

    def prompt_failed(self, event: PromptError) -> None:
        """Note an error of the transcript until it is known whether the log tells of the same attempt."""
        life = self.life
        if life.opened is None and life.has_just_closed(event.at, PROMPT_ERROR_S):
            return
        if (
            life.undecided is not None
            and event.at - life.undecided.at > PROMPT_ERROR_S
            and not event.timed_out
        ):
            self.settle_timeout()
        pending = life.prompt_error
        if pending is not None and pending.by_trajectory is not event.by_trajectory and not life.told_twice:
            life.told_twice = True  # one attempt, told by transcript and trajectory
        elif pending is not None and event.at - life.prompt_told_at > PROMPT_ERROR_S:
            self.settle_prompt_error()
        life.prompt_error, life.prompt_told_at = life.prompt_error or event, event.at

    def settle(self) -> None:
        """Count an attempt whose end nothing has explained any further."""
        self.settle_timeout()
        self.settle_prompt_error()

    def settle_timeout(self) -> None:
        """Count an attempt that ran into its budget and that nothing was decided on: another may follow (2026.2.9)."""
        life, event = self.life, self.life.undecided
        if event is None:
            return
        reason = life.answer or "timeout"
        attempt = ended_attempt(life, event, reason=reason, timed_out=True, logged_reason="timeout")
        life.close(attempt, event.at)
        if life.end is None:
            life.promised_at = event.at

    def settle_prompt_error(self) -> None:
        """Count an attempt that only the transcript tells of."""
        event = self.life.prompt_error
        if event is None:
            return
        reason = "timeout" if event.timed_out else event.error
        attempt = ended_attempt(self.life, event, reason=reason, timed_out=event.timed_out)
        self.life.close(attempt, event.at)
        if event.timed_out and self.life.end is None:
            self.life.promised_at = event.at

    def decided(self, event: FailoverDecision) -> None:
        """Count the attempt that was decided on."""
        take_decision(self.life, event)

    def retried(self, event: SameModelRetry) -> None:
        """Count the attempt before a retry."""
        take_retry(self.life, event)

    def braked(self, event: RotationCap) -> None:
        """Count the attempt that a breaker ended."""
        take_brake(self.life, event)

    def candidate(self, event: ModelFallbackDecision) -> None:
        """Count a candidate that is over."""
        take_candidate(self.life, event)

    def all_failed(self, event: AllModelsFailed) -> None:
        """End the run: no model answered."""
        life = self.life
        if life.final and life.failure == event.text and life.has_just_ended(event.at, TOLD_AGAIN_S):
            return  # the console's words for it, or the record's
        life.failure = life.failure or event.text
        life.lock_timeouts += [t for t in event.lock_timeouts if t not in life.lock_timeouts]
        life.finish(event.at, RunOutcome.FAILED)

    def chain_stopped(self, event: ChainStopped) -> None:
        """End the run, by an abort or by OpenClaw itself."""
        life = self.life
        outcome = RunOutcome.ABORTED if "abort" in (event.reason or "") else RunOutcome.FAILED
        if outcome is RunOutcome.FAILED and event.reason:
            life.failure = life.failure or f"OpenClaw stopped the run: {event.reason}"
        life.finish(event.at, outcome)

    def ended(self, event: RunEnded) -> None:
        """Take note of an end that a later decision may take back: it is told per attempt, too."""
        life = self.life
        if life.final or (life.promised_at is not None and not event.ok and not event.settled):
            return
        done = RunOutcome.OK if event.ok else RunOutcome.FAILED
        life.promised_at, life.opened = None, None
        life.end = (event.at, RunOutcome.ABORTED if event.aborted else done)

    def aborted(self, event: RunAborted) -> None:
        """Take note of an abort that took."""
        life = self.life
        if event.ok and not life.final:
            life.promised_at, life.end = None, (event.at, RunOutcome.ABORTED)

    def compacted(self, event: CompactionTimeout) -> None:
        """Learn until when the transcript is compacted."""
        life = self.life
        if not event.begins:
            life.compaction = None
            return
        life.undecided = None  # the attempt goes on
        since = life.compaction.since if life.compaction else event.at
        longest_s = None if event.extra_ms is None else max(0, event.extra_ms) / 1000
        life.compaction = Compaction(since, event.at, longest_s, event.tries)

    def compaction(self, event: RunCompaction) -> None:
        """Learn that the transcript is compacted from here on, or is not any more."""
        life = self.life
        life.compaction = Compaction(event.at, event.at) if event.begins else None
        if event.begins and not life.final:
            life.end = None

    def locked_out(self, event: LockBlocked) -> None:
        """Learn of a lock that the run failed on."""
        if event.lock_timeout not in self.life.lock_timeouts:
            self.life.lock_timeouts.append(event.lock_timeout)


def _is_of_another_model(event: AgentEnd, life: Life) -> bool:
    """Return whether an error is of another model than the attempt that has just ended: the next one fails fast."""
    last = life.attempts[-1]
    return None not in (event.model, last.model) and event.model != last.model


def _is_echo(first: RunTimeout | None, second: RunTimeout) -> bool:
    """Return whether two lines tell of one timeout, in equal words: no other can follow within its own time."""
    if first is None or (first.session_id, first.timeout_ms) != (second.session_id, second.timeout_ms):
        return False
    own_s = TOLD_AGAIN_S if second.timeout_ms is None else second.timeout_ms / 1000
    return second.at - first.at < min(TOLD_AGAIN_S, own_s)


def _is_twin(first: RunTimeout | None, second: RunTimeout) -> bool:
    """Return whether two lines tell of one timeout: the JSON log's and the console's."""
    return first is not None and second.at - first.at <= SAME_MOMENT_S
