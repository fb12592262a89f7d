"""One run, read from everything that was told about it: attempts, candidates, and whether it has ended.

The facts come sorted by time.  Attempts are counted by what ends them, as seen on 2026.4.5: one failover
decision each; only a failed candidate where a lock timeout killed it; only a transcript entry where no log
can be read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from backend.model.events import (
    AgentEnd,
    AllModelsFailed,
    AttemptStarted,
    ChainStopped,
    CompactionTimeout,
    Event,
    FailoverDecision,
    LockBlocked,
    LockTimeout,
    ModelFallbackDecision,
    PromptError,
    RotationCap,
    RunAborted,
    RunEnded,
    RunTimeout,
    SameModelRetry,
)
from backend.model.runs import Attempt, Compaction
from backend.model.traces import SAME_RETRY_S

SAME_MOMENT_S = 1.0
"""Two decisions on one profile of one model within this many seconds are two tellings (or stages) of one."""
TWIN_S = 0.05
"""The JSON log and the console tell one thing within this many seconds; no attempt is that short."""
PROMPT_ERROR_S = 5.0
"""A transcript's prompt error this close (seconds) to the end of an attempt tells of that attempt."""
NEW_LIFE_S = 5.0
"""What may be a late line about a run that has ended is that for so many seconds; afterwards it is of a new run.

`openclaw agent --local` reuses the session id as run id. An attempt that begins or ends is no late line."""

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


class Outcome(StrEnum):
    """How a run ended."""

    OK = "ok"
    FAILED = "failed"
    ABORTED = "aborted"


class Life(Struct):
    """What has been read of one run so far; private to this module and `runfold`.

    `first` is the index of its first fact, `candidate_from` the one in `attempts` where the present candidate model
    begins. `ended` is the time and outcome of an end that nothing has taken back, `final` whether only a new life can
    follow it, `answered` the error with which the provider answered inside the present attempt, `heard_at` when it
    first did.
    """

    first: int = 0
    attempts: list[Attempt] = field(default_factory=list)
    decisions: list[FailoverDecision] = field(default_factory=list)
    candidates: list[ModelFallbackDecision] = field(default_factory=list)
    candidate_from: int = 0
    opened: AttemptStarted | None = None
    budget_from: float | None = None
    answered: str | None = None
    heard_at: float | None = None
    prompt_error: PromptError | None = None
    retry: SameModelRetry | None = None
    promised_at: float | None = None
    compaction: Compaction | None = None
    lock_timeouts: list[LockTimeout] = field(default_factory=list)
    ended: tuple[float, Outcome] | None = None
    final: bool = False
    failure: str | None = None


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
    if event.timeout_ms and not _just_closed(life, event.at, SAME_MOMENT_S):
        life.budget_from = event.at - event.timeout_ms / 1000


def _inner_error(life: Life, event: AgentEnd) -> None:
    if _just_closed(life, event.at, SAME_MOMENT_S):
        return
    life.heard_at = event.at if life.heard_at is None else life.heard_at
    if event.reason not in (None, "timeout"):
        life.answered = event.reason
    elif event.status not in (None, 408):
        life.answered = "provider_error"


def _just_closed(life: Life, at: float, within_s: float) -> bool:
    last = life.attempts[-1].ended_at if life.attempts else None
    return last is not None and at - last <= within_s


def _prompt_error(life: Life, event: PromptError) -> None:
    if _just_closed(life, event.at, PROMPT_ERROR_S):
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
    _close(life, attempt, event.at)


def _decision(life: Life, event: FailoverDecision) -> None:
    told_before = _told_before(life, event)
    if told_before and life.attempts[-1].decision == event.decision:
        _told_again(life, event)
        return
    life.decisions.append(event)
    life.compaction = None
    if event.lock_timeout is not None:
        life.lock_timeouts.append(event.lock_timeout)
    provider, model = _present_model(life) or (event.provider, event.model)
    attempt = Attempt(
        0,
        provider=provider,
        model=model,
        reason=_reason(event, life.answered),
        decision=event.decision,
        timed_out=event.timed_out,
        logged_reason=event.reason,
        profile_hash=event.profile_hash,
    )
    if told_before:
        life.attempts[-1] = replace(life.attempts[-1], decision=event.decision)
    else:
        _close(life, attempt, event.at)
    life.promised_at = event.at if event.decision in PROMISING else None
    gave_up = event.decision in GIVING_UP
    life.ended, life.final = ((event.at, Outcome.FAILED), True) if gave_up else (None, False)


def _retry(life: Life, event: SameModelRetry) -> None:
    """Count the attempt that failed; the next one is told to begin after the delay."""
    known, life.retry = life.retry, event
    if known is not None and event.at - known.at <= SAME_RETRY_S and _same_retry(known, event):
        return
    provider, _, model = (event.model or "").partition("/")
    attempt = Attempt(
        0,
        provider=provider or (life.opened.provider if life.opened else None),
        model=model or (life.opened.model if life.opened else None),
        reason=event.reason,
        decision=RETRY,
        timed_out=event.reason == "timeout",
        logged_reason=event.reason,
    )
    _close(life, attempt, event.at)
    life.ended, life.final, life.compaction = None, False, None
    life.promised_at = event.at if event.delay_ms is None else None
    if event.delay_ms is not None:
        begins = event.at + max(0, event.delay_ms) / 1000
        life.opened = AttemptStarted(
            begins, event.run_id or "", provider=attempt.provider, model=attempt.model
        )


def _same_retry(one: SameModelRetry, other: SameModelRetry) -> bool:
    return one.index is not None and (one.index, one.total) == (other.index, other.total)


