"""JSON objects of log lines: any object, or one of OpenClaw's records without what nothing here reads."""

from __future__ import annotations

import json
from typing import TypedDict, cast

import msgspec


class _Meta(TypedDict, total=False):
    date: object


_Tslog = TypedDict(
    "_Tslog",
    {
        "0": object,
        "1": object,
        "2": object,
        "3": object,
        "4": object,
        "5": object,
        "6": object,
        "7": object,
        "8": object,
        "9": object,
        "_meta": _Meta,
        "time": object,
        "message": object,
        "session_id": object,
        "traceId": object,
        "subsystem": object,
    },
    total=False,
)
_TSLOG = msgspec.json.Decoder(_Tslog)
"""Skips most of a line, which is faster than to build it."""


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


def decode_tslog(line: bytes | str) -> dict[str, object] | None:
    """Decode one of OpenClaw's records as far as it is read here; None for anything else. Never raises."""
    try:
        record = cast("dict[str, object]", _TSLOG.decode(line))
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
    # Beside a subsystem all fields are the record's own.
    return record if "0" in record and "subsystem" not in record else None
