"""One log line into a record: time, message and structured fields, whatever the version's shape.

Shapes: tslog JSON with numeric keys (2026.2 to 2026.9; from 2026.4.29 with `message`, `session_id` and
`agent_id` at the top), and the console form `<time> [subsystem] message` of stderr, journal and
`gateway.log`, with or without a time and a syslog prefix.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from enum import StrEnum

import msgspec
from msgspec import Struct, field

from lockdeck.backend.openclaw.log.values import SCAN_LIMIT, TIME, clock, ident, key_values


class Malformed(StrEnum):
    """The reason why a line that holds a marker could not be read."""

    JSON = "not a JSON object"
    TIME = "no time"


_NUMERIC_KEYS = ("9", "8", "7", "6", "5", "4", "3", "2", "1", "0")
_ANSI = re.compile(r"\x1b\[[0-9;]{0,16}m")
_PREFIX = re.compile(
    r"(?:[\w.-]{1,60} {1,20}\| )?"  # docker compose: `gateway-1  | `
    rf"(?:(?:\w{{3}} [ \d]\d \d\d:\d\d:\d\d|({TIME})) \S{{1,80}} \S{{1,80}}: )?"  # journal or syslog
    rf"(?:({TIME})|\d\d:\d\d:\d\d)? {{0,4}}"  # what OpenClaw's console writes, a bare clock on a terminal
)


class LogRecord(Struct, frozen=True):
    """A line in one shape. `meta` holds the structured fields; empty for text lines.

    `trace_id` is the same for all lines of one run (seen on 2026.7.35 and 2026.9.6).
    """

    at: float
    message: str
    meta: Mapping[str, object] = field(default_factory=dict)
    session_id: str | None = None
    session_key: str | None = None
    trace_id: str | None = None

    @property
    def run_id(self) -> str | None:
        """The run that its fields or its message name."""
        return ident(self.meta.get("runId")) or ident(key_values(self.message).get("runId"))


def read_record(line: bytes, at: float | None = None) -> LogRecord | Malformed:
    """Read one line without its newline; `at` stands in for a missing time (epoch seconds)."""
    stripped = line.strip()
    if stripped.startswith(b"{"):
        return _from_json(stripped, at)
    return _from_console(stripped.decode("utf-8", "replace"), at)


def decode_object(line: bytes) -> dict[str, object] | None:
    """Decode one JSON object; None for anything else. Never raises."""
    try:
        value = msgspec.json.decode(line)
    except (msgspec.DecodeError, ValueError, RecursionError):
        # JavaScript writes half an emoji as a lone surrogate escape when it cuts a preview, and two writers
        # can tear a character: only the standard library, given text, reads on.
        try:
            value = json.loads(line.decode("utf-8", "replace"))
        except (ValueError, RecursionError):
            return None
    return value if isinstance(value, dict) else None


def _from_json(line: bytes, at: float | None) -> LogRecord | Malformed:
    top = decode_object(line)
    if top is None:
        return Malformed.JSON
    meta = top.get("_meta")
    written_at = clock(meta.get("date")) if isinstance(meta, dict) else None
    written_at = written_at if written_at is not None else clock(top.get("time"))
    written_at = written_at if written_at is not None else at
    if written_at is None:
        return Malformed.TIME
    session_id, session_key = _top_session(top)
    trace_id = ident(top.get("traceId"))
    return LogRecord(
        written_at, _message(top)[:SCAN_LIMIT], _fields_of(top), session_id, session_key, trace_id
    )


def _message(top: Mapping[str, object]) -> str:
    """Return the last string among the numeric keys, else the top-level `message` (from 2026.4.29)."""
    # Nearly all lines have two or three of them, which tslog counts from 0.
    for key in _NUMERIC_KEYS if "3" in top else _NUMERIC_KEYS[-3:]:
        value = top.get(key)
        if isinstance(value, str) and not (key == "0" and "1" in top and value.startswith('{"')):
            return value
    value = top.get("message")
    return value if isinstance(value, str) else ""


def _fields_of(top: Mapping[str, object]) -> Mapping[str, object]:
    for key in ("1", "0"):
        value = top.get(key)
        if isinstance(value, dict):
            return value
    return {}


def _top_session(top: Mapping[str, object]) -> tuple[str | None, str | None]:
    """Split the top-level `session_id`, which holds the session key where the line had no id."""
    value = ident(top.get("session_id"))
    if value is not None and value.startswith("agent:"):
        return None, value
    return value, None


def _from_console(text: str, at: float | None) -> LogRecord | Malformed:
    plain = _ANSI.sub("", text[: SCAN_LIMIT + 200])
    prefix = _PREFIX.match(plain)
    journal, console = prefix.groups() if prefix else (None, None)
    written_at = clock(console) if console else None
    written_at = written_at if written_at is not None else clock(journal)
    written_at = written_at if written_at is not None else at
    if written_at is None:
        return Malformed.TIME
    return LogRecord(written_at, plain[prefix.end() if prefix else 0 :][:SCAN_LIMIT])
