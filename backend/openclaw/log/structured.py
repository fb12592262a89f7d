"""Structured log records (those with an `event` name) into typed events."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from lockdeck.backend.model.runs.events import (
    AgentEnd,
    AuthProfileFailure,
    ChainStopped,
    Event,
    FailoverDecision,
    ModelFallbackDecision,
)
from lockdeck.backend.openclaw.log.records import LogRecord
from lockdeck.backend.openclaw.log.values import (
    flag,
    hashed_profile,
    ident,
    lock_timeout,
    model_name,
    number,
    session_of_lane,
)


def structured_event(record: LogRecord) -> Event | None:
    """Return the event that a record's fields tell, None when its `event` name is none of ours."""
    name = record.meta.get("event")
    read = _BY_NAME.get(name) if isinstance(name, str) else None
    return None if read is None else read(record)


def _failover(record: LogRecord) -> Event | None:
    meta = record.meta
    run_id, decision = ident(meta.get("runId")), ident(meta.get("decision"))
    if run_id is None or decision is None:
        return None
    return FailoverDecision(
        at=record.at,
        run_id=run_id,
        stage=ident(meta.get("stage")) or "",
        decision=decision,
        reason=ident(meta.get("failoverReason")),
        # From 2026.5.7 provider/model may name the next candidate; sourceProvider/sourceModel were tried.
        provider=ident(meta.get("sourceProvider")) or ident(meta.get("provider")),
        model=ident(meta.get("sourceModel")) or ident(meta.get("model")),
        profile_hash=hashed_profile(meta.get("profileId")),
        fallback_configured=flag(meta.get("fallbackConfigured")),
        timed_out=flag(meta.get("timedOut")) is True,
        aborted=flag(meta.get("aborted")) is True,
        status=number(meta.get("status")),
        session_id=_session_id(record),
        lock_timeout=lock_timeout(meta.get("rawErrorPreview")),
    )


def _model_fallback(record: LogRecord) -> Event | None:
    meta = record.meta
    decision = ident(meta.get("decision"))
    if decision is None:
        return None
    return ModelFallbackDecision(
        at=record.at,
        run_id=ident(meta.get("runId")),
        decision=decision,
        attempt=number(meta.get("attempt")),
        total=number(meta.get("total")),
        requested=_model(meta, "requested"),
        candidate=_model(meta, "candidate"),
        next_candidate=_model(meta, "nextCandidate"),
        reason=ident(meta.get("reason")),
        status=number(meta.get("status")),
        session_id=_session_id(record),
        session_key=_session_key(record),
        lock_timeout=lock_timeout(meta.get("errorPreview"))
        or lock_timeout(meta.get("fallbackStepFromFailureDetail")),
    )


def _chain_stopped(record: LogRecord) -> Event | None:
    return ChainStopped(
        at=record.at,
        run_id=ident(record.meta.get("runId")),
        session_id=_session_id(record),
        reason=ident(record.meta.get("reason")),
        session_key=_session_key(record),
    )


def _auth_failure(record: LogRecord) -> Event | None:
    meta = record.meta
    until = number(meta.get("cooldownUntil")) or number(meta.get("disabledUntil"))
    return AuthProfileFailure(
        at=record.at,
        run_id=ident(meta.get("runId")),
        profile_hash=hashed_profile(meta.get("profileId")),
        provider=ident(meta.get("provider")),
        reason=ident(meta.get("reason")),
        cooldown_until=None if until is None else until / 1000,
    )


def _agent_end(record: LogRecord) -> Event | None:
    meta = record.meta
    run_id = ident(meta.get("runId"))
    if run_id is None or flag(meta.get("isError")) is False:
        return None
    return AgentEnd(
        at=record.at,
        run_id=run_id,
        reason=ident(meta.get("failoverReason")),
        provider=ident(meta.get("provider")),
        model=ident(meta.get("model")),
        status=number(meta.get("httpCode")) or number(meta.get("status")),
    )


def _model(meta: Mapping[str, object], role: str) -> str | None:
    return model_name(meta.get(f"{role}Provider"), meta.get(f"{role}Model"))


def _session_id(record: LogRecord) -> str | None:
    return ident(record.meta.get("sessionId")) or record.session_id


def _session_key(record: LogRecord) -> str | None:
    lane = ident(record.meta.get("lane"))
    of_lane = session_of_lane(lane) if lane else None
    return ident(record.meta.get("sessionKey")) or of_lane or record.session_key


_BY_NAME: Mapping[str, Callable[[LogRecord], Event | None]] = {
    "embedded_run_failover_decision": _failover,
    "model_fallback_decision": _model_fallback,
    "model_fallback_chain_stopped": _chain_stopped,
    "auth_profile_failure_state_updated": _auth_failure,
    "embedded_run_agent_end": _agent_end,
}
