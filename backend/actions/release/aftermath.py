"""The aftermath of a release: who takes the lock's name next, and whether the transcript is untouched."""

from __future__ import annotations

import os
from collections.abc import Callable

from lockdeck.backend.actions.journal import Journal
from lockdeck.backend.actions.release.records import Aftermath
from lockdeck.backend.model.locks import LockKind
from lockdeck.backend.model.words import duration
from lockdeck.backend.openclaw.locks.lockfile import read_lock
from lockdeck.backend.openclaw.roots.place import Place
from lockdeck.backend.system import processes
from lockdeck.backend.system.text import safe

POLL_S = 0.02

TranscriptState = tuple[int, int, int, int] | None
"""Device, inode, size and mtime_ns of a transcript; None when there is none."""


def transcript_state(lock_path: str) -> TranscriptState:
    """Note what the transcript beside a lock looks like."""
    try:
        status = os.stat(lock_path.removesuffix(".lock"), follow_symlinks=False)
    except OSError:
        return None
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


def compare(earlier: TranscriptState, now: TranscriptState) -> str:
    """Name what happened to a transcript between two looks at it."""
    if earlier is None:
        return "absent" if now is None else "appeared"
    if now is None:
        return "vanished"
    if earlier[:2] != now[:2]:
        return "replaced"
    if now[2] > earlier[2]:
        return "grew"
    return "untouched" if earlier == now else "changed"


def watch_name(
    place: Place,
    transcript: TranscriptState,
    seconds: float,
    clock: Callable[[], float],
    wait: Callable[[float], object],
) -> Aftermath:
    """Watch a released name for up to `seconds`, until somebody takes it.

    A hold shorter than POLL_S can go unseen.  `transcript` is its state from before the release.
    """
    started = clock()
    remaining = seconds
    while True:
        record = read_lock(place.path, place.root, place.agent, LockKind.SESSION)
        if record.payload is not None:
            pid = record.payload.pid
            identity = processes.look(pid).identity
            name = str(identity.name) if identity else ""
            change = compare(transcript, transcript_state(place.path))
            return Aftermath(clock() - started, change, record.created_at, pid, name)
        if remaining <= 0:
            return Aftermath(clock() - started, compare(transcript, transcript_state(place.path)))
        wait(min(POLL_S, remaining))
        remaining -= POLL_S


def append_aftermath(
    journal: Journal, place: Place, release_id: str | None, aftermath: Aftermath
) -> tuple[str, ...]:
    """Journal what was seen after a release and return it in sentences; one more where that can't be done."""
    sentence = describe(aftermath)
    try:
        journal.append(
            "watched",
            path=place.path,
            releaseId=release_id,
            after=aftermath.to_json(),
            sentences=[sentence],
        )
    except OSError as error:
        return sentence, f"what was seen after it can't be journaled: {safe(error)}"
    return (sentence,)


def describe(aftermath: Aftermath) -> str:
    """Say it in a sentence."""
    if aftermath.acquired_at is None:
        return f"nobody took the lock within {duration(aftermath.watched_s)}; the transcript: {aftermath.transcript}"
    holder = f"pid {aftermath.acquired_by} ({aftermath.acquired_name or 'name not readable'})"
    return f"{holder} took the lock next; the transcript until then: {aftermath.transcript}"
