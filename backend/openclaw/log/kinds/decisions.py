"""Lines in which OpenClaw decides: the next profile or model, a cooldown, a brake, the end of the chain.

Decisions are records that carry fields in the JSON file. The console form tells less: no status, no `timedOut`.
Seen in stderr and journal of 2026.4.5.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import islice

from lockdeck.backend.model.runs.events import (
    AllModelsFailed,
    AuthProfileFailure,
    CallerRefusal,
    ChainStopped,
    FailoverDecision,
    ModelFallbackDecision,
    RotationCap,
    refusal_in,
)
from lockdeck.backend.openclaw.log.kinds.table import LineKind
from lockdeck.backend.openclaw.log.lockforms import lock_timeout, lock_timeouts
from lockdeck.backend.openclaw.log.records import LogRecord
from lockdeck.backend.openclaw.log.values import (
    flag,
    hashed_profile,
    ident,
    key_values,
    model_name,
    number,
    session_of_lane,
    shown,
    value_of,
)


def _failover(record: LogRecord, _match: re.Match[str]) -> FailoverDecision | None:
    words = key_values(record.message)
    run_id, decision = ident(words.get("runId")), ident(words.get("decision"))
    if run_id is None or decision is None:
        return None
    # `from=` since 2026.5.7
    provider, _, model = (words.get("from") or words.get("provider") or "").partition("/")
    reason = ident(words.get("reason"))
    return FailoverDecision(
        at=record.at,
        run_id=run_id,
        stage=ident(words.get("stage")) or "",
        decision=decision,
        reason=reason,
        provider=ident(provider),
        model=ident(model),
        profile_hash=hashed_profile(words.get("profile")),
        timed_out=reason == "timeout",
        session_id=record.session_id,
        lock_timeout=lock_timeout(words.get("rawError")),
        refusal=refusal_in(words.get("rawError") or ""),
    )


def _failover_fields(record: LogRecord) -> FailoverDecision | None:
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
        refusal=_refusal(meta, "rawErrorPreview"),
    )


def _fallback(record: LogRecord, _match: re.Match[str]) -> ModelFallbackDecision | None:
    words = key_values(record.message)
    decision = ident(words.get("decision"))
    if decision is None:
        return None
    return ModelFallbackDecision(
        at=record.at,
        run_id=ident(words.get("runId")),
        decision=decision,
        requested=ident(words.get("requested")),
        candidate=ident(words.get("candidate")),
        next_candidate=ident(words.get("next")),
        reason=ident(words.get("reason")),
        lock_timeout=lock_timeout(record.message),
        refusal=refusal_in(record.message),
    )


def _fallback_fields(record: LogRecord) -> ModelFallbackDecision | None:
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
        refusal=_refusal(meta, "errorPreview") or _refusal(meta, "fallbackStepFromFailureDetail"),
    )


def _chain_stopped(record: LogRecord, _match: re.Match[str]) -> ChainStopped:
    words = key_values(record.message)
    return ChainStopped(record.at, ident(words.get("runId")), record.session_id, ident(words.get("reason")))


def _chain_stopped_fields(record: LogRecord) -> ChainStopped:
    return ChainStopped(
        at=record.at,
        run_id=ident(record.meta.get("runId")),
        session_id=_session_id(record),
        reason=ident(record.meta.get("reason")),
        session_key=_session_key(record),
    )


def _cooldown(record: LogRecord, _match: re.Match[str]) -> AuthProfileFailure:
    words = key_values(record.message)
    return AuthProfileFailure(
        at=record.at,
        run_id=ident(words.get("runId")),
        profile_hash=hashed_profile(words.get("profile")),
        provider=ident(words.get("provider")),
        reason=ident(words.get("reason")),
    )


def _cooldown_fields(record: LogRecord) -> AuthProfileFailure:
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


def _brake(record: LogRecord, _match: re.Match[str]) -> RotationCap:
    key = ident(value_of(record.message, "sessionKey"))
    return RotationCap(record.at, shown(record.message), key or record.session_key)


def _all_failed(record: LogRecord, match: re.Match[str]) -> AllModelsFailed:
    # The gateway's reply line tells the summary twice (errorMessage=… error=…): read it once.
    summary = match[2] + record.message[match.end() :].split("All models failed", 1)[0].split(" runId=", 1)[0]
    return AllModelsFailed(
        at=record.at,
        total=number(match[3]),
        text=shown(summary),
        run_id=ident(value_of(record.message, "runId")) if match[1].startswith("⇄") else None,
        lock_timeouts=tuple(islice(lock_timeouts(summary), 16)),
    )


def _refusal(meta: Mapping[str, object], field: str) -> CallerRefusal | None:
    text = meta.get(field)
    return refusal_in(text) if isinstance(text, str) else None


def _model(meta: Mapping[str, object], role: str) -> str | None:
    return model_name(meta.get(f"{role}Provider"), meta.get(f"{role}Model"))


def _session_id(record: LogRecord) -> str | None:
    return ident(record.meta.get("sessionId")) or record.session_id


def _session_key(record: LogRecord) -> str | None:
    lane = ident(record.meta.get("lane"))
    of_lane = session_of_lane(lane) if lane else None
    return ident(record.meta.get("sessionKey")) or of_lane or record.session_key


_FALLBACK = ("model fallback",)

KINDS = (
    LineKind(
        event=FailoverDecision,
        markers=("embedded run ",),
        pattern=r"embedded run failover decision: ",
        text=_failover,
        name="embedded_run_failover_decision",
        fields=_failover_fields,
    ),
    LineKind(
        event=ModelFallbackDecision,
        markers=_FALLBACK,
        pattern=r"model fallback decision: ",
        text=_fallback,
        name="model_fallback_decision",
        fields=_fallback_fields,
    ),
    LineKind(
        event=ChainStopped,
        markers=_FALLBACK,
        pattern=r"model fallback chain stopped: ",
        text=_chain_stopped,
        name="model_fallback_chain_stopped",
        fields=_chain_stopped_fields,
    ),
    LineKind(
        event=AuthProfileFailure,
        markers=("failure state updated",),
        pattern=r"auth profile failure state updated: ",
        text=_cooldown,
        name="auth_profile_failure_state_updated",
        fields=_cooldown_fields,
    ),
    LineKind(
        event=RotationCap,
        markers=_FALLBACK,  # "escalating to model fallback"
        pattern=r"(?:rate-limit|overload) profile rotation cap reached ",
        text=_brake,
    ),
    LineKind(
        event=RotationCap,
        markers=("before failover",),
        pattern=r"overload backoff before failover ",
        text=_brake,
    ),
    LineKind(
        event=RotationCap,
        markers=("retry-limit", "idle-timeout"),
        pattern=r"\[(?:run-retry-limit|idle-timeout-circuit-breaker-tripped)\] ",
        text=_brake,
    ),
    LineKind(
        event=AllModelsFailed,
        markers=("models failed",),
        pattern=r"(Embedded agent failed before reply: |⇄ res ✗ [^\n]{0,400}?|)"
        r"((?:FallbackSummaryError: )?All models failed \((\d{1,6})\))",
        text=_all_failed,
    ),
)
