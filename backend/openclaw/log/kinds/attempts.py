"""Lines about one attempt: its begin and end, budgets, retries, compactions."""

from __future__ import annotations

import re
from collections.abc import Mapping

from lockdeck.backend.model.pattern import late_pattern
from lockdeck.backend.model.runs.events import (
    AgentEnd,
    AttemptStarted,
    CompactionTimeout,
    ProfileTimedOut,
    RunAborted,
    RunCompaction,
    RunEnded,
    RunTimeout,
    SameModelRetry,
)
from lockdeck.backend.openclaw.log.kinds.table import LineKind
from lockdeck.backend.openclaw.log.records import LogRecord
from lockdeck.backend.openclaw.log.values import (
    flag,
    ident,
    key_values,
    number,
    shown,
)

_ANSWERED = late_pattern(r"([1-5]\d\d) ")
_COMPACTS = late_pattern(r"attempting compaction(?: before retry \(attempt (\d{1,2})/(\d{1,2})\))?")


def _start(record: LogRecord, _match: re.Match[str]) -> AttemptStarted | None:
    words = key_values(record.message)
    run_id = ident(words.get("runId"))
    if run_id is None:
        return None
    return AttemptStarted(
        at=record.at,
        run_id=run_id,
        session_id=ident(words.get("sessionId")) or record.session_id,
        provider=ident(words.get("provider")),
        model=ident(words.get("model")),
    )


def _done(record: LogRecord, _match: re.Match[str]) -> RunEnded | None:
    words = key_values(record.message)
    run_id = ident(words.get("runId"))
    if run_id is None:
        return None
    aborted = flag(words.get("aborted")) is True
    session_id = ident(words.get("sessionId")) or record.session_id
    return RunEnded(record.at, run_id, ok=not aborted, aborted=aborted, session_id=session_id)


def _run_timeout(record: LogRecord, _match: re.Match[str]) -> RunTimeout | None:
    words = key_values(record.message)
    run_id = ident(words.get("runId"))
    if run_id is None:
        return None
    session_id = ident(words.get("sessionId")) or record.session_id
    return RunTimeout(record.at, run_id, session_id, number(words.get("timeoutMs")))


def _compaction(record: LogRecord, _match: re.Match[str]) -> CompactionTimeout:
    words = key_values(record.message)
    retry = _COMPACTS.search(record.message)
    return CompactionTimeout(
        at=record.at,
        run_id=ident(words.get("runId")),
        session_id=ident(words.get("sessionId")) or record.session_id,
        text=shown(record.message),
        extra_ms=number(words.get("extraMs")),
        tries=0 if retry is None else max(1, int(retry[2] or 1) - int(retry[1] or 1) + 1),
    )


def _own_compaction(record: LogRecord, match: re.Match[str]) -> RunCompaction | None:
    words = key_values(record.message)
    run_id = ident(words.get("runId"))
    if run_id is None:
        return None
    begins, reason = match[1] == "start", ident(words.get("reason"))
    return RunCompaction(record.at, run_id, begins, record.session_id, reason)


def _own_compaction_fields(record: LogRecord) -> RunCompaction | None:
    run_id, reason = ident(record.meta.get("runId")), ident(record.meta.get("reason"))
    if run_id is None:
        return None
    session_id = ident(record.meta.get("sessionId")) or record.session_id
    begins = record.meta.get("event") == "embedded_run_compaction_start"
    return RunCompaction(record.at, run_id, begins, session_id, reason)


def _profile(record: LogRecord, match: re.Match[str]) -> ProfileTimedOut | None:
    profile, timeout = ident(match[1]), match[2]
    return None if profile is None else ProfileTimedOut(record.at, profile, idle="idle" in timeout)


def _abort(record: LogRecord, match: re.Match[str]) -> RunAborted:
    words = key_values(record.message)
    return RunAborted(
        at=record.at,
        run_id=ident(words.get("runId")),
        session_id=ident(words.get("sessionId")) or record.session_id,
        ok=match[1] == "aborting run",
        text=shown(record.message),
    )


def _idle_retry(record: LogRecord, match: re.Match[str]) -> SameModelRetry:
    return SameModelRetry(record.at, None, None, ident(match[1]), "timeout", record.run_id)


def _counted_retry(record: LogRecord, match: re.Match[str]) -> SameModelRetry:
    wording, index, total, model, reason = match.groups()
    words = key_values(record.message)
    return SameModelRetry(
        at=record.at,
        index=number(index),
        total=number(total),
        model=ident(model),
        reason="rate_limit" if wording == "rate-limit" else ident(reason),
        run_id=ident(record.meta.get("runId")) or ident(words.get("runId")),
        delay_ms=number(words.get("delayMs")),
    )


