"""What happens at a lock's name after its release: who takes it next, and whether the transcript is untouched."""

from __future__ import annotations

import os
from collections.abc import Callable

from lockdeck.backend.actions.release.records import After
from lockdeck.backend.model.locks import LockKind
from lockdeck.backend.openclaw.locks.lockfile import read_lock
from lockdeck.backend.openclaw.roots.place import Place
from lockdeck.backend.system import processes

POLL_S = 0.02

Trace = tuple[int, int, int, int] | None
"""Device, inode, size and mtime_ns of a transcript; None when there is none."""


def trace(path: str) -> Trace:
    """Note what a transcript looks like."""
    try:
        found = os.stat(path, follow_symlinks=False)
    except OSError:
        return None
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


def compare(before: Trace, after: Trace) -> str:
    """Name what happened to a transcript between two traces."""
    if before is None:
        return "absent" if after is None else "appeared"
    if after is None:
        return "vanished"
    if before[:2] != after[:2]:
        return "replaced"
    if after[2] > before[2]:
        return "grew"
    return "untouched" if before == after else "changed"


def watch(
    place: Place,
    before: Trace,
    seconds: float,
    clock: Callable[[], float],
    wait: Callable[[float], object],
) -> After:
    """Watch a released name for up to `seconds`, until somebody takes it.

    A hold shorter than POLL_S can go unseen.  `before` is the transcript's trace from before the release.
    """
    transcript = place.path.removesuffix(".lock")
    started = clock()
    left = seconds
    while True:
        record = read_lock(place.path, place.root, place.agent, LockKind.SESSION)
        if record.payload is not None:
            pid = record.payload.pid
            who = processes.look(pid).identity
            name = str(who.name) if who else ""
            return After(clock() - started, compare(before, trace(transcript)), record.created_at, pid, name)
        if left <= 0:
            return After(clock() - started, compare(before, trace(transcript)))
        wait(min(POLL_S, left))
        left -= POLL_S


def describe(after: After) -> str:
    """Say it in a sentence."""
    if after.acquired_at is None:
        return f"nobody took the lock within {after.watched_s:.0f} s; the transcript: {after.transcript}"
    who = f"pid {after.acquired_by} ({after.acquired_name or 'name not readable'})"
    return f"{who} took the lock next; the transcript until then: {after.transcript}"
