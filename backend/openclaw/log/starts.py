"""What the log says of gateways that were refused at their start, as typed events.

The final line goes through OpenClaw's console into the JSON log as well, followed by advice on further lines.
Read in 2026.4.5, 2026.7.35 and 2026.9.6.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from lockdeck.backend.model.runs.events import Event, GatewayRefused
from lockdeck.backend.openclaw.log.records import LogRecord
from lockdeck.backend.openclaw.log.values import ident, number

MOST_PID = 1 << 31


def _by_lock(record: LogRecord, found: re.Match[str]) -> Event | None:
    return GatewayRefused(record.at, _pid(found[1]), number(found[2]))


def _by_other(record: LogRecord, found: re.Match[str]) -> Event | None:
    role = "agent-embedded" if found[1] is None else ident(found[1])
    return GatewayRefused(record.at, _pid(found[2]), number(found[3]), role=role)


def _by_port(record: LogRecord, found: re.Match[str]) -> Event | None:
    port = number(found[1])
    return GatewayRefused(record.at, port=port) if port is not None and 0 < port < 65536 else None


def _unnamed(record: LogRecord, found: re.Match[str]) -> Event | None:
    return GatewayRefused(record.at, waited_ms=number(found[1]) if found.lastindex else None)


def _waits(record: LogRecord, _found: re.Match[str]) -> Event | None:
    return GatewayRefused(record.at, waiting=True)


def _pid(word: str | None) -> int | None:
    pid = number(word)
    return pid if pid is not None and 0 < pid < MOST_PID else None


_BEGIN = (
    r"(?:Gateway failed to start: |failed to reacquire gateway lock for in-process restart: )?"
    r"(?:\w{0,40}GatewayLockError: )?"
)
_END = r"(?: \(pid (\d{1,10})\))?; lock timeout after (\d{1,15})ms"
_SUPERVISED = (
    r"(?:gateway already running|gateway-lifecycle ownership held by another OpenClaw process)"
    r" under [^\n;]{1,60}"
)

RULES: tuple[tuple[str, Callable[[LogRecord, re.Match[str]], Event | None]], ...] = (
    (_BEGIN + r"gateway already running" + _END, _by_lock),
    (
        _BEGIN
        + r"(?:another embedded OpenClaw state writer is active|state directory is locked by ([a-z-]{1,40}))"
        + _END,
        _by_other,
    ),
    (
        _BEGIN + r"another \w{1,40} instance is already listening on \w{2,5}://[^\s/]{1,200}:(\d{1,5})\b",
        _by_port,
    ),
    (r"Gateway failed to start: [^\n]{0,200}?another OpenClaw process owns gateway-lifecycle", _unnamed),
    (
        _BEGIN
        + r"failed to acquire gateway state ownership(?:; waited (\d{1,15})ms for gateway-lifecycle ownership)?",
        _unnamed,
    ),
    (
        _BEGIN + r"gateway already running under [^\n;]{1,60}; existing gateway"
        r" (?:is healthy|did not become healthy after (\d{1,15})ms)",
        _unnamed,
    ),
    (r"waiting for gateway-lifecycle ownership held by another OpenClaw process", _waits),
    (_SUPERVISED + r"; waiting \d{1,15}ms before retrying startup", _waits),
)