def _brake(life: Life, event: RotationCap) -> None:
    """Count the last idle timeout: the breaker's line is all that tells of it."""
    if "idle-timeout-circuit-breaker" not in event.text or _just_closed(life, event.at, SAME_MOMENT_S):
        return
    told = life.opened or (life.attempts[-1] if life.attempts else None)
    provider, model = _present_model(life) or ((told.provider, told.model) if told else (None, None))
    attempt = Attempt(
        0,
        provider=provider,
        model=model,
        reason="timeout",
        decision=BREAKER,
        timed_out=True,
        logged_reason="timeout",
    )
    _close(life, attempt, event.at)
    life.promised_at = None


def present_candidate(told: Sequence[ModelFallbackDecision]) -> str | None:
    """Return the candidate (`provider/model`) that a run is at, by the last line about its candidates."""
    if not told:
        return None
    return told[-1].candidate if begins_candidate(told[-1]) else told[-1].next_candidate


def begins_candidate(told: ModelFallbackDecision) -> bool:
    """Whether a line tells that its candidate is tried now, and not that it is over."""
    return told.decision == "probe_cooldown_candidate"


def _present_model(life: Life) -> tuple[str, str] | None:
    """Return provider and model of the present candidate; a decision's own lag behind after a fallback."""
    provider, _, model = (present_candidate(life.candidates) or "").partition("/")
    return (provider, model) if provider and model else None


def _told_before(life: Life, event: FailoverDecision) -> bool:
    if not life.decisions or life.opened is not None or life.budget_from is not None:
        return False
    if life.attempts[-1].profile_hash != event.profile_hash:
        return False
    # Two models of one provider share its profiles, and fail fast: the line between them keeps them apart.
    same_model = life.candidate_from < len(life.attempts) and event.profile_hash is not None
    return _just_closed(life, event.at, SAME_MOMENT_S if same_model else TWIN_S)


def _told_again(life: Life, event: FailoverDecision) -> None:
    """Believe the telling that knows of an answer: the console calls every `timeout` one that timed out."""
    if life.attempts[-1].timed_out and not event.timed_out:
        life.attempts[-1] = replace(life.attempts[-1], timed_out=False, reason=_reason(event, None))
        life.decisions[-1] = event


def _reason(event: FailoverDecision, answered: str | None) -> str | None:
    if event.lock_timeout is not None:
        return "lock"
    if event.reason == "timeout" and not event.timed_out:
        # 2026.4.5 files an HTTP 500 under `timeout`; the provider did answer.
        return answered or "provider_error"
    reason = event.reason or ("timeout" if event.timed_out else None)
    # The first of five rate-limited attempts was logged as a plain timeout (seen on 2026.4.5).
    return answered if reason == "timeout" and answered else reason


def _candidate(life: Life, event: ModelFallbackDecision) -> None:
    if any(_same_candidate(event, told) for told in life.candidates):
        return
    life.candidates.append(event)
    if event.decision == "candidate_failed":
        _candidate_failed(life, event)
    elif event.decision == "candidate_succeeded":
        _close(life, Attempt(0, decision=event.decision), event.at)
        _name_candidate(life, event)
        life.promised_at, life.ended, life.final = None, (event.at, Outcome.OK), True


def _same_candidate(one: ModelFallbackDecision, other: ModelFallbackDecision) -> bool:
    return (one.decision, one.attempt, one.candidate) == (other.decision, other.attempt, other.candidate)


def _candidate_failed(life: Life, event: ModelFallbackDecision) -> None:
    told = life.attempts[life.candidate_from :]
    if not told or told[-1].decision not in LEAVING:
        reason = "lock" if event.lock_timeout is not None else event.reason
        _close(life, Attempt(0, reason=reason, decision=event.decision, logged_reason=event.reason), event.at)
    if event.lock_timeout is not None and event.lock_timeout not in life.lock_timeouts:
        life.lock_timeouts.append(event.lock_timeout)
    _name_candidate(life, event)
    last = event.next_candidate is None and not _more_by_count(event)
    life.promised_at = None if last else event.at
    life.ended, life.final = ((event.at, Outcome.FAILED), True) if last else (None, False)


def _more_by_count(event: ModelFallbackDecision) -> bool:
    return event.attempt is not None and event.total is not None and event.attempt < event.total


def _name_candidate(life: Life, event: ModelFallbackDecision) -> None:
    """Give the attempts of this candidate its name: the decisions' own provider and model lag behind."""
    provider, _, model = (event.candidate or "").partition("/")
    if provider and model:
        for index in range(life.candidate_from, len(life.attempts)):
            life.attempts[index] = replace(life.attempts[index], provider=provider, model=model)
    life.candidate_from = len(life.attempts)


def _close(life: Life, attempt: Attempt, at: float) -> None:
    started = life.budget_from
    if started is None and life.opened is not None:
        started = life.opened.at
    life.attempts.append(
        replace(
            attempt,
            index=len(life.attempts) + 1,
            started_at=None if started is None else min(started, at),
            ended_at=at,
            heard_at=life.heard_at,
        )
    )
    life.opened = life.budget_from = life.prompt_error = life.answered = life.heard_at = None


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
    FailoverDecision: _decision,
    SameModelRetry: _retry,
    RotationCap: _brake,
    ModelFallbackDecision: _candidate,
    AllModelsFailed: _all_failed,
    ChainStopped: _stopped,
    RunEnded: _run_ended,
    RunAborted: _aborted,
    CompactionTimeout: _compaction,
    LockBlocked: _blocked,
}
