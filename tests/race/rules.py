"""How OpenClaw takes, reclaims and lets go of a session lock, written after its code, for acquirers in Python.

`legacy` is 2026.3.13 to 2026.5.7 (reclaims and releases by path), `modern` 2026.5.18 to 2026.7.35 (compares
inode and bytes, then deletes), `patient` a legacy process that takes every lock for a live one (a reused pid
without a start time, a leaked lock of a live pid): it never reclaims; `patient, modern` likewise.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from lockdeck.backend.system import processes, procfs
from lockdeck.backend.system.processes import Liveness


@dataclass(frozen=True)
class Hold:
    """A lock that we have: its open descriptor and the bytes written into it."""

    fd: int
    raw: bytes


@dataclass(frozen=True)
class Rules:
    """One era's way of reclaiming and of letting go."""

    name: str
    reclaim: Callable[[str], None]
    remove: Callable[[str, Hold, os.stat_result], None]


def try_to_acquire(path: str, rules: Rules) -> Hold | None:
    """Try once: create the lock, or reclaim a stale one so that a later try succeeds. OSError as OpenClaw throws."""
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    except FileExistsError:
        rules.reclaim(path)
        return None
    raw = json.dumps(_payload(), indent=2).encode()
    os.write(fd, raw)
    return Hold(fd, raw)


def let_go(path: str, hold: Hold, rules: Rules) -> None:
    """Release as OpenClaw does: close, then remove the lock from its path."""
    made = os.fstat(hold.fd)
    os.close(hold.fd)
    rules.remove(path, hold, made)


def _payload() -> dict[str, object]:
    pid = os.getpid()
    stat = procfs.read_stat(pid)
    assert stat is not None
    created = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"pid": pid, "createdAt": created, "starttime": stat.start_ticks}


def _is_stale(raw: bytes | None, check_owner: bool) -> bool:
    """dead-pid, recycled-pid, and from 2026.5.18 non-openclaw-owner; no payload is young here, so it waits."""
    try:
        payload = json.loads(raw or b"")
    except ValueError:
        return False
    look = processes.look(payload["pid"])
    if look.liveness is not Liveness.ALIVE or look.identity is None:
        return True
    if payload.get("starttime") not in (None, look.identity.start_ticks):
        return True
    # A process that is just ending has no argv any more: not readable, so no reason.
    argv = look.identity.argv
    return check_owner and bool(argv) and "openclaw" not in argv


def _reclaim_by_path(path: str) -> None:
    try:
        with open(path, "rb") as source:
            raw = source.read()
    except OSError:
        return
    if _is_stale(raw, check_owner=False):
        _remove_forced(path)


def _reclaim_if_unchanged(path: str) -> None:
    seen = _snapshot(path)
    if seen is None or not _is_stale(seen[2], check_owner=True):
        return
    if _snapshot(path) == seen:
        _remove_forced(path)


def _remove_by_path(path: str, hold: Hold, made: os.stat_result) -> None:
    with suppress(OSError):  # OpenClaw swallows it too
        _remove_forced(path)


def _remove_if_unchanged(path: str, hold: Hold, made: os.stat_result) -> None:
    with suppress(OSError):
        if _snapshot(path) == (made.st_dev, made.st_ino, hold.raw):
            _remove_forced(path)


def _snapshot(path: str) -> tuple[int, int, bytes] | None:
    """lstat, then read; a directory at the path raises, as fs-safe 0.4.1 does."""
    try:
        found = os.lstat(path)
        with open(path, "rb") as source:
            return (found.st_dev, found.st_ino, source.read())
    except FileNotFoundError:
        return None


def _remove_forced(path: str) -> None:
    """fs.rm(path, {force: true}): a missing file is no error, a directory is."""
    with suppress(FileNotFoundError):
        os.unlink(path)


def _wait(path: str) -> None:
    """Take every lock for a live one."""


def _look_and_wait(path: str) -> None:
    """Take every lock for a live one, but read it; a directory at the path raises."""
    _snapshot(path)


LEGACY = Rules("legacy", _reclaim_by_path, _remove_by_path)
MODERN = Rules("modern", _reclaim_if_unchanged, _remove_if_unchanged)
PATIENT_MODERN = Rules("patient, modern", _look_and_wait, _remove_if_unchanged)
PATIENT = Rules("patient", _wait, _remove_by_path)
