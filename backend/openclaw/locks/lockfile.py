"""One lock file: what stands at its path and what its payload says."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from lockdeck.backend.model.locks import (
    LockIdentity,
    LockKind,
    LockPayload,
    LockRecord,
    PayloadState,
    Presence,
)
from lockdeck.backend.model.pattern import late_pattern
from lockdeck.backend.openclaw.files import FileRead, read_regular
from lockdeck.backend.system.text import safe

CAP_BYTES = 8192
"""Real payloads have about 100 bytes, those of a gateway a path or two more; what is larger is not read as one."""
GREATEST_EXACT = 2**53
"""Above this a JavaScript number is no longer a whole number that means itself."""
STAND_IN = "lockdeck"
"""The payload key that tells the lock of a stand-in of ours from every other; OpenClaw ignores it."""
CUT_OFF_S = 60.0
"""A work folder of a release of ours that stands for so long (seconds) was left by one that was cut off: a stand-in
keeps a name for half of that at most."""
_WORK_FOLDER = late_pattern(r"\.lockdeck-[0-9a-f]{12}")
_ACTION = late_pattern(r"[0-9a-f]{1,40}")
_ROLE = late_pattern(r"[a-z][a-z0-9-]{0,39}")

Parsed = tuple[LockPayload | None, PayloadState, str | None]


def read_lock(path: str, root: str, agent: str | None, kind: LockKind) -> LockRecord:
    """Look once at the lock at `path`. Never raises, never blocks, never follows a link.

    Where the file could not be read completely, `identity` carries what was seen of it, so that its
    holder can still be looked for; `presence` is then not FILE and nothing may be released.
    """
    content = read_regular(path, CAP_BYTES)
    payload, state, problem = (
        parse_payload(content.raw)
        if content.presence is Presence.FILE
        else (None, PayloadState.INVALID, content.problem)
    )
    status = content.stat
    return LockRecord(
        path=path,
        root=root,
        agent=agent,
        kind=kind,
        presence=content.presence,
        identity=_identity(content),
        payload=payload,
        payload_state=state,
        problem=problem,
        mtime=None if status is None else status.st_mtime_ns / 1e9,
        uid=None if status is None else status.st_uid,
        nlink=1 if status is None else status.st_nlink,
    )


def work_folder_name(action: str) -> str:
    """Return the name of the folder that a release of ours has in the sessions directory while it works."""
    return f".lockdeck-{action}"


def work_folders_among(directory: str, names: Iterable[str]) -> list[str]:
    """Return the paths of such folders among the names in `directory`, sorted."""
    return sorted(os.path.join(directory, name) for name in names if _WORK_FOLDER.fullmatch(name))


def cut_off(folder: str, now: float) -> bool:
    """Return whether the release that made this folder has done nothing in it for `CUT_OFF_S`."""
    try:
        return now - os.lstat(folder).st_mtime >= CUT_OFF_S
    except OSError:
        return False


def cut_off_sentence(folder: str) -> str:
    """Say what a release that was cut off means, and the way out."""
    return (
        f"{safe(folder)} is left from a release by lockdeck that was cut off: a lock may lie in it or be hidden by it; "
        "`lockdeck journal`, as the user who released, puts it right"
    )


def stands_in(record: LockRecord) -> bool:
    """Return whether this lock is a stand-in of lockdeck's own, in a release that is under way."""
    action = record.payload.stand_in if record.payload else None
    return action is not None and os.path.isdir(
        os.path.join(os.path.dirname(record.path), work_folder_name(action))
    )


def parse_payload(raw: bytes) -> Parsed:
    """Say what the bytes of a lock mean: payload, state, and in words why there is no payload.

    Keys are judged one by one and unknown keys ignored, as OpenClaw's own reader does (2026.3.13 and
    later): `pid` a whole number above 0, `starttime` a whole number of clock ticks, `maxHoldMs` above 0,
    `createdAt` an ISO 8601 time. `startedAt` (epoch ms) is the word of the store lock of 2026.2.9,
    `startTime`, `port` and `role` those of the gateway's lock. Without a valid pid there is no payload.
    Never raises.
    """
    if not raw.strip():
        return None, PayloadState.EMPTY, "the payload is empty"
    try:
        value = msgspec.json.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return _undecodable(raw, error)
    if not isinstance(value, dict):
        return None, PayloadState.INVALID, "the payload is JSON but not an object"
    pid = whole_number(value.get("pid"), 1)
    if pid is None:
        return None, PayloadState.INVALID, "the payload names no valid pid"
    start = whole_number(value.get("starttime"), 0)
    port = whole_number(value.get("port"), 1)
    payload = LockPayload(
        pid=pid,
        created_at=_created_at(value),
        starttime=whole_number(value.get("startTime"), 0) if start is None else start,
        max_hold_ms=whole_number(value.get("maxHoldMs"), 1),
        port=port if port is not None and port < 65536 else None,
        role=role_of(value),
        stand_in=_action_of(value),
    )
    return payload, PayloadState.VALID, None


def role_of(value: Mapping[str, Any]) -> str | None:
    """Return what the owner of a gateway lock says it is; None for a gateway, which mostly says nothing."""
    role = value.get("role", "gateway")
    if role == "gateway":
        return None
    return role if isinstance(role, str) and _ROLE.fullmatch(role) else "something unknown"


def _action_of(value: Mapping[str, Any]) -> str | None:
    """Return the release of lockdeck's own that this lock stands in for; None for OpenClaw's locks."""
    action = value.get(STAND_IN)
    return action if isinstance(action, str) and _ACTION.fullmatch(action) else None


def whole_number(value: Any, minimum: int) -> int | None:
    """Return `value` as an int when it is a whole JSON number of at least `minimum`, else None."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # JavaScript knows no difference between 4711 and 4711.0
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if minimum <= value <= GREATEST_EXACT else None


def epoch_of(text: Any) -> float | None:
    """Return an ISO 8601 time with a zone as epoch seconds; None for anything else."""
    if not isinstance(text, str) or len(text) > 40:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if moment.tzinfo is None else moment.timestamp()


def _created_at(value: dict[str, Any]) -> float | None:
    created = epoch_of(value.get("createdAt"))
    if created is not None:
        return created
    started_ms = whole_number(value.get("startedAt"), 1)
    return None if started_ms is None else started_ms / 1000


def _undecodable(raw: bytes, error: Exception) -> Parsed:
    """Tell a payload that is still being written from one that is no payload at all."""
    if raw.lstrip().startswith(b"{") and "truncated" in str(error):
        return None, PayloadState.HALF_WRITTEN, f"the payload is half-written ({len(raw)} bytes)"
    return None, PayloadState.INVALID, "the payload is not JSON"


def _identity(content: FileRead) -> LockIdentity | None:
    status: os.stat_result | None = content.stat
    if status is None or content.presence is Presence.IRREGULAR:
        return None
    return LockIdentity.of(status.st_dev, status.st_ino, status.st_ctime_ns, content.raw)
