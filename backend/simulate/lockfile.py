"""Session locks as 2026.4.5 takes them: exclusive creation, payload afterwards, descriptor kept open."""

from __future__ import annotations

import contextlib
import json
import os

from lockdeck.backend.simulate.clock import iso_utc


def create(path: str) -> int | None:
    """Create the lock file, still empty; return its descriptor, or None where one already stands."""
    try:
        return os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o666)
    except FileExistsError:
        return None


def write_payload(descriptor: int) -> None:
    """Write pid, createdAt and starttime of this process: 2-space JSON without a final newline."""
    payload: dict[str, object] = {"pid": os.getpid(), "createdAt": iso_utc()}
    ticks = start_ticks()
    if ticks is not None:
        payload["starttime"] = ticks
    os.write(descriptor, json.dumps(payload, indent=2).encode())


def release(path: str, descriptor: int) -> None:
    """Close and remove by path, without looking whose file it is now: 2026.4.5 does the same."""
    os.close(descriptor)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def stands(path: str) -> bool:
    """Whether anything stands at the lock's path."""
    return os.path.lexists(path)


def owner(path: str) -> int | None:
    """Return the pid that a lock's payload names; None where it is gone or half-written."""
    try:
        with open(path, "rb") as file:
            return int(json.loads(file.read(4096))["pid"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def timeout_text(path: str, timeout_ms: int) -> str:
    """Say what 2026.4.5 says to a caller who waited in vain."""
    pid = owner(path)
    return (
        f"session file locked (timeout {timeout_ms}ms): {'unknown' if pid is None else f'pid={pid}'} {path}"
    )


def start_ticks() -> int | None:
    """Return this process's start in clock ticks since boot, field 22 of /proc/self/stat; None off Linux."""
    try:
        with open("/proc/self/stat", "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[19])
    except OSError:
        return None
