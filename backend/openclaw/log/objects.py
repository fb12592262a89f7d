"""JSON objects of log lines: any object, or one of OpenClaw's records without what nothing here reads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

import msgspec
from msgspec import UNSET, Struct, UnsetType, field

from lockdeck.backend.openclaw.log.values import clock, epoch


class _Meta(Struct, gc=False):
    date: datetime | None = None


class Tslog(Struct, gc=False):
    """One of OpenClaw's records as far as it is read here: the rest of it, most of a line, is skipped and never built.

    `zero`, `one`, … are its numeric keys. What is not there is `UNSET`.
    """

    zero: object = field(name="0")
    one: object = field(name="1", default=UNSET)
    two: object = field(name="2", default=UNSET)
    three: object = field(name="3", default=UNSET)
    four: object = field(name="4", default=UNSET)
    five: object = field(name="5", default=UNSET)
    six: object = field(name="6", default=UNSET)
    seven: object = field(name="7", default=UNSET)
    eight: object = field(name="8", default=UNSET)
    nine: object = field(name="9", default=UNSET)
    meta: _Meta | UnsetType = field(name="_meta", default=UNSET)
    time: object = UNSET
    message: object = UNSET
    session_id: object = UNSET
    trace_id: object = field(name="traceId", default=UNSET)
    subsystem: object = UNSET


Record = Mapping[str, object] | Tslog
_TSLOG = msgspec.json.Decoder(Tslog)


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


def decode_tslog(line: bytes | str) -> Tslog | None:
    """Decode one of OpenClaw's records as far as it is read here; None for anything else. Never raises."""
    try:
        record = _TSLOG.decode(line)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
    # Beside a subsystem all fields are the record's own.
    return record if record.subsystem is UNSET else None


def time_of(record: Record) -> float | None:
    """Return when one of OpenClaw's records says that it was written (epoch seconds), None where it doesn't."""
    if isinstance(record, Tslog):
        date = record.meta.date if record.meta is not UNSET else None
        written_at = None if date is None else epoch(date)
        return clock(record.time) if written_at is None else written_at
    meta = record.get("_meta")
    told = meta.get("date") if isinstance(meta, dict) else None
    written_at = None if told is None else clock(told)
    return written_at if written_at is not None else clock(record.get("time"))
