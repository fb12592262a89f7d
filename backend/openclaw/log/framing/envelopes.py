"""JSON objects in which other programs carry a line of OpenClaw's: one table, opened one inside the other."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import msgspec
from msgspec import Struct

from lockdeck.backend.openclaw.log.framing.stamps import read_stamp
from lockdeck.backend.openclaw.log.objects import Record, Tslog

JsonObject = Mapping[str, object]


class Envelope(Struct, frozen=True):
    """One kind of envelope: the field that names it, the field that carries the line, the fields that may tell when.

    `mark` must be there; it may be the same field as `line`. `origins` are fields that name who wrote the line, each
    with those that stand in where it is not there: `a.b` is the field `b` of the object `a`.
    """

    name: str
    mark: str
    line: str
    times: tuple[str, ...] = ()
    origins: tuple[tuple[str, ...], ...] = ()

    @property
    def parents(self) -> tuple[str, ...]:
        """The fields of the envelope in which its origins stand."""
        return tuple(dict.fromkeys(field.partition(".")[0] for origin in self.origins for field in origin))


_POD = (
    ("kubernetes.namespace_name",),
    ("kubernetes.pod_name", "kubernetes.host"),
    ("kubernetes.container_name",),
)
_LABELS = (("labels.namespace",), ("labels.pod", "labels.host", "labels.instance"), ("labels.container",))
ENVELOPES = (
    Envelope(
        "docker json-file",
        "log",
        "log",
        ("time", "timestamp", "@timestamp"),
        (*_POD, ("container_name", "container_id", "attrs.tag")),
    ),
    Envelope(
        "journal json",
        "MESSAGE",
        "MESSAGE",
        ("_SOURCE_REALTIME_TIMESTAMP", "__REALTIME_TIMESTAMP"),
        (("_HOSTNAME",), ("CONTAINER_NAME", "_SYSTEMD_USER_UNIT", "_SYSTEMD_UNIT", "SYSLOG_IDENTIFIER")),
    ),
    Envelope("openclaw logs --json", "raw", "raw", ("time",)),
    Envelope("stern json", "podName", "message", (), (("namespace",), ("podName",), ("containerName",))),
    Envelope("pm2 json", "app_name", "message", ("timestamp",), (("process_id",), ("app_name",))),
    Envelope("loki", "line", "line", ("timestamp", "ts"), _LABELS),
    Envelope(
        "cloud logging",
        "textPayload",
        "textPayload",
        ("timestamp",),
        (
            ("resource.labels.namespace_name",),
            ("resource.labels.pod_name", "resource.labels.instance_id", "resource.labels.revision_name"),
            ("resource.labels.container_name",),
        ),
    ),
    Envelope(
        "vector",
        "source_type",
        "message",
        ("timestamp",),
        (
            ("host",),
            ("kubernetes.pod_name",),
            ("kubernetes.container_name", "container_name", "container_id"),
        ),
    ),
)
"""In the order in which they are tried."""


ORIGIN_FIELDS = frozenset(
    field for kind in ENVELOPES for origin in kind.origins for field in origin if "." not in field
)
"""The fields of envelopes that name who wrote a line."""
_PARENTS_OF = {kind.name: kind.parents for kind in ENVELOPES}
_PARENTS = frozenset(field for parents in _PARENTS_OF.values() for field in parents)
_KINDS = {kind.name: kind for kind in ENVELOPES}
_PLAIN = {str, type(None)}
_MOST_NAME = 200
_DOCKER_BEGIN = b'{"log":'


class _DockerLine(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    log: str
    stream: object
    time: object


_DOCKER = msgspec.json.Decoder(_DockerLine)


class Opened(Struct, frozen=True, gc=False):
    """What an envelope carries: the line, and what it writes of when that was written, in the order of trust.

    `origins` name who wrote the line, where it tells: one name, or none.
    """

    line: str
    times: tuple[object, ...] = ()
    origins: tuple[str, ...] = ()

    @property
    def at(self) -> float | None:
        """When the envelope says that the line was written (epoch seconds). Read when it is asked for: few lines need it."""
        return next((moment for time in self.times if (moment := _moment(time)) is not None), None)


def is_own(record: Record) -> bool:
    """Return whether a JSON object is a record that OpenClaw itself writes: tslog's, or its console's in JSON."""
    return (
        isinstance(record, Tslog)
        or "_meta" in record
        or "0" in record
        or ("subsystem" in record and "level" in record and "raw" not in record)
    )


def open_envelope(record: Record) -> Opened | None:
    """Open one envelope, None for an object that is none."""
    if isinstance(record, Tslog) or is_own(record):
        return None
    for kind in ENVELOPES:
        if kind.mark in record:
            line = message_text(record.get(kind.line))
            if line is not None:
                times = tuple(map(record.get, kind.times))
                if _PARENTS.isdisjoint(record):
                    return Opened(line, times)
                return Opened(line, times, _origins(kind, record))
    return None


def open_docker(line: bytes) -> Opened | None:
    """Open a line of docker's json-file, most of all envelopes; None for one with further fields, which the table knows too."""
    if not line.startswith(_DOCKER_BEGIN):
        return None
    try:
        record = _DOCKER.decode(line)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
    return Opened(record.log, (record.time,))


def _origins(kind: Envelope, record: JsonObject) -> tuple[str, ...]:
    """Return who wrote the line, as one name."""
    told = tuple(map(record.get, _PARENTS_OF[kind.name]))
    if set(map(type, told)) <= _PLAIN:
        return _remembered(kind.name, told)
    return _read_origins(kind, record)


@lru_cache(256)  # few write a log, and long names are their own
def _remembered(name: str, told: tuple[object, ...]) -> tuple[str, ...]:
    return _read_origins(_KINDS[name], dict(zip(_PARENTS_OF[name], told, strict=True)))


def _read_origins(kind: Envelope, record: JsonObject) -> tuple[str, ...]:
    parts = (
        next((name for field in fields if (name := _name(record, field))), None) for fields in kind.origins
    )
    name = "/".join(part for part in parts if part)
    return (name,) if name else ()


def _name(record: JsonObject, field: str) -> str:
    value: object = record
    for key in field.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)[:_MOST_NAME]
    return value.strip("/ ")[:_MOST_NAME] if isinstance(value, str) else ""


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
