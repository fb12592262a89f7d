"""Log messages without structured fields into typed events: one rule per kind of line.

A rule's pattern must match at the start of the message (after up to three `[subsystem]` tags), so that
text quoted inside another line never becomes an event.  The one exception is a lock timeout, which is
evidence wherever it is told.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import islice

from lockdeck.backend.model.runs.events import (
    AllModelsFailed,
    CompactionTimeout,
    Event,
    LockBlocked,
    ProfileTimedOut,
    RotationCap,
    RunAborted,
    RunNamed,
    RunTimeout,
    SameModelRetry,
    StaleLockRemoved,
    TurnRefused,
    WatchdogRelease,
)
from lockdeck.backend.openclaw.log import console as logconsole
from lockdeck.backend.openclaw.log import lanes as loglanes
from lockdeck.backend.openclaw.log import starts as logstarts
from lockdeck.backend.openclaw.log.records import LogRecord
from lockdeck.backend.openclaw.log.values import (
    PATH_LIMIT,
    fields,
    ident,
    lock_timeout,
    lock_timeouts,
    number,
    shown,
)

_COMPACTS = re.compile(r"attempting compaction(?: before retry \(attempt (\d{1,2})/(\d{1,2})\))?")
_Rule = tuple[re.Pattern[str], Callable[[LogRecord, re.Match[str]], Event | None]]


def text_event(record: LogRecord) -> Event | None:
    """Return the event that a record's message tells, None when it tells none."""
    for pattern, read in _RULES:
        found = pattern.match(record.message)
        if found is not None:
            return read(record, found)
    return _lock_blocked(record)


def _run_timeout(record: LogRecord, _found: re.Match[str]) -> Event | None:
    told = fields(record.message)
    run_id = ident(told.get("runId"))
    if run_id is None:
        return None
    session_id = ident(told.get("sessionId")) or record.session_id
    return RunTimeout(record.at, run_id, session_id, number(told.get("timeoutMs")))


def _compaction(record: LogRecord, _found: re.Match[str]) -> Event | None:
    told = fields(record.message)
    session_id = ident(told.get("sessionId")) or record.session_id
    again = _COMPACTS.search(record.message)
    return CompactionTimeout(
        at=record.at,
        run_id=ident(told.get("runId")),
        session_id=session_id,
        text=shown(record.message),
        extra_ms=number(told.get("extraMs")),
        tries=0 if again is None else max(1, int(again[2] or 1) - int(again[1] or 1) + 1),
    )


def _profile(record: LogRecord, found: re.Match[str]) -> Event | None:
    profile, why = ident(found[1]), found[2]
    return None if profile is None else ProfileTimedOut(record.at, profile, idle="idle" in why)


def _abort(record: LogRecord, found: re.Match[str]) -> Event | None:
    told = fields(record.message)
    return RunAborted(
        at=record.at,
        run_id=ident(told.get("runId")),
        session_id=ident(told.get("sessionId")) or record.session_id,
        ok=found[1] == "aborting run",
        text=shown(record.message),
    )


def _brake(record: LogRecord, _found: re.Match[str]) -> Event | None:
    key = ident(fields(record.message).get("sessionKey"))
    return RotationCap(record.at, shown(record.message), key or record.session_key)


def _all_failed(record: LogRecord, found: re.Match[str]) -> Event | None:
    # The gateway's reply line tells the summary twice (errorMessage=… error=…): read it once.
    summary = found[2] + record.message[found.end() :].split("All models failed", 1)[0]
    return AllModelsFailed(
        at=record.at,
        total=number(found[3]),
        text=shown(summary),
        run_id=ident(fields(record.message).get("runId")) if found[1].startswith("⇄") else None,
        lock_timeouts=tuple(islice(lock_timeouts(summary), 16)),
    )


def _stale_removed(record: LogRecord, found: re.Match[str]) -> Event | None:
    reasons = tuple(shown(reason) for reason in found[2].split(", ")[:8])
    return StaleLockRemoved(record.at, found[1], reasons)


def _watchdog(record: LogRecord, found: re.Match[str]) -> Event | None:
    return WatchdogRelease(record.at, found[3][:PATH_LIMIT], number(found[1]), number(found[2]))


