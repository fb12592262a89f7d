"""Steps of reading a run's candidate models: one has failed, has answered, or was skipped."""

from __future__ import annotations

from lockdeck.backend.model.runs.attempt_model import ended_attempt, name_candidate
from lockdeck.backend.model.runs.events import ModelFallbackDecision
from lockdeck.backend.model.runs.life import BREAKER, GIVING_UP, LEAVING, Life, RunOutcome
from lockdeck.backend.model.runs.records import LOCKED


def take_candidate(life: Life, event: ModelFallbackDecision) -> None:
    """Take up a line about a candidate, once."""
    if any(_identity(event) == _identity(line) for line in life.candidates):
        return
    life.candidates.append(event)
    if event.decision == "candidate_failed":
        _candidate_failed(life, event)
    elif event.decision == "candidate_succeeded" and _gave_up(life):
        # A run that was cancelled, or that the breaker stopped, throws nothing and so counts as a success (2026.6, 2026.9.1).
        name_candidate(life, event)
    elif event.decision == "candidate_succeeded":
        life.close(ended_attempt(life, event, decision=event.decision), event.at)
        name_candidate(life, event)
        life.finish(event.at, RunOutcome.OK)


def _gave_up(life: Life) -> bool:
    """Return whether the last attempt of the present candidate ended the run, and none has begun since."""
    attempts = life.attempts[life.candidate_from :]
    return bool(attempts) and attempts[-1].decision in (*GIVING_UP, BREAKER) and life.opened is None


def _identity(event: ModelFallbackDecision) -> tuple[str, int | None, str | None]:
    return (event.decision, event.attempt, event.candidate)


def _candidate_failed(life: Life, event: ModelFallbackDecision) -> None:
    attempts = life.attempts[life.candidate_from :]
    if not attempts or attempts[-1].decision not in LEAVING:
        # 2026.5.28 may lose its lock at the end of an attempt that hung: who had asked a model was not kept out.
        hung = life.has_just_hung(event.at)
        reason = "timeout" if hung else _kept_out_by(event) or event.reason
        attempt = ended_attempt(
            life,
            event,
            reason=reason,
            decision=event.decision,
            timed_out=hung,
            logged_reason=event.reason,
        )
        life.close(attempt, event.at)
    if event.lock_timeout is not None and event.lock_timeout not in life.lock_timeouts:
        life.lock_timeouts.append(event.lock_timeout)
    name_candidate(life, event)
    if event.next_candidate is None and not _counts_more(event):
        life.finish(event.at, RunOutcome.FAILED)
    else:
        life.promised_at = event.at
        life.go_on()


def _kept_out_by(event: ModelFallbackDecision) -> str | None:
    """Return what kept the candidate from the session, None where it got it."""
    if event.lock_timeout is not None:
        return LOCKED
    return None if event.refusal is None else event.refusal.reason


def _counts_more(event: ModelFallbackDecision) -> bool:
    return event.attempt is not None and event.total is not None and event.attempt < event.total
