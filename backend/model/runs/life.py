"""One run, read from everything that was told about it: attempts, candidates, and whether it has ended.

The facts come sorted by time; each kind of fact is one step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lockdeck.backend.model.runs.attempts import SAME_MOMENT_S, Life, Outcome, close, just_closed
from lockdeck.backend.model.runs.candidates import take_candidate
from lockdeck.backend.model.runs.decisions import take_brake, take_decision, take_retry
from lockdeck.backend.model.runs.events import (
    AgentEnd,
    AllModelsFailed,
    AttemptStarted,
    ChainStopped,
    CompactionTimeout,
    Event,
    FailoverDecision,
    LockBlocked,
    ModelFallbackDecision,
    PromptError,
    RotationCap,
    RunAborted,
    RunEnded,
    RunTimeout,
    SameModelRetry,
)
from lockdeck.backend.model.runs.records import Attempt, Compaction

PROMPT_ERROR_S = 5.0
"""A transcript's prompt error this close (seconds) to the end of an attempt tells of that attempt."""
NEW_LIFE_S = 5.0
"""What may be a late line about a run that has ended is that for so many seconds; afterwards it is of a new run.

`openclaw agent --local` reuses the session id as run id. An attempt that begins or ends is no late line."""


def lives(facts: Sequence[Event]) -> list[Life]:
    """Read sorted facts of one run id into its lives; nearly always there is exactly one."""
    found = [Life()]
    for index, fact in enumerate(facts):
        life = found[-1]
        if life.final and life.ended and _begins_anew(fact, fact.at - life.ended[0]):
            _settle_prompt_error(life)
            found.append(life := Life(first=index))
        step = _STEPS.get(type(fact))
        if step is not None:
            step(life, fact)
    _settle_prompt_error(found[-1])
    return found


def _begins_anew(fact: Event, after_s: float) -> bool:
    """Whether a fact that comes `after_s` seconds after the final end of a run tells of the next one."""
    if isinstance(fact, ModelFallbackDecision) and fact.attempt == 1:
        return after_s > SAME_MOMENT_S
    if isinstance(fact, AttemptStarted | RunTimeout | SameModelRetry | FailoverDecision):
        return after_s > SAME_MOMENT_S
    return isinstance(fact, ModelFallbackDecision | AgentEnd | PromptError) and after_s > NEW_LIFE_S


def _start(life: Life, event: AttemptStarted) -> None:
    life.opened = life.opened or event
    life.promised_at = life.compaction = life.ended = None
    life.final = False


def _budget_over(life: Life, event: RunTimeout) -> None:
    if event.timeout_ms and not just_closed(life, event.at, SAME_MOMENT_S):
        life.budget_from = event.at - event.timeout_ms / 1000


def _inner_error(life: Life, event: AgentEnd) -> None:
    if just_closed(life, event.at, SAME_MOMENT_S):
        return
    life.heard_at = event.at if life.heard_at is None else life.heard_at
    if event.reason not in (None, "timeout"):
        life.answered = event.reason
    elif event.status not in (None, 408):
        life.answered = "provider_error"


def _prompt_error(life: Life, event: PromptError) -> None:
    if just_closed(life, event.at, PROMPT_ERROR_S):
        return
    if life.prompt_error is not None and event.at - life.prompt_error.at > PROMPT_ERROR_S:
        _settle_prompt_error(life)
    life.prompt_error = life.prompt_error or event


def _settle_prompt_error(life: Life) -> None:
    """Count an attempt that only the transcript tells of."""
    event = life.prompt_error
    if event is None:
        return
    error = (event.error or "").lower()
    timed_out = "timed out" in error or "timeout" in error
    reason = "timeout" if timed_out else event.error
    attempt = Attempt(0, provider=event.provider, model=event.model, reason=reason, timed_out=timed_out)
    close(life, attempt, event.at)


def _all_failed(life: Life, event: AllModelsFailed) -> None:
    life.failure = life.failure or event.text
    life.lock_timeouts += [t for t in event.lock_timeouts if t not in life.lock_timeouts]
    life.promised_at, life.ended, life.final = None, (event.at, Outcome.FAILED), True


def _stopped(life: Life, event: ChainStopped) -> None:
    outcome = Outcome.ABORTED if "abort" in (event.reason or "") else Outcome.FAILED
    if outcome is Outcome.FAILED and event.reason:
        life.failure = life.failure or f"OpenClaw stopped the run: {event.reason}"
    life.promised_at, life.ended, life.final = None, (event.at, outcome), True


def _run_ended(life: Life, event: RunEnded) -> None:
    """Take note of an end that a later decision may take back: it is told per attempt, too."""
    if life.final or (life.promised_at is not None and not event.ok):
        return
    outcome = Outcome.ABORTED if event.aborted else Outcome.OK if event.ok else Outcome.FAILED
    life.promised_at, life.ended, life.opened = None, (event.at, outcome), None


def _aborted(life: Life, event: RunAborted) -> None:
    if event.ok and not life.final:
        life.promised_at, life.ended = None, (event.at, Outcome.ABORTED)


def _compaction(life: Life, event: CompactionTimeout) -> None:
    if not event.begins:
        life.compaction = None
        return
    since = life.compaction.since if life.compaction else event.at
    longest_s = None if event.extra_ms is None else max(0, event.extra_ms) / 1000
    life.compaction = Compaction(since, event.at, longest_s, event.tries)


def _blocked(life: Life, event: LockBlocked) -> None:
    if event.lock_timeout not in life.lock_timeouts:
        life.lock_timeouts.append(event.lock_timeout)


_STEPS: dict[type, Callable[[Life, Any], None]] = {
    AttemptStarted: _start,
    RunTimeout: _budget_over,
    AgentEnd: _inner_error,
    PromptError: _prompt_error,
    FailoverDecision: take_decision,
    SameModelRetry: take_retry,
    RotationCap: take_brake,
    ModelFallbackDecision: take_candidate,
    AllModelsFailed: _all_failed,
    ChainStopped: _stopped,
    RunEnded: _run_ended,
    RunAborted: _aborted,
    CompactionTimeout: _compaction,
    LockBlocked: _blocked,
}
