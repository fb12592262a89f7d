"""Lines about gateways that were refused at their start.

The final line goes through OpenClaw's console into the JSON log as well, followed by advice on further lines.
Read in 2026.4.5, 2026.7.35 and 2026.9.6.
"""

from __future__ import annotations

import re

from lockdeck.backend.model.runs.events import GatewayRefused
from lockdeck.backend.openclaw.log.kinds.table import LineKind, TextReader
from lockdeck.backend.openclaw.log.records import LogRecord
from lockdeck.backend.openclaw.log.values import ident, number, shown

MAX_PID = 1 << 31


def _by_lock(record: LogRecord, match: re.Match[str]) -> GatewayRefused:
    return GatewayRefused(record.at, _pid(match[1]), number(match[2]))


def _by_writer(record: LogRecord, match: re.Match[str]) -> GatewayRefused:
    role = "agent-embedded" if match[1] is None else ident(match[1])
    return GatewayRefused(record.at, _pid(match[2]), number(match[3]), role=role)


def _by_port(record: LogRecord, match: re.Match[str]) -> GatewayRefused | None:
    port = number(match[1])
    return GatewayRefused(record.at, port=port) if port is not None and 0 < port < 65536 else None


def _by_unnamed(record: LogRecord, match: re.Match[str]) -> GatewayRefused:
    return GatewayRefused(record.at, waited_ms=number(match[1]) if match.lastindex else None)


def _for_reason(record: LogRecord, match: re.Match[str]) -> GatewayRefused:
    return GatewayRefused(record.at, reason=shown(match[1]))


def _waits(record: LogRecord, _match: re.Match[str]) -> GatewayRefused:
    return GatewayRefused(record.at, waiting=True)


def _pid(word: str | None) -> int | None:
    pid = number(word)
    return pid if pid is not None and 0 < pid < MAX_PID else None


def _kind(text: TextReader, pattern: str, *markers: str) -> LineKind:
    return LineKind(event=GatewayRefused, markers=markers, pattern=pattern, text=text)


_FAILED = "failed to start: "
_LISTENING = "instance is already listening"
_RUNNING = "gateway already running"
_LIFECYCLE = "gateway-lifecycle ownership"
_BEGIN = (
    r"(?:Gateway failed to start: |failed to reacquire gateway lock for in-process restart: )?"
    r"(?:\w{0,40}GatewayLockError: )?"
)
_END = r"(?: \(pid (\d{1,10})\))?; lock timeout after (\d{1,15})ms"
_SUPERVISED = rf"(?:{_RUNNING}|{_LIFECYCLE} held by another OpenClaw process) under [^\n;]{{1,60}}"

KINDS = (
    _kind(_by_lock, _BEGIN + _RUNNING + _END, _RUNNING),
    _kind(
        _by_writer,
        rf"{_BEGIN}(?:another embedded OpenClaw state writer is active|"
        rf"state directory is locked by ([a-z-]{{1,40}})){_END}",
        _FAILED,
    ),
    _kind(
        _by_port,
        rf"{_BEGIN}another \w{{1,40}} instance is already listening on \w{{2,5}}://[^\s/]{{1,200}}:(\d{{1,5}})\b",
        _LISTENING,
    ),
    _kind(
        _by_unnamed,
        r"Gateway failed to start: [^\n]{0,200}?another OpenClaw process owns gateway-lifecycle",
        _FAILED,
    ),
    _kind(
        _by_unnamed,
        rf"{_BEGIN}failed to acquire gateway state ownership(?:; waited (\d{{1,15}})ms for {_LIFECYCLE})?",
        _FAILED,
        _LIFECYCLE,
    ),
    _kind(
        _by_unnamed,
        rf"{_BEGIN}{_RUNNING} under [^\n;]{{1,60}}; existing gateway"
        r" (?:is healthy|did not become healthy after (\d{1,15})ms)",
        _RUNNING,
    ),
    _kind(_waits, rf"waiting for {_LIFECYCLE} held by another OpenClaw process", _LIFECYCLE),
    _kind(_waits, _SUPERVISED + r"; waiting \d{1,15}ms before retrying startup", _RUNNING, _LIFECYCLE),
    # A reason that is none of these is told in the line's own words (openclaw#152839: ENOSYS of openat2).
    _kind(_for_reason, r"Gateway failed to start: (\S[^\n]{0,4000})", _FAILED),
)
