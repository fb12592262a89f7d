"""The candidate models of one run: which one it is at, and what a line about one of them means."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from lockdeck.backend.model.runs.attempts import LEAVING, Life, Outcome, close
from lockdeck.backend.model.runs.events import ModelFallbackDecision
from lockdeck.backend.model.runs.records import Attempt


def present_candidate(told: Sequence[ModelFallbackDecision]) -> str | None:
    """Return the candidate (`provider/model`) that a run is at, by the last line about its candidates."""
    if not told:
        return None
    return told[-1].candidate if begins_candidate(told[-1]) else told[-1].next_candidate


def begins_candidate(told: ModelFallbackDecision) -> bool:
    """Whether a line tells that its candidate is tried now, and not that it is over."""
    return told.decision == "probe_cooldown_candidate"


def present_model(life: Life) -> tuple[str, str] | None:
    """Return provider and model of the present candidate; a decision's own lag behind after a fallback."""
    provider, _, model = (present_candidate(life.candidates) or "").partition("/")
    return (provider, model) if provider and model else None


def take_candidate(life: Life, event: ModelFallbackDecision) -> None:
    """Take up a line about a candidate, once."""
    if any(_same_candidate(event, told) for told in life.candidates):
        return
    life.candidates.append(event)
    if event.decision == "candidate_failed":
        _candidate_failed(life, event)
    elif event.decision == "candidate_succeeded":
        close(life, Attempt(0, decision=event.decision), event.at)
        _name_candidate(life, event)
        life.promised_at, life.ended, life.final = None, (event.at, Outcome.OK), True


def _same_candidate(one: ModelFallbackDecision, other: ModelFallbackDecision) -> bool:
    return (one.decision, one.attempt, one.candidate) == (other.decision, other.attempt, other.candidate)


def _candidate_failed(life: Life, event: ModelFallbackDecision) -> None:
    told = life.attempts[life.candidate_from :]
    if not told or told[-1].decision not in LEAVING:
        reason = "lock" if event.lock_timeout is not None else event.reason
        close(life, Attempt(0, reason=reason, decision=event.decision, logged_reason=event.reason), event.at)
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
