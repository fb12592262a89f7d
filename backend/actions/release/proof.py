"""The proof behind a release: two looks, what differs between them, the pin, and the search for a holder."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from msgspec.structs import replace

from lockdeck.backend.actions.release.account import account_fault
from lockdeck.backend.actions.release.records import ReleasePlan
from lockdeck.backend.actions.release.sentences import judged, way_out
from lockdeck.backend.model.fleet import LockView
from lockdeck.backend.model.locks import Liveness, LockIdentity, Presence, Verdict
from lockdeck.backend.model.verdicts import CREATION_GRACE_S, judge
from lockdeck.backend.openclaw.locks.examination import examine
from lockdeck.backend.openclaw.roots.place import Place
from lockdeck.backend.system.descriptors import open_for_writing, scan_all
from lockdeck.backend.system.text import safe

DWELL_S = 1.0
"""The evidence must be the same at two looks at least this many seconds apart, by a clock that nobody can set."""

Look = Callable[[Place, float], LockView]
Search = Callable[[int], "str | None"]
"""Given our own read-only descriptor of a lock file: who holds it, in words; None when provably nobody."""


def current_view(place: Place, now: float) -> LockView:
    """Judge one lock from evidence gathered now, with a search through every process."""
    return examine([place], now, search=True)[0]


def prove_again(
    plan: ReleasePlan,
    place: Place,
    first: LockView,
    look: Look,
    clock: Callable[[], float],
    steady: Callable[[], float],
    wait: Callable[[float], object],
) -> tuple[LockView, tuple[str, ...]]:
    """Look a second time, the dwell after the plan's look, and return every reason against the release now."""
    dwell = dwell_s(first)
    elapsed = 0.0 if plan.dwell_from is None else steady() - plan.dwell_from
    if elapsed < dwell:
        wait(min(dwell, dwell - elapsed))
    view = look(place, clock())
    overridden = plan.override is not None and can_be_overridden(view)
    return view, (*differences(first, view), *refusals(view, place, overridden))


def dwell_s(view: LockView) -> float:
    """Return how far apart the two looks at a lock are, in seconds.

    A lock without a payload may be one that is just being taken. How old it is by the wall clock proves nothing, so
    it is watched for as long as that may take.
    """
    return CREATION_GRACE_S if view.judgement.verdict is Verdict.UNREADABLE else DWELL_S


def can_be_overridden(view: LockView) -> bool:
    """Return whether a person may vouch that the live process which a lock names has nothing to do with it any more."""
    return view.judgement.verdict is Verdict.LEAKED or view.evidence.only_wall_clock


def refusals(view: LockView, place: Place, overridden: bool) -> tuple[str, ...]:
    """Return every reason why this lock may not be released now; empty: it may.

    `overridden`: a person vouches that the live process which the lock names has let go of it.
    """
    judgement = view.judgement
    if overridden and can_be_overridden(view):
        judgement = judge(replace(view.evidence, liveness=Liveness.GONE))
    if judgement.releasable:
        return place.why_not_ours() or _no_one_account(view, place)
    if view.record.presence is Presence.ABSENT and view.judgement.verdict is not Verdict.REMOVED:
        return judgement.reasons  # nothing stands there to have a verdict on
    return (*place.why_not_ours(), judged(view), *judgement.reasons, *way_out(judgement.verdict))


def _no_one_account(view: LockView, place: Place) -> tuple[str, ...]:
    """Say why there is no account that a stand-in could be of; empty: there is one."""
    try:
        fault = account_fault(view.record.uid, os.stat(place.directory).st_uid, place.owners)
    except OSError as error:
        fault = f"whose {safe(place.directory)} is can't be seen: {safe(error.strerror)}"
    return () if fault is None else (fault,)


def differences(first: LockView, second: LockView) -> tuple[str, ...]:
    """Say what changed between two looks; empty when nothing did."""
    earlier, now = _facts(first), _facts(second)
    return tuple(
        f"{name} changed: {safe(earlier[name], 120)} before, {safe(now[name], 120)} now"
        for name in earlier
        if earlier[name] != now[name]
    )


def _facts(view: LockView) -> Mapping[str, object]:
    """Return what must be the same at two looks, by a name a person understands."""
    record, evidence = view.record, view.evidence
    identity = record.identity
    return {
        "what stands at the path": record.presence.value,
        "the inode": identity and (identity.dev, identity.ino),
        "the change time": identity and identity.ctime_ns,
        "the bytes": identity and f"{identity.size} bytes, SHA-256 {identity.digest.hex()}",
        "the modification time": record.mtime,
        "the owner": record.uid,
        "the number of hard links": record.nlink,
        "the verdict": view.judgement.verdict.value,
        "the life of the named process": evidence.liveness and evidence.liveness.value,
        "the start time of the named process": evidence.process_start_ticks,
        "who has it open": tuple(holder.pid for holder in evidence.openers),
        "who has an earlier lock open": tuple(holder.pid for holder in evidence.deleted_openers),
        "the pid namespace": (evidence.own_namespace, evidence.namespace_note),
        "the file system": (evidence.volume, evidence.fs_type),
        "the era of the root": evidence.era,
    }


def open_pin(path: str) -> int | None:
    """Open the lock, None when it is gone: while it is open its inode number can't be given to another file."""
    try:
        return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None


def is_pinned(pin: int, identity: LockIdentity) -> bool:
    """Return whether the open file is the very lock that was looked at, unchanged."""
    status = os.fstat(pin)
    same = (status.st_dev, status.st_ino, status.st_ctime_ns) == (
        identity.dev,
        identity.ino,
        identity.ctime_ns,
    )
    return same and identity.has_bytes(os.pread(pin, identity.size + 1, 0))


def holder_of(fd: int) -> str | None:
    """Say who holds the open file `fd`, or why that can't be ruled out; None: provably nobody does.

    OpenClaw creates a lock for writing and keeps that descriptor for the whole hold (seen on 2026.4.5 and
    2026.7.35); readers (a backup, OpenClaw's own polls, lockdeck) hold nothing.  The kernel is asked first,
    for it also knows of processes that we can't see.
    """
    if open_for_writing(fd) is False:
        return None
    status = os.fstat(fd)
    scan = scan_all({(status.st_dev, status.st_ino)})
    for opener in scan.openers.get((status.st_dev, status.st_ino), ()):
        if opener.writable:
            return f"pid {opener.pid} ({opener.name}) has it open"
    hidden = scan.hides(status.st_uid)
    if hidden:
        return f"pid {hidden[0].pid} ({hidden[0].name}) could have it open and can't be inspected"
    if open_for_writing(fd) is True:
        return "a process that can't be seen from here has it open"
    return None if scan.supported else "who has the file open can't be seen on this system"
