"""What ends an attempt of one run: a failover decision, a retry on the same model, or the breaker."""

from __future__ import annotations

from msgspec.structs import replace

from lockdeck.backend.model.runs.attempts import (
    BREAKER,
    GIVING_UP,
    PROMISING,
    RETRY,
    SAME_MOMENT_S,
    Life,
    Outcome,
    close,
    just_closed,
)
from lockdeck.backend.model.runs.candidates import present_model
from lockdeck.backend.model.runs.events import (
    AttemptStarted,
    FailoverDecision,
    RotationCap,
    SameModelRetry,
)
from lockdeck.backend.model.runs.records import Attempt
from lockdeck.backend.model.runs.traces import SAME_RETRY_S

TWIN_S = 0.05
"""The JSON log and the console tell one thing within this many seconds; no attempt is that short."""


def take_decision(life: Life, event: FailoverDecision) -> None:
    """Count the attempt that was decided on, or what a second stage decided on the same attempt."""
    told_before = _told_before(life, event)
    if told_before and life.attempts[-1].decision == event.decision:
        _told_again(life, event)
        return
    life.decisions.append(event)
    life.compaction = None
    if event.lock_timeout is not None:
        life.lock_timeouts.append(event.lock_timeout)
    provider, model = present_model(life) or (event.provider, event.model)
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
        close(life, attempt, event.at)
    life.promised_at = event.at if event.decision in PROMISING else None
    gave_up = event.decision in GIVING_UP
    life.ended, life.final = ((event.at, Outcome.FAILED), True) if gave_up else (None, False)


def _told_before(life: Life, event: FailoverDecision) -> bool:
    if not life.decisions or life.opened is not None or life.budget_from is not None:
        return False
    if life.attempts[-1].profile_hash != event.profile_hash:
        return False
    # Two models of one provider share its profiles, and fail fast: a fallback, or the line about it, keeps them apart.
    fallbacks = event.decision == life.attempts[-1].decision == "fallback_model"
    same_model = life.candidate_from < len(life.attempts) and event.profile_hash is not None and not fallbacks
    return just_closed(life, event.at, SAME_MOMENT_S if same_model else TWIN_S)


def _told_again(life: Life, event: FailoverDecision) -> None:
    """Believe the JSON log: the console does not say whether a timeout ended the attempt."""
    if _is_whole(event) and not _is_whole(life.decisions[-1]):
        reason = _reason(event, life.answered_last)
        life.attempts[-1] = replace(life.attempts[-1], timed_out=event.timed_out, reason=reason)
        life.decisions[-1] = event


def _is_whole(event: FailoverDecision) -> bool:
    """Whether a decision has fields that the console never tells."""
    return event.fallback_configured is not None or event.status is not None


def _reason(event: FailoverDecision, answered: str | None) -> str | None:
    if event.lock_timeout is not None:
        return "lock"
    if event.reason == "timeout" and not event.timed_out:
        # 2026.4.5 files an HTTP 500 under `timeout`; the provider did answer.
        return answered or "provider_error"
    reason = event.reason or ("timeout" if event.timed_out else None)
    # The first of five rate-limited attempts was logged as a plain timeout (seen on 2026.4.5).
    return answered if reason == "timeout" and answered else reason


def take_retry(life: Life, event: SameModelRetry) -> None:
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
    close(life, attempt, event.at)
    life.ended, life.final, life.compaction = None, False, None
    life.promised_at = event.at if event.delay_ms is None else None
    if event.delay_ms is not None:
        begins = event.at + max(0, event.delay_ms) / 1000
        life.opened = AttemptStarted(
            begins, event.run_id or "", provider=attempt.provider, model=attempt.model
        )


def _same_retry(one: SameModelRetry, other: SameModelRetry) -> bool:
    return one.index is not None and (one.index, one.total) == (other.index, other.total)


def take_brake(life: Life, event: RotationCap) -> None:
    """Count the last idle timeout: the breaker's line is all that tells of it."""
    if "idle-timeout-circuit-breaker" not in event.text or just_closed(life, event.at, SAME_MOMENT_S):
        return
    told = life.opened or (life.attempts[-1] if life.attempts else None)
    provider, model = present_model(life) or ((told.provider, told.model) if told else (None, None))
    attempt = Attempt(
        0,
        provider=provider,
        model=model,
        reason="timeout",
        decision=BREAKER,
        timed_out=True,
        logged_reason="timeout",
    )
    close(life, attempt, event.at)
    life.promised_at = None
