"""JSON objects in which other programs carry a line of OpenClaw's: one table, opened one inside the other."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from lockdeck.backend.openclaw.log.framing.stamps import read_stamp

JsonObject = Mapping[str, object]


class Envelope(Struct, frozen=True):
    """One kind of envelope: the field that names it, the field that carries the line, the fields that may tell when.

    `mark` must be there; it may be the same field as `line`.
    """

    name: str
    mark: str
    line: str
    times: tuple[str, ...] = ()


ENVELOPES = (
    Envelope("docker json-file", "log", "log", ("time", "timestamp", "@timestamp")),
    Envelope(
        "journal json",
        "MESSAGE",
        "MESSAGE",
        ("_SOURCE_REALTIME_TIMESTAMP", "__REALTIME_TIMESTAMP"),
    ),
    Envelope("openclaw logs --json", "raw", "raw", ("time",)),
    Envelope("stern json", "podName", "message"),
    Envelope("pm2 json", "app_name", "message", ("timestamp",)),
    Envelope("loki", "line", "line", ("timestamp", "ts")),
    Envelope("cloud logging", "textPayload", "textPayload", ("timestamp",)),
    Envelope("vector", "source_type", "message", ("timestamp",)),
)
"""In the order in which they are tried."""


class Opened(Struct, frozen=True):
    """What an envelope carries: the line, and when it says that the line was written (epoch seconds)."""

    line: str
    at: float | None


def is_own(record: JsonObject) -> bool:
    """Return whether a JSON object is a record that OpenClaw itself writes: tslog's, or its console's in JSON."""
    return (
        "_meta" in record
        or "0" in record
        or ("subsystem" in record and "level" in record and "raw" not in record)
    )


def open_envelope(record: JsonObject) -> Opened | None:
    """Open one envelope, None for an object that is none."""
    if is_own(record):
        return None
    for kind in ENVELOPES:
        if kind.mark in record:
            line = message_text(record.get(kind.line))
            if line is not None:
                at = next(
                    (moment for name in kind.times if (moment := _moment(record.get(name))) is not None), None
                )
                return Opened(line, at)
    return None


def message_text(value: object) -> str | None:
    """Read a carried line; journald writes one that is no plain text as a list of bytes."""
    if isinstance(value, str):
        return value.rstrip("\r\n")
    if isinstance(value, list) and all(isinstance(byte, int) and 0 <= byte < 256 for byte in value):
        return bytes(value).decode("utf-8", "replace").rstrip("\r\n")
    return None


def _moment(value: object) -> float | None:
    if isinstance(value, str):
        if value.isdigit() and 15 <= len(value) <= 17:  # journald counts microseconds
            return int(value) / 1_000_000
        return read_stamp(value)
    return None
