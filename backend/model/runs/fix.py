"""The effect that the fix of openclaw#62351 would have had on a run: where it ends it, and what the attempts since have cost."""

from __future__ import annotations

from collections.abc import Sequence

from lockdeck.backend.model.policy import Action
from lockdeck.backend.model.runs.events import FailoverDecision
from lockdeck.backend.model.runs.life import BREAKER, RETRY
from lockdeck.backend.model.runs.records import Attempt, PolicyFinding
from lockdeck.backend.model.words import time_taken


def would_stop(decision: FailoverDecision) -> bool:
    """Return whether the fix would have ended the run where OpenClaw went on."""
    return _stopped_by_fix(decision.decision, decision.reason, decision.timed_out)


def finding(attempts: Sequence[Attempt], now: float, *, finished: bool = False) -> PolicyFinding:
    """Say where the fix would have stopped a rotation and what the attempts since have cost in lock time.

    `attempts` oldest first, the running one included. A last attempt after which nothing came is no place to
    stop at when the run has `finished`.
    """
    for position, attempt in enumerate(attempts):
        later = attempts[position + 1 :]
        # 2026.2.9 logs no decisions: that another attempt came is all that shows one.
        decision = attempt.decision or (Action.ROTATE if later else None)
        if not _stopped_by_fix(decision, attempt.logged_reason or attempt.reason, attempt.timed_out):
            continue
        if finished and not later:
            break
        lasted = [seconds for a in later if (seconds := a.duration_s(now)) is not None]
        spent = round(sum(lasted) * 1000) if lasted or not later else None
        assumed = any(later_attempt.start_assumed for later_attempt in later)
        return PolicyFinding(attempt.index, spent, _stop_sentence(attempt.index, spent, assumed=assumed))
    return PolicyFinding(None, 0, _no_stop_sentence(attempts))


def _stopped_by_fix(decision: str | None, reason: str | None, timed_out: bool) -> bool:
    went_on = decision in (Action.ROTATE, Action.FALLBACK)
    return went_on and (timed_out or reason == "timeout")


def _no_stop_sentence(attempts: Sequence[Attempt]) -> str:
    if any(attempt.decision in (RETRY, BREAKER) and attempt.by_timeout for attempt in attempts):
        return (
            "the fix of openclaw#62351 does not apply to these timeouts: a retry on the same model is no decision of "
            "the failover policy; it would stop only the step to the next profile or model"
        )
    return "the fix of openclaw#62351 would not have interfered"


def _stop_sentence(index: int, spent_ms: int | None, *, assumed: bool) -> str:
    stopped = f"the fix of openclaw#62351 would have stopped here (attempt {index})"
    if not spent_ms:
        return stopped
    return (
        f"{stopped}; this rotation has since cost {time_taken(spent_ms / 1000, assumed=assumed)} of lock time"
    )
