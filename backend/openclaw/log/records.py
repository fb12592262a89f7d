"""What a log line carries into a record: time, message and structured fields, whatever the version's shape.

Shapes: tslog JSON with numeric keys (2026.2 to 2026.9; from 2026.4.29 with `message`, `session_id` and
`agent_id` at the top), the console in JSON, and the console form `[subsystem] message` of stderr, journal and
`gateway.log`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import final

from msgspec import UNSET, Struct, field, to_builtins

from lockdeck.backend.openclaw.log.cuts import may_be_cut, without_cuts
from lockdeck.backend.openclaw.log.framing.unwrap import Unwrapped
from lockdeck.backend.openclaw.log.objects import Record, Tslog
from lockdeck.backend.openclaw.log.values import SCAN_LIMIT, ident, value_of


@final
class Malformed(StrEnum):
    """The reason why a line that holds a marker could not be read."""

    JSON = "not a JSON object"
    TIME = "no time"
    TEXT = "words that no reader knows"


_FEW_KEYS = ("2", "1", "0")
"""The numeric keys of nearly all lines, which tslog counts from 0."""
_NUMERIC_KEYS = ("9", "8", "7", "6", "5", "4", "3", *_FEW_KEYS)


class LogRecord(Struct, frozen=True, gc=False):
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
        return ident(self.meta.get("runId")) or ident(value_of(self.message, "runId"))


def read_record(line: Unwrapped, at: float | None = None) -> LogRecord | Malformed:
    """Read what a line carries; `at` stands in for a missing time (epoch seconds)."""
    top = line.record
    if top is not None and not line.text:
        written_at = line.written_at
        if written_at is None:
            written_at = at if line.moment is None else line.moment
        if written_at is None:
            return Malformed.TIME
        return _of_tslog(top, written_at) if isinstance(top, Tslog) else _of_object(top, written_at)
    if line.broken:
        return Malformed.JSON
    moment = line.moment
    moment = at if moment is None else moment
    if moment is None:
        return Malformed.TIME
    text = line.text[:SCAN_LIMIT]
    return LogRecord(moment, without_cuts(text) if may_be_cut(text) else text, _printed_fields(line.record))


def _of_tslog(top: Tslog, written_at: float) -> LogRecord:
    one, two = top.one, top.two
    if top.three is not UNSET:
        message = _message(to_builtins(top))
    elif isinstance(two, str):
        message = two
    elif isinstance(one, str):
        message = one
    elif isinstance(top.zero, str) and not (one is not UNSET and top.zero.startswith('{"')):
        message = top.zero
    else:
        message = top.message if isinstance(top.message, str) else ""
    fields = one if isinstance(one, dict) else top.zero
    meta = fields if isinstance(fields, dict) else {}
    session_id, session_key = (None, None) if top.session_id is UNSET else _session(top.session_id)
    return LogRecord(written_at, message[:SCAN_LIMIT], meta, session_id, session_key, ident(top.trace_id))


def _of_object(top: Mapping[str, object], written_at: float) -> LogRecord:
    session_id, session_key = _session(top.get("session_id"))
    message, meta = _message(top)[:SCAN_LIMIT], _fields_of(top)
    return LogRecord(written_at, message, meta, session_id, session_key, ident(top.get("traceId")))


def _printed_fields(record: Record | None) -> Mapping[str, object]:
    """Return the fields that `openclaw logs` printed in front of a message."""
    return {} if record is None else to_builtins(record) if isinstance(record, Tslog) else record


def whole_time(line: Unwrapped) -> tuple[float, str] | None:
    """Return the whole time that a line tells (epoch seconds) and how it is written; None where it tells none."""
    if line.record is not None and line.written_at is not None:
        written = line.record.time if isinstance(line.record, Tslog) else line.record.get("time")
        return line.written_at, written if isinstance(written, str) else ""
    return None if line.moment is None else (line.moment, line.stamp)


def is_zoneless(line: Unwrapped) -> bool:
    """Return whether the time of a line is taken for one of this host's zone, since it tells none."""
    return line.zoneless and line.written_at is None


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


def _session(told: object) -> tuple[str | None, str | None]:
    """Split the top-level `session_id`, which holds the session key where the line had no id."""
    value = ident(told)
    if value is not None and value.startswith("agent:"):
        return None, value
    return value, None