def _agent_end(record: LogRecord, _match: re.Match[str]) -> AgentEnd | None:
    words = key_values(record.message)
    run_id = ident(words.get("runId"))
    if run_id is None or flag(words.get("isError")) is False:
        return None
    reason = ident(words.get("reason"))
    return AgentEnd(record.at, run_id, reason, ident(words.get("provider")), ident(words.get("model")))


def _agent_end_fields(record: LogRecord) -> AgentEnd | None:
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
        status=number(meta.get("httpCode")) or number(meta.get("status")) or _status_in(meta),
    )


def _status_in(meta: Mapping[str, object]) -> int | None:
    """Return the HTTP status with which the provider's own words begin: up to 2026.9.1 nothing else tells it."""
    preview = meta.get("rawErrorPreview")
    match = _ANSWERED.match(preview) if isinstance(preview, str) else None
    return None if match is None else int(match[1])


_EMBEDDED = ("embedded run ",)
_COMPACTION = ("compaction",)
_COMPACTIONS = (
    ("embedded_run_compaction_start", r"embedded run (?:auto-|manual )?compaction (start): "),
    ("embedded_run_compaction_end", r"embedded run (?:auto-|manual )?compaction (?!start)(\w{1,40}): "),
)
"""The begin and the end of a compaction: complete, incomplete, …, by the name of the record and by the console's words."""

KINDS = (
    LineKind(event=AttemptStarted, markers=_EMBEDDED, pattern=r"embedded run start: ", text=_start),
    LineKind(event=RunEnded, markers=_EMBEDDED, pattern=r"embedded run done: ", text=_done),
    LineKind(event=RunTimeout, markers=_EMBEDDED, pattern=r"embedded run timeout: ", text=_run_timeout),
    LineKind(
        event=CompactionTimeout,
        markers=_EMBEDDED,
        pattern=r"embedded run timeout (?:reached during|after) compaction",
        text=_compaction,
    ),
    *(
        LineKind(
            event=RunCompaction,
            markers=_EMBEDDED,
            pattern=pattern,
            text=_own_compaction,
            name=name,
            fields=_own_compaction_fields,
        )
        for name, pattern in _COMPACTIONS
    ),
    LineKind(
        event=CompactionTimeout, markers=_COMPACTION, pattern=r"\[timeout-compaction\] ", text=_compaction
    ),
    LineKind(
        event=CompactionTimeout,
        markers=_COMPACTION,
        pattern=r"compaction retry aggregate timeout ",
        text=_compaction,
    ),
    LineKind(
        event=CompactionTimeout,
        markers=_COMPACTION,
        pattern=r"using [^\n]{1,80} snapshot: timed out during compaction",
        text=_compaction,
    ),
    LineKind(
        event=CompactionTimeout,
        markers=_COMPACTION,
        pattern=r"\[compaction-diag\] end [^\n]*\breason=\S{0,80}?time(?:d[ _]out|out)",
        text=_compaction,
    ),
    LineKind(
        event=ProfileTimedOut,
        markers=("Trying next account",),
        pattern=r"Profile (\S{1,200}) ([^\n]{0,200}?)\. Trying next account",
        text=_profile,
    ),
    LineKind(
        event=RunAborted,
        markers=(": session", *_EMBEDDED),
        pattern=r"(aborting run|abort failed|wait timeout|embedded run abort still streaming): ",
        text=_abort,
    ),
    LineKind(
        event=RunAborted,
        markers=("abort settle",),
        pattern=r"(embedded abort settle|sessions_yield abort settle) timed out: ",
        text=_abort,
    ),
    LineKind(
        event=SameModelRetry,
        markers=("idle-timeout",),
        pattern=r"\[llm-idle-timeout\] (\S{1,200}) [^\n]{0,200}retrying same model",
        text=_idle_retry,
    ),
    LineKind(
        event=SameModelRetry,
        markers=("same-model retry",),
        # `rate-limit` in 2026.7.35 and 2026.8.2, `transient` from 2026.9.1 on (read in all three)
        pattern=r"(transient|rate-limit) same-model retry (\d{1,6})/(\d{1,6}) for (\S{1,200}?)"
        r"(?: reason=([^\s:]{1,80}))?(?::? |:?$)",
        text=_counted_retry,
    ),
    LineKind(
        event=AgentEnd,
        markers=_EMBEDDED,
        pattern=r"embedded run agent end: ",
        text=_agent_end,
        name="embedded_run_agent_end",
        fields=_agent_end_fields,
    ),
)
