"""Lines about sessions and their locks: replies, lanes, OpenClaw's own diagnoses, failures on a lock."""

from __future__ import annotations

import re

from lockdeck.backend.model.runs.events import (
    TURN_CHANGED,
    TURN_CLAIMED,
    LaneTaskError,
    LaneWait,
    LockBlocked,
    RecoveryOutcome,
    RunNamed,
    StaleLockRemoved,
    StuckSession,
    TurnRefused,
    WatchdogRelease,
)
from lockdeck.backend.openclaw.log.kinds.table import LineKind
from lockdeck.backend.openclaw.log.lockforms import LOCK_TIMEOUT_FORMS, lock_timeout
from lockdeck.backend.openclaw.log.records import LogRecord
from lockdeck.backend.openclaw.log.values import (
    PATH_LIMIT,
    age_ms,
    flag,
    ident,
    key_values,
    number,
    session_of_lane,
    shown,
    value_of,
)


def _run_named(record: LogRecord, _match: re.Match[str]) -> RunNamed | None:
    # Without a trace the line ties the run to nothing.
    run_id = None if record.trace_id is None else record.run_id
    return None if run_id is None else RunNamed(record.at, run_id)


def _refused(record: LogRecord, match: re.Match[str]) -> TurnRefused:
    key = ident(match[3]) or record.session_key
    return TurnRefused(record.at, ident(match[2]) or record.session_id, key, shown(match[1]))


def _task_error(record: LogRecord, match: re.Match[str]) -> LaneTaskError | None:
    lane, duration, error = ident(match[1]), number(match[2]), (match[3] or "").strip().strip('"')
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


def _wait(record: LogRecord, match: re.Match[str]) -> LaneWait | None:
    lane = ident(match[1])
    if lane is None:
        return None
    ahead = number(value_of(record.message, "queueAhead"))
    return LaneWait(record.at, lane, session_of_lane(lane), number(match[2]), ahead)


def _stuck(record: LogRecord, match: re.Match[str]) -> StuckSession:
    words = key_values(record.message)
    return StuckSession(
        at=record.at,
        kind=match[1],
        session_id=ident(words.get("sessionId")) or record.session_id,
        session_key=ident(words.get("sessionKey")) or record.session_key,
        state=ident(words.get("state")),
        age_ms=age_ms(words.get("age")),
        queue_depth=number(words.get("queueDepth")),
        reason=ident(words.get("reason")),
        classification=ident(words.get("classification")),
    )


def _recovery(record: LogRecord, match: re.Match[str]) -> RecoveryOutcome:
    words = key_values(record.message)
    return RecoveryOutcome(
        at=record.at,
        session_id=ident(words.get("sessionId")) or record.session_id,
        session_key=ident(words.get("sessionKey")) or record.session_key,
        status=ident(words.get("status")) or ("skipped" if match[1] == "skipped" else None),
        action=ident(words.get("action")),
        aborted=flag(words.get("aborted")),
        drained=flag(words.get("drained")),
        released=number(words.get("released")),
        reason=ident(words.get("reason")),
    )


def _stale_removed(record: LogRecord, match: re.Match[str]) -> StaleLockRemoved:
    reasons = tuple(shown(reason) for reason in match[2].split(", ")[:8])
    return StaleLockRemoved(record.at, match[1], reasons)


def _watchdog(record: LogRecord, match: re.Match[str]) -> WatchdogRelease:
    return WatchdogRelease(record.at, match[3][:PATH_LIMIT], number(match[1]), number(match[2]))


def _lock_blocked(record: LogRecord, _match: re.Match[str]) -> LockBlocked | None:
    timeout = lock_timeout(record.message)
    return None if timeout is None else LockBlocked(record.at, timeout, record.run_id)


_LANE = (": lane=",)

KINDS = (
    LineKind(
        event=RunNamed,
        markers=("✓ agent ", "✓ chat.send "),
        pattern=r"⇄ res ✓ (?:agent|chat\.send) ",
        text=_run_named,
    ),
    LineKind(
        event=TurnRefused,
        markers=("active turn claim", TURN_CHANGED),
        pattern=r"(?:⇄ res ✗ |Embedded agent failed before reply: |\w{0,40}Error: )[^\n]{0,400}?"
        rf"(Session (\S{{1,200}}) {TURN_CLAIMED}|Session \"([^\"\n]{{1,300}})\" {TURN_CHANGED})",
        text=_refused,
    ),
    LineKind(
        event=LaneTaskError,
        markers=_LANE,
        pattern=r"lane task error: lane=([^\n]{1,300}?) durationMs=(\d{1,15})(?: error=([^\n]*))?",
        text=_task_error,
    ),
    LineKind(
        event=LaneWait,
        markers=_LANE,
        pattern=r"lane wait exceeded: lane=([^\n]{1,300}?) waitedMs=(\d{1,15})",
        text=_wait,
    ),
    LineKind(
        event=StuckSession,
        markers=(": session",),
        pattern=r"(stuck|stalled|long-running) session: ",
        text=_stuck,
    ),
    LineKind(
        event=RecoveryOutcome,
        markers=("session recovery",),
        pattern=r"stuck session recovery(?: (\w{1,40}))?[^:\n]{0,80}: ",
        text=_recovery,
    ),
    LineKind(
        event=StaleLockRemoved,
        markers=("session lock",),
        pattern=r"removed stale session lock: ([^\n]{1,4096}?\.lock) \(([^\n)]{0,400})\)",
        text=_stale_removed,
    ),
    LineKind(
        event=WatchdogRelease,
        markers=("lock held for",),
        pattern=r"releasing lock held for (\d{1,15})ms \(max=(\d{1,15}|Infinity)ms\): ([^\n]{1,4096}?\.lock)\s*$",
        text=_watchdog,
    ),
)

QUOTED = LineKind(
    event=LockBlocked,
    markers=tuple(dict.fromkeys(form.marker for form in LOCK_TIMEOUT_FORMS)),
    pattern="",
    text=_lock_blocked,
)
"""A failure on a lock is evidence wherever it is told: any line that no other kind reads."""
