"""What the diagnostic subsystem says about lanes and stuck sessions, as typed events."""

from __future__ import annotations

import re
from collections.abc import Callable

from lockdeck.backend.model.runs.events import (
    Event,
    LaneTaskError,
    LaneWait,
    RecoveryOutcome,
    StuckSession,
)
from lockdeck.backend.openclaw.log.records import LogRecord
from lockdeck.backend.openclaw.log.values import (
    age_ms,
    fields,
    flag,
    ident,
    lock_timeout,
    number,
    session_of_lane,
    shown,
)


def _task_error(record: LogRecord, found: re.Match[str]) -> Event | None:
    lane, duration, error = ident(found[1]), number(found[2]), (found[3] or "").strip().strip('"')
    if lane is None:
        return None
    name = ident(record.meta.get("errorName"))  # from 2026.9.6 the name stands apart from the message
    return LaneTaskError(
        at=record.at,
        lane=lane,
        session_key=session_of_lane(lane),
        duration_ms=duration,
        error=shown(f"{name}: {error}" if name and not error.startswith(name) else error),
        lock_timeout=lock_timeout(error),
    )


def _wait(record: LogRecord, found: re.Match[str]) -> Event | None:
    lane = ident(found[1])
    if lane is None:
        return None
    ahead = number(fields(record.message).get("queueAhead"))
    return LaneWait(record.at, lane, session_of_lane(lane), number(found[2]), ahead)


def _stuck(record: LogRecord, found: re.Match[str]) -> Event | None:
    told = fields(record.message)
    return StuckSession(
        at=record.at,
        kind=found[1],
        session_id=ident(told.get("sessionId")) or record.session_id,
        session_key=ident(told.get("sessionKey")) or record.session_key,
        state=ident(told.get("state")),
        age_ms=age_ms(told.get("age")),
        queue_depth=number(told.get("queueDepth")),
        reason=ident(told.get("reason")),
        classification=ident(told.get("classification")),
    )


def _recovery(record: LogRecord, found: re.Match[str]) -> Event | None:
    told = fields(record.message)
    return RecoveryOutcome(
        at=record.at,
        session_id=ident(told.get("sessionId")) or record.session_id,
        session_key=ident(told.get("sessionKey")) or record.session_key,
        status=ident(told.get("status")) or ("skipped" if found[1] == "skipped" else None),
        action=ident(told.get("action")),
        aborted=flag(told.get("aborted")),
        drained=flag(told.get("drained")),
        released=number(told.get("released")),
        reason=ident(told.get("reason")),
    )


RULES: tuple[tuple[str, Callable[[LogRecord, re.Match[str]], Event | None]], ...] = (
    (r"lane task error: lane=([^\n]{1,300}?) durationMs=(\d{1,15})(?: error=([^\n]*))?", _task_error),
    (r"lane wait exceeded: lane=([^\n]{1,300}?) waitedMs=(\d{1,15})", _wait),
    (r"(stuck|stalled|long-running) session: ", _stuck),
    (r"stuck session recovery(?: (\w{1,40}))?[^:\n]{0,80}: ", _recovery),
)
