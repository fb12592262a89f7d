"""What a log line carries into a record: time, message and structured fields, whatever the version's shape.

Shapes: tslog JSON with numeric keys (2026.2 to 2026.9; from 2026.4.29 with `message`, `session_id` and
`agent_id` at the top), the console in JSON, and the console form `[subsystem] message` of stderr, journal and
`gateway.log`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct, field

from lockdeck.backend.openclaw.log.framing.unwrap import Unwrapped
from lockdeck.backend.openclaw.log.values import SCAN_LIMIT, clock, ident, key_values


class Malformed(StrEnum):
    """The reason why a line that holds a marker could not be read."""

    JSON = "not a JSON object"
    TIME = "no time"


_FEW_KEYS = ("2", "1", "0")
"""The numeric keys of nearly all lines, which tslog counts from 0."""
_NUMERIC_KEYS = ("9", "8", "7", "6", "5", "4", "3", *_FEW_KEYS)


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


def read_record(line: Unwrapped, at: float | None = None) -> LogRecord | Malformed:
    """Read what a line carries; `at` stands in for a missing time (epoch seconds)."""
    if line.record is not None and not line.text:
        return _from_json(line.record, line, at)
    if line.broken:
        return Malformed.JSON
    moment = line.moment
    moment = at if moment is None else moment
    if moment is None:
        return Malformed.TIME
    return LogRecord(moment, line.text[:SCAN_LIMIT], line.record or {})


def _from_json(top: Mapping[str, object], line: Unwrapped, at: float | None) -> LogRecord | Malformed:
    written_at = _own_time(top)
    if written_at is None:
        written_at = at if line.moment is None else line.moment
    if written_at is None:
        return Malformed.TIME
    message, trace_id = _message(top)[:SCAN_LIMIT], ident(top.get("traceId"))
    if "session_id" not in top:
        return LogRecord(written_at, message, _fields_of(top), None, None, trace_id)
    return LogRecord(written_at, message, _fields_of(top), *_top_session(top), trace_id)


def whole_time(line: Unwrapped) -> tuple[float, str] | None:
    """Return the whole time that a line tells (epoch seconds) and how it is written; None where it tells none."""
    own = _own_time(line.record) if line.record is not None else None
    if line.record is not None and own is not None:
        written = line.record.get("time")
        return own, written if isinstance(written, str) else ""
    return None if line.moment is None else (line.moment, line.stamp)


def is_zoneless(line: Unwrapped) -> bool:
    """Return whether the time of a line is taken for one of this host's zone, since it tells none."""
    return line.zoneless and (line.record is None or _own_time(line.record) is None)


def _own_time(top: Mapping[str, object]) -> float | None:
    meta = top.get("_meta")
    written_at = clock(meta.get("date")) if isinstance(meta, dict) else None
    return written_at if written_at is not None else clock(top.get("time"))


def _message(top: Mapping[str, object]) -> str:
    """Return the last string among the numeric keys, else the top-level `message` (from 2026.4.29)."""
    for key in _NUMERIC_KEYS if "3" in top else _FEW_KEYS:
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
    return top if "subsystem" in top else {}  # the console in JSON puts the fields beside the message


def _top_session(top: Mapping[str, object]) -> tuple[str | None, str | None]:
    """Split the top-level `session_id`, which holds the session key where the line had no id."""
    value = ident(top.get("session_id"))
    if value is not None and value.startswith("agent:"):
        return None, value
    return value, None
