"""Gathers the evidence about locks: the file, its named process, who has it open, namespaces, volume.

The cheap question comes first (has the named process the file open?); only locks that this does not
explain cost a search through every process.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterable, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from lockdeck.backend.model.fleet import LockView
from lockdeck.backend.model.locks import (
    Evidence,
    Holder,
    LockKind,
    LockRecord,
    Presence,
    Proof,
    ScanEvidence,
    Verdict,
)
from lockdeck.backend.model.verdicts import judge
from lockdeck.backend.openclaw.locks.deleted import deleted_at, written_at
from lockdeck.backend.openclaw.locks.lockfile import read_lock
from lockdeck.backend.openclaw.roots.place import Place
from lockdeck.backend.system import namespaces, processes, procfs
from lockdeck.backend.system.descriptors import (
    DescriptorScan,
    Opener,
    open_for_writing,
    scan_all,
    scan_pids,
)
from lockdeck.backend.system.volumes import Mounts, Volume, may_be_shared, read_mounts

SETTLE_S = 0.2
"""OpenClaw closes the descriptor before it removes the file: a lock seen in between looks leaked."""

_TRIES = 3
_GATEWAY = LockKind.GATEWAY


class Surroundings(Struct, frozen=True):
    """What holds for every lock of one look."""

    mounts: Mounts
    boot_time: float | None
    our_uid: int | None
    initial_namespace: bool
    inner: tuple[namespaces.InnerProcess, ...] = ()
    volumes: dict[str, Volume] = field(default_factory=dict)

    def volume_of(self, directory: str) -> Volume:
        """The volume of a directory, looked up once per look."""
        if directory not in self.volumes:
            self.volumes[directory] = self.mounts.volume_of(directory)
        return self.volumes[directory]


def examine(
    places: Sequence[Place],
    now: float,
    settle: Callable[[float], object] = time.sleep,
    search: bool = False,
    removed_from: Sequence[Place] = (),
    settled: Collection[str | None] = (),
) -> list[LockView]:
    """Judge every place from fresh evidence, in the order given.

    A lock that looks leaked is looked at again after `settle(SETTLE_S)`, unless its release id is among the
    `settled` ones, known as leaked from an earlier look.  With `search` every process is
    searched even if the named holders explain all locks: that also finds deleted locks that are still open
    in the directories of the places and of `removed_from` (sessions directories), and the gateway locks among
    `removed_from` that stand no more, appended as `removed`; a place where nothing stands and whose deleted
    lock is open is itself judged so.
    """
    views, scan = _look(places, now, search)
    suspects = [
        index
        for index, view in enumerate(views)
        if view.judgement.verdict is Verdict.LEAKED and view.release_id not in settled
    ]
    if suspects:
        settle(SETTLE_S)
        again, _ = _look([places[index] for index in suspects], now + SETTLE_S, search=False)
        for index, view in zip(suspects, again, strict=True):
            views[index] = view
    return views + _removed((*removed_from, *places), {place.path for place in places}, scan, now)


def _look(places: Sequence[Place], now: float, search: bool) -> tuple[list[LockView], DescriptorScan | None]:
    views: list[LockView | None] = [None] * len(places)
    todo = list(range(len(places)))
    scan: DescriptorScan | None = None
    surroundings: Surroundings | None = None
    for attempt in range(_TRIES):
        records = {
            i: read_lock(places[i].path, places[i].root, places[i].agent, places[i].kind) for i in todo
        }
        named = _named_openers(records.values())
        unexplained = [i for i in todo if records[i].identity is not None and _key(records[i]) not in named]
        # A lock released since it was read needs no search, only another look.
        sought = {i for i in unexplained if attempt + 1 == _TRIES or unchanged(records[i])}
        if sought or (search and scan is None):
            scan = scan_all({_key(records[i]) for i in sought})
        if surroundings is None or sought:
            surroundings = _surroundings(bool(sought))
        for i in todo:
            views[i] = _view(places[i], records[i], named, scan, surroundings, now)
        # A lock that was re-created while the processes were searched has lost its holder only on paper.
        todo = [i for i in unexplained if i not in sought or not unchanged(records[i])]
        if not todo:
            break
    return [view for view in views if view is not None], scan


def _named_openers(records: Iterable[LockRecord]) -> dict[tuple[int, int], tuple[Opener, ...]]:
    known = [record for record in records if record.identity is not None]
    pids = {record.payload.pid for record in known if record.payload is not None}
    if not pids:
        return {}
    return dict(scan_pids(sorted(pids), {_key(record) for record in known}).openers)


def _key(record: LockRecord) -> tuple[int, int]:
    identity = record.identity
    return (-1, -1) if identity is None else (identity.dev, identity.ino)


def unchanged(record: LockRecord) -> bool:
    """Whether the very file of a record still stands at its path as it was read."""
    try:
        found = os.lstat(record.path)
    except OSError:
        return False
    identity = record.identity
    return identity is not None and (found.st_ino, found.st_ctime_ns) == (identity.ino, identity.ctime_ns)


def _surroundings(with_inner: bool) -> Surroundings:
    initial = namespaces.in_initial_pid_namespace()
    return Surroundings(
        mounts=read_mounts(),
        boot_time=procfs.boot_time(),
        our_uid=os.geteuid(),
        initial_namespace=initial,
        inner=tuple(namespaces.inner_processes()) if with_inner else (),
    )


def _view(
    place: Place,
    record: LockRecord,
    named: dict[tuple[int, int], tuple[Opener, ...]],
    scan: DescriptorScan | None,
    surroundings: Surroundings,
    now: float,
) -> LockView:
    volume = surroundings.volume_of(place.directory)
    evidence = Evidence(
        record=record,
        observed_at=now,
        openers=_openers(record, named, scan),
        deleted_openers=tuple(_holder(opener) for opener in deleted_at(place.path, scan)),
        scan=_scan_evidence(record, scan, volume.kind == "local"),
        volume=volume.kind,
        fs_type=volume.fs_type,
        boot_time=surroundings.boot_time,
        our_uid=surroundings.our_uid,
        era=place.era,
    )
    evidence = _with_namespace(_with_process(evidence), place, surroundings, volume)
    return LockView(record, evidence, judge(evidence))


def _openers(
    record: LockRecord, named: dict[tuple[int, int], tuple[Opener, ...]], scan: DescriptorScan | None
) -> tuple[Holder, ...]:
    if record.identity is None:
        return ()
    found = named.get(_key(record)) or (scan.openers.get(_key(record), ()) if scan else ())
    # Our own reading is no hold; anybody else's open descriptor counts, even a reader's.
    return tuple(_holder(o) for o in found if o.writable or o.pid != os.getpid())


def _holder(opener: Opener) -> Holder:
    ticks = opener.start_ticks
    started = procfs.ticks_to_epoch(ticks) if ticks is not None else None
    return Holder(opener.pid, _label(opener.pid, opener.name), started, Proof.FD, ticks)


def _label(pid: int, fallback: str) -> str:
    """What people call a process: Node names its main thread `MainThread`, so argv tells more."""
    identity = processes.look(pid).identity
    return str(processes.label(identity)) if identity else fallback


def _scan_evidence(record: LockRecord, scan: DescriptorScan | None, local: bool = False) -> ScanEvidence:
    if scan is None:
        return ScanEvidence()
    hidden = () if record.uid is None else scan.hides(record.uid)
    names = tuple(f"pid {denied.pid} {denied.name}".rstrip() for denied in hidden)
    supported = scan.supported and record.uid is not None
    unwritten = _confirmed_by_kernel(record) if hidden and local else None
    return ScanEvidence(supported, scan.inspected, scan.total, names, unwritten)


def _confirmed_by_kernel(record: LockRecord) -> bool | None:
    """Ask the kernel whether nobody has this very file open for writing; None when it can't tell.

    Even root can't read the descriptors of every process (a container's pid 1 with more capabilities).
    """
    identity = record.identity
    if identity is None:
        return None
    try:
        handle = os.open(record.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        found = os.fstat(handle)
        if (found.st_dev, found.st_ino, found.st_ctime_ns) != (identity.dev, identity.ino, identity.ctime_ns):
            return None
        written = open_for_writing(handle)
        return None if written is None else not written
    finally:
        os.close(handle)


def _with_process(evidence: Evidence) -> Evidence:
    payload = evidence.record.payload
    if payload is None:
        return evidence
    look = processes.look(payload.pid)
    who = look.identity
    return replace(
        evidence,
        liveness=look.liveness,
        process_name=str(processes.label(who)) if who else "",
        process_started_at=who.started_at if who else None,
        process_start_ticks=who.start_ticks if who else None,
    )


def _with_namespace(evidence: Evidence, place: Place, around: Surroundings, volume: Volume) -> Evidence:
    note = None if place.own_namespace else _namespace_note(evidence, place, around, volume)
    return replace(evidence, own_namespace=note is None, namespace_note=note)


def _namespace_note(evidence: Evidence, place: Place, around: Surroundings, volume: Volume) -> str | None:
    """Say why the payload's pid may mean a process of another pid namespace; None when it can't."""
    payload = evidence.record.payload
    if payload is None:
        return None if around.initial_namespace or not may_be_shared(volume) else _shared(place)
    proven = payload.starttime is not None and payload.starttime == evidence.process_start_ticks
    if proven:
        return None
    holders = {holder.pid for holder in evidence.openers}
    for inner in around.inner:
        if holders and inner.pid not in holders:
            continue
        if inner.inner_pid == payload.pid and payload.starttime in (None, inner.start_ticks):
            return f"pid {payload.pid} is what pid {inner.pid} calls itself in another pid namespace"
    if holders:
        return None  # who has the file open is seen: nothing more needs to be guessed
    if payload.pid == 1 and evidence.start_matches is False and not evidence.from_earlier_boot:
        return "pid 1 lives as long as the system: the writer was pid 1 of another pid namespace"
    if around.initial_namespace or not may_be_shared(volume):
        return None
    return _shared(place)


def _shared(place: Place) -> str:
    return f"lockdeck runs in a pid namespace of its own, and {place.directory} may be shared with others"


def _removed(
    places: Sequence[Place], seen: Collection[str], scan: DescriptorScan | None, now: float
) -> list[LockView]:
    """Find locks, beside those seen, that were deleted under a live holder: no file, but an open descriptor."""
    if scan is None or not scan.deleted:
        return []
    by_directory = {place.directory: place for place in places if place.kind is not _GATEWAY}
    gateways = {place.path: place for place in places if place.kind is _GATEWAY}
    views = []
    for path in sorted(scan.deleted):
        place = gateways.get(path)
        if path.endswith(".jsonl.lock"):
            place = by_directory.get(os.path.dirname(path))
        openers = () if path in seen or os.path.lexists(path) else deleted_at(path, scan)
        if place is None or not openers:
            continue
        kind = _GATEWAY if place.kind is _GATEWAY else LockKind.SESSION
        written = written_at(openers)
        record = LockRecord(path, place.root, place.agent, kind, Presence.ABSENT, mtime=written)
        evidence = Evidence(
            record=record,
            observed_at=now,
            deleted_openers=tuple(_holder(opener) for opener in openers),
            scan=_scan_evidence(record, scan),
            era=place.era,
        )
        views.append(LockView(record, evidence, judge(evidence)))
    return views