def _idle_retry(record: LogRecord, found: re.Match[str]) -> Event | None:
    return SameModelRetry(record.at, None, None, ident(found[1]), "timeout", _run_of(record))


def _transient_retry(record: LogRecord, found: re.Match[str]) -> Event | None:
    index, total, model, reason = found.groups()
    return SameModelRetry(
        at=record.at,
        index=number(index),
        total=number(total),
        model=ident(model),
        reason=ident(reason),
        run_id=_run_of(record),
        delay_ms=number(fields(record.message).get("delayMs")),
    )


def _named(record: LogRecord, _found: re.Match[str]) -> Event | None:
    run_id = _run_of(record)
    # Without a trace the line ties the run to nothing.
    return RunNamed(record.at, run_id) if run_id is not None and record.trace_id is not None else None


def _refused(record: LogRecord, found: re.Match[str]) -> Event | None:
    key = ident(found[3]) or record.session_key
    return TurnRefused(record.at, ident(found[2]) or record.session_id, key, shown(found[1]))


def _lock_blocked(record: LogRecord) -> Event | None:
    timeout = lock_timeout(record.message)
    if timeout is None:
        return None
    return LockBlocked(record.at, timeout, _run_of(record))


def _run_of(record: LogRecord) -> str | None:
    return ident(record.meta.get("runId")) or ident(fields(record.message).get("runId"))


def _rule(pattern: str, read: Callable[[LogRecord, re.Match[str]], Event | None]) -> _Rule:
    return re.compile(r"(?:\[[^\]\n]{1,60}\] ?){0,3}" + pattern), read


_RULES: tuple[_Rule, ...] = (
    _rule(r"embedded run timeout: ", _run_timeout),
    _rule(r"embedded run timeout (?:reached during|after) compaction", _compaction),
    _rule(r"\[timeout-compaction\] ", _compaction),
    _rule(r"compaction retry aggregate timeout ", _compaction),
    _rule(r"using [^\n]{1,80} snapshot: timed out during compaction", _compaction),
    _rule(r"\[compaction-diag\] end [^\n]*\breason=\S{0,80}?time(?:d[ _]out|out)", _compaction),
    _rule(r"Profile (\S{1,200}) ([^\n]{0,200}?)\. Trying next account", _profile),
    _rule(r"(aborting run|abort failed|wait timeout|embedded run abort still streaming): ", _abort),
    _rule(r"(embedded abort settle|sessions_yield abort settle) timed out: ", _abort),
    _rule(r"(?:rate-limit|overload) profile rotation cap reached ", _brake),
    _rule(r"overload backoff before failover ", _brake),
    _rule(r"\[(?:run-retry-limit|idle-timeout-circuit-breaker-tripped)\] ", _brake),
    _rule(r"\[llm-idle-timeout\] (\S{1,200}) [^\n]{0,200}retrying same model", _idle_retry),
    _rule(
        r"transient same-model retry (\d{1,6})/(\d{1,6}) for (\S{1,200})(?: reason=([^\s:]{1,80}))?",
        _transient_retry,
    ),
    _rule(
        r"(Embedded agent failed before reply: |⇄ res ✗ [^\n]{0,400}?|)"
        r"((?:FallbackSummaryError: )?All models failed \((\d{1,6})\))",
        _all_failed,
    ),
    _rule(r"⇄ res ✓ (?:agent|chat\.send) ", _named),
    _rule(
        r"(?:⇄ res ✗ |Embedded agent failed before reply: |\w{0,40}Error: )[^\n]{0,400}?"
        r"(Session (\S{1,200}) already has an active turn claim|Session \"([^\"\n]{1,300})\" changed while starting)",
        _refused,
    ),
    _rule(r"removed stale session lock: ([^\n]{1,4096}?\.lock) \(([^\n)]{0,400})\)", _stale_removed),
    _rule(
        r"releasing lock held for (\d{1,15})ms \(max=(\d{1,15}|Infinity)ms\): ([^\n]{1,4096}?\.lock)\s*$",
        _watchdog,
    ),
    *(_rule(pattern, read) for pattern, read in loglanes.RULES),
    *(_rule(pattern, read) for pattern, read in logstarts.RULES),
    *(_rule(pattern, read) for pattern, read in logconsole.RULES),
)
