"""Steps of reading the end of an attempt: a failover decision, a retry on the same model, or the breaker."""

from __future__ import annotations

from msgspec.structs import replace

from lockdeck.backend.model.runs.attempt_model import ended_attempt
from lockdeck.backend.model.runs.events import (
    AttemptStarted,
    FailoverDecision,
    RotationCap,
    SameModelRetry,
)
from lockdeck.backend.model.runs.life import (
    BREAKER,
    GIVING_UP,
    PROMISING,
    RETRY,
    SAME_MOMENT_S,
    Life,
    RunOutcome,
)
from lockdeck.backend.model.runs.records import LOCKED
from lockdeck.backend.model.runs.trace_joins import SAME_RETRY_S

TWIN_S = 0.05
"""The JSON log and the console tell one thing within this many seconds; no attempt is that short."""


def take_decision(life: Life, event: FailoverDecision) -> None:
    """Count the attempt that was decided on, or what a second stage decided on the same attempt."""
    if _tells_of_retry(life, event):
        _complete_retry(life, event)
        return
    repeated = _is_repeated(life, event)
    if repeated and life.attempts[-1].decision == event.decision:
        _correct_from(life, event)
        return
    life.decisions.append(event)
    life.compaction = None
    if event.lock_timeout is not None:
        life.lock_timeouts.append(event.lock_timeout)
    if repeated:
        life.attempts[-1] = replace(life.attempts[-1], decision=event.decision)
    else:
        attempt = ended_attempt(
            life,
            event,
            reason=_reason(event, life.answer),
            decision=event.decision,
            timed_out=event.timed_out,
            logged_reason=event.reason,
            profile_hash=event.profile_hash,
        )
        life.close(attempt, event.at)
    if event.decision in GIVING_UP:
        # A timeout aborts its attempt as well; without one it was a person or a shutdown (2026.4.12 on).
        aborted = event.aborted and not event.timed_out
        life.finish(event.at, RunOutcome.ABORTED if aborted else RunOutcome.FAILED)
    else:
        life.promised_at = event.at if event.decision in PROMISING else None
        life.go_on()


def _is_repeated(life: Life, event: FailoverDecision) -> bool:
    """Return whether a decision is on the attempt that the last decision was on."""
    if not life.decisions or life.opened is not None or life.budget_from is not None:
        return False
    if life.attempts[-1].profile_hash != event.profile_hash:
        return False
    # Two models of one provider share its profiles, and fail fast: a fallback, or the line about it, keeps them apart.
    fallbacks = event.decision == life.attempts[-1].decision == "fallback_model"
    same_model = life.candidate_from < len(life.attempts) and event.profile_hash is not None and not fallbacks
    return life.has_just_closed(event.at, SAME_MOMENT_S if same_model else TWIN_S)


def _correct_from(life: Life, event: FailoverDecision) -> None:
    """Believe the JSON log: the console does not say whether a timeout ended the attempt."""
    if _is_whole(event) and not _is_whole(life.decisions[-1]):
        reason = _reason(event, life.previous_answer)
        life.attempts[-1] = replace(life.attempts[-1], timed_out=event.timed_out, reason=reason)
        life.decisions[-1] = event


def _is_whole(event: FailoverDecision) -> bool:
    """Return whether a decision has fields that the console never tells."""
    return event.fallback_configured is not None or event.status is not None


def _reason(event: FailoverDecision, answer: str | None) -> str | None:
    if event.lock_timeout is not None:
        return LOCKED
    if event.refusal is not None:
        return event.refusal.reason
    if event.reason == "timeout" and not event.timed_out:
        # 2026.4.5 files an HTTP 500 under `timeout`; the provider did answer.
        return answer or "provider_error"
    reason = event.reason or ("timeout" if event.timed_out else None)
    # The first of five rate-limited attempts was logged as a plain timeout (seen on 2026.4.5).
    return answer if reason == "timeout" and answer else reason


def _tells_of_retry(life: Life, event: FailoverDecision) -> bool:
    """Return whether a decision is on a retry that its own line has told: 2026.9.1 logs it after the delay (read)."""
    retry = life.retry
    if event.decision != RETRY or retry is None or life.attempts[-1].ended_at != retry.at:
        return False
    told = [decision.at for decision in life.decisions[-1:] if decision.at >= retry.at]
    return not told or event.at - told[0] <= SAME_MOMENT_S


def _complete_retry(life: Life, event: FailoverDecision) -> None:
    """Take what only the decision tells of the attempt before the retry."""
    if life.decisions and life.retry is not None and life.decisions[-1].at >= life.retry.at:
        life.decisions[-1] = event if _is_whole(event) else life.decisions[-1]
    else:
        life.decisions.append(event)
    reason = _reason(event, life.previous_answer)
    life.attempts[-1] = replace(
        life.attempts[-1],
        reason=reason or life.attempts[-1].reason,
        timed_out=event.timed_out,
        logged_reason=event.reason,
        profile_hash=event.profile_hash,
    )


def take_retry(life: Life, event: SameModelRetry) -> None:
    """Count the attempt that failed; the next one is told to begin after the delay."""
    if life.retry is not None and _is_told_again(life, life.retry, event):
        if life.retry.total is None:
            life.retry = replace(event, at=life.retry.at)
        return
    life.retry = event
    # 2026.9 files an HTTP 500 under `timeout`; the provider did answer.
    answer = life.answer if event.reason == "timeout" else None
    attempt = ended_attempt(
        life,
        event,
        reason=answer or event.reason,
        decision=RETRY,
        timed_out=event.reason == "timeout" and answer is None,
        logged_reason=event.reason,
    )
    life.close(attempt, event.at)
    life.go_on()
    life.compaction = None
    life.promised_at = event.at if event.delay_ms is None else None
    if event.delay_ms is not None:
        life.opened = AttemptStarted(
            _begins_after(event), event.run_id or "", provider=attempt.provider, model=attempt.model
        )


def _is_told_again(life: Life, retry: SameModelRetry, event: SameModelRetry) -> bool:
    """Return whether a line tells the last retry in other words: before the next attempt can have failed."""
    if retry.index is not None and (retry.index, retry.total) == (event.index, event.total):
        return event.at - retry.at <= SAME_RETRY_S
    soon = _begins_after(retry) if retry.delay_ms is not None else retry.at + SAME_MOMENT_S
    return life.attempts[-1].ended_at == retry.at and event.at < soon


def _begins_after(retry: SameModelRetry) -> float:
    return retry.at + max(0, retry.delay_ms or 0) / 1000


def take_brake(life: Life, event: RotationCap) -> None:
    """Count the last idle timeout, with which the run ends: on 2026.9.1 the breaker's line is all that tells of it."""
    if "idle-timeout-circuit-breaker" not in event.text or life.has_just_closed(event.at, SAME_MOMENT_S):
        return
    attempt = ended_attempt(
        life,
        event,
        reason="timeout",
        decision=BREAKER,
        timed_out=True,
        logged_reason="timeout",
    )
    life.close(attempt, event.at)
    life.promised_at = None
    life.end = (event.at, RunOutcome.FAILED)
    life.failure = life.failure or "OpenClaw stopped the run: idle_timeout_circuit_breaker"
