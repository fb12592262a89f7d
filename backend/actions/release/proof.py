"""The proof behind a release: fresh looks, what differs between two of them, and who has an inode open."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping

from msgspec.structs import replace

from lockdeck.backend.model.fleet import LockView
from lockdeck.backend.model.locks import Liveness, Presence, Verdict
from lockdeck.backend.model.verdicts import judge
from lockdeck.backend.openclaw.locks.evidence import examine
from lockdeck.backend.openclaw.roots.place import Place
from lockdeck.backend.system import processes
from lockdeck.backend.system.descriptors import open_for_writing, scan_all
from lockdeck.backend.system.namespaces import shares_our_mounts
from lockdeck.backend.system.procfs import read_stat
from lockdeck.backend.system.text import safe

NEWCOMER_S = 30.0
"""A gateway or command line younger than this (seconds) may just be reclaiming the same lock."""

_WAYS_OUT = {
    Verdict.LITTER: (
        "its gateway holds the session, not a file: cancel the run (`lockdeck cancel`) or restart the gateway"
    ),
    Verdict.REMOVED: "there is no file to release: cancel the run of that process or restart it",
}

Look = Callable[[Place, float], LockView]
Search = Callable[[int], "str | None"]
"""Given our own read-only descriptor of a lock file: who holds it, in words; None when provably nobody."""


def fresh_look(place: Place, now: float) -> LockView:
    """Judge one lock from evidence gathered now, with a search through every process."""
    return examine([place], now, search=True)[0]


def holder_of(fd: int) -> str | None:
    """Say who holds the open file `fd`, or why that can't be ruled out; None: provably nobody does.

    OpenClaw creates a lock for writing and keeps that descriptor for the whole hold (seen on 2026.4.5 and
    2026.7.35); readers (a backup, OpenClaw's own polls, lockdeck) hold nothing.  The kernel is asked first,
    for it also knows of processes that we can't see.
    """
    if open_for_writing(fd) is False:
        return None
    found = os.fstat(fd)
    scan = scan_all({(found.st_dev, found.st_ino)})
    for opener in scan.openers.get((found.st_dev, found.st_ino), ()):
        if opener.writable:
            return f"pid {opener.pid} ({opener.name}) has it open"
    hidden = scan.hides(found.st_uid)
    if hidden:
        return f"pid {hidden[0].pid} ({hidden[0].name}) could have it open and can't be inspected"
    if open_for_writing(fd) is True:
        return "a process that can't be seen from here has it open"
    return None if scan.supported else "who has the file open can't be seen on this system"


def refusals(view: LockView, root: str, now: float, overridden: bool) -> tuple[str, ...]:
    """Return every reason why this lock may not be released at `now`; empty: it may.

    `overridden`: a person vouches that the live process which a `leaked` lock names has let go of it.
    """
    judgement = view.judgement
    if judgement.verdict is Verdict.LEAKED and overridden:
        judgement = judge(replace(view.evidence, liveness=Liveness.GONE))
    if judgement.releasable:
        return tuple(newcomers(root, now, processes.openclaw_processes()))
    if view.record.presence is Presence.ABSENT and view.judgement.verdict is not Verdict.REMOVED:
        return judgement.reasons  # nothing stands there to have a verdict on
    return (f"the verdict is {view.judgement.verdict}", *judgement.reasons, *_way_out(judgement.verdict))


def _way_out(verdict: Verdict) -> tuple[str, ...]:
    """Say what does help where a release can't."""
    return (_WAYS_OUT[verdict],) if verdict in _WAYS_OUT else ()


def newcomers(root: str, now: float, running: list[processes.ProcessIdentity]) -> Iterator[str]:
    """Name the OpenClaw processes of a root that started within the last NEWCOMER_S seconds.

    A process whose root can't be told counts: it may be this one's.
    """
    for process in running:
        age = None if process.started_at is None else now - process.started_at
        if (age is None or age < NEWCOMER_S) and _may_serve(process.pid, root):
            when = "at an unknown time" if age is None else f"{max(0.0, age):.0f} s ago"
            what = f"pid {process.pid} ({process.name}) of OpenClaw started {when}"
            yield f"{what}: it may be reclaiming locks itself, {NEWCOMER_S:.0f} s must pass"


def _may_serve(pid: int, root: str) -> bool:
    """Whether a process may work on a root, by the OPENCLAW_STATE_DIR it was started with."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as source:
            raw = source.read(1 << 20)
    except FileNotFoundError:
        # Gone, or a system without /proc.
        return not os.path.isdir("/proc/self")
    except OSError:
        raw = b""
    if not raw:
        # Nothing to read may be any root's; a process that is just ending reads like that too, and does nothing more.
        return os.path.exists(f"/proc/{pid}") and not _has_ended(pid)
    words = raw.split(b"\0")
    told = [word.partition(b"=")[2] for word in words if word.startswith(b"OPENCLAW_STATE_DIR=")]
    named = os.fsdecode(told[0]).strip() if told else ""
    # Unset, `~`, a relative path or another mount namespace: which directory is meant can't be told from here.
    if not os.path.isabs(named) or shares_our_mounts(pid) is not True:
        return True
    return os.path.realpath(named) == os.path.realpath(root)


def _has_ended(pid: int) -> bool:
    found = read_stat(pid)
    return found is not None and found.ended


def facts(view: LockView) -> Mapping[str, object]:
    """Return what must be the same at two looks, by a name a person understands."""
    record, evidence = view.record, view.evidence
    identity = record.identity
    return {
        "what stands at the path": record.presence.value,
        "the inode": identity and (identity.dev, identity.ino),
        "the change time": identity and identity.ctime_ns,
        "the bytes": identity and identity.raw,
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


def differences(first: LockView, second: LockView) -> tuple[str, ...]:
    """Say what changed between two looks; empty when nothing did."""
    before, after = facts(first), facts(second)
    return tuple(
        f"{name} changed: {safe(before[name], 120)} before, {safe(after[name], 120)} now"
        for name in before
        if before[name] != after[name]
    )
