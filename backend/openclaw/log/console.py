"""Records that carry fields in the JSON file, in the words the console prints for them.

The console form tells less: no status, no `timedOut`. Seen in stderr and journal of 2026.4.5; DEBUG lines
(`embedded run start`, `embedded run done`) have this form in both.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from lockdeck.backend.model.runs.events import (
    AgentEnd,
    AttemptStarted,
    AuthProfileFailure,
    ChainStopped,
    Event,
    FailoverDecision,
    ModelFallbackDecision,
    RunEnded,
)
from lockdeck.backend.openclaw.log.records import LogRecord
from lockdeck.backend.openclaw.log.values import fields, flag, hashed_profile, ident, lock_timeout


def _failover(record: LogRecord, _found: re.Match[str]) -> Event | None:
    told = fields(record.message)
    run_id, decision = ident(told.get("runId")), ident(told.get("decision"))
    if run_id is None or decision is None:
        return None
    provider, model = _split(told.get("from") or told.get("provider"))  # `from=` since 2026.5.7
    reason = ident(told.get("reason"))
    return FailoverDecision(
        at=record.at,
        run_id=run_id,
        stage=ident(told.get("stage")) or "",
        decision=decision,
        reason=reason,
        provider=provider,
        model=model,
        profile_hash=hashed_profile(told.get("profile")),
        timed_out=reason == "timeout",
        session_id=record.session_id,
        lock_timeout=lock_timeout(told.get("rawError")),
    )


def _model_fallback(record: LogRecord, _found: re.Match[str]) -> Event | None:
    told = fields(record.message)
    decision = ident(told.get("decision"))
    if decision is None:
        return None
    return ModelFallbackDecision(
        at=record.at,
        run_id=ident(told.get("runId")),
        decision=decision,
        requested=ident(told.get("requested")),
        candidate=ident(told.get("candidate")),
        next_candidate=ident(told.get("next")),
        reason=ident(told.get("reason")),
        lock_timeout=lock_timeout(record.message),
    )


def _chain_stopped(record: LogRecord, _found: re.Match[str]) -> Event | None:
    told = fields(record.message)
    return ChainStopped(record.at, ident(told.get("runId")), record.session_id, ident(told.get("reason")))


def _auth_failure(record: LogRecord, _found: re.Match[str]) -> Event | None:
    told = fields(record.message)
    return AuthProfileFailure(
        at=record.at,
        run_id=ident(told.get("runId")),
        profile_hash=hashed_profile(told.get("profile")),
        provider=ident(told.get("provider")),
        reason=ident(told.get("reason")),
    )


def _agent_end(record: LogRecord, _found: re.Match[str]) -> Event | None:
    told = fields(record.message)
    run_id = ident(told.get("runId"))
    if run_id is None or flag(told.get("isError")) is False:
        return None
    reason = ident(told.get("reason"))
    return AgentEnd(record.at, run_id, reason, ident(told.get("provider")), ident(told.get("model")))


def _start(record: LogRecord, _found: re.Match[str]) -> Event | None:
    told = fields(record.message)
    run_id = ident(told.get("runId"))
    if run_id is None:
        return None
    return AttemptStarted(
        at=record.at,
        run_id=run_id,
        session_id=ident(told.get("sessionId")) or record.session_id,
        provider=ident(told.get("provider")),
        model=ident(told.get("model")),
    )


def _done(record: LogRecord, _found: re.Match[str]) -> Event | None:
    told = fields(record.message)
    run_id = ident(told.get("runId"))
    if run_id is None:
        return None
    aborted = flag(told.get("aborted")) is True
    session_id = ident(told.get("sessionId")) or record.session_id
    return RunEnded(record.at, run_id, ok=not aborted, aborted=aborted, session_id=session_id)


def _split(name: str | None) -> tuple[str | None, str | None]:
    provider, _, model = (name or "").partition("/")
    return ident(provider), ident(model)


RULES: tuple[tuple[str, Callable[[LogRecord, re.Match[str]], Event | None]], ...] = (
    (r"embedded run failover decision: ", _failover),
    (r"model fallback decision: ", _model_fallback),
    (r"model fallback chain stopped: ", _chain_stopped),
    (r"auth profile failure state updated: ", _auth_failure),
    (r"embedded run agent end: ", _agent_end),
    (r"embedded run start: ", _start),
    (r"embedded run done: ", _done),
)
