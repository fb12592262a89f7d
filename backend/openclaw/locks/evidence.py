"""The evidence about one lock: its named process, who has it open, pid namespace and volume."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from lockdeck.backend.model.locks import Evidence, Holder, LockRecord, Proof, ScanEvidence
from lockdeck.backend.openclaw.locks.deleted import deleted_at
from lockdeck.backend.openclaw.locks.lockfile import stands_in
from lockdeck.backend.openclaw.roots.place import Place
from lockdeck.backend.system import clocks, namespaces, processes, procfs
from lockdeck.backend.system.descriptors import DescriptorScan, Opener, open_for_writing
from lockdeck.backend.system.volumes import Mounts, Volume, may_be_shared, read_mounts

Openers = Mapping[tuple[int, int], tuple[Opener, ...]]
"""Who has a file open, by its device and inode."""


class Surroundings(Struct, frozen=True):
    """All that holds for every lock of one look."""

    mounts: Mounts
    boot_time: float | None
    our_uid: int | None
    initial_namespace: bool
    inner: tuple[namespaces.InnerProcess, ...] = ()
    volumes: dict[str, Volume] = field(default_factory=dict)
    looks: dict[int, processes.ProcessLook] = field(default_factory=dict)
    programs: dict[int, bool] = field(default_factory=dict)

    def again(self) -> Surroundings:
        """Return the same, with every process still to be looked at."""
        return replace(self, looks={}, programs={})

    def look(self, pid: int) -> processes.ProcessLook:
        """Look at a process, once per look: many locks name one."""
        if pid not in self.looks:
            self.looks[pid] = processes.look(pid)
        return self.looks[pid]

    def may_run_openclaw(self, pid: int) -> bool:
        """Return whether a process may be an OpenClaw, asked once per look."""
        if pid not in self.programs:
            self.programs[pid] = processes.may_run_openclaw(pid)
        return self.programs[pid]

    def volume_of(self, directory: str) -> Volume:
        """Return the volume of a directory, looked up once per look."""
        if directory not in self.volumes:
            self.volumes[directory] = self.mounts.volume_of(directory)
        return self.volumes[directory]


def surroundings_now(*, with_inner: bool) -> Surroundings:
    """Look at what holds for all locks; `with_inner` also at the processes of inner pid namespaces."""
    return Surroundings(
        mounts=read_mounts(),
        boot_time=clocks.boot_time(),
        our_uid=os.geteuid(),
        initial_namespace=namespaces.in_initial_pid_namespace(),
        inner=tuple(namespaces.inner_processes()) if with_inner else (),
    )


def evidence_of_lock(
    place: Place,
    record: LockRecord,
    named_openers: Openers,
    scan: DescriptorScan | None,
    surroundings: Surroundings,
    now: float,
) -> Evidence:
    """Put together what is known of a lock; `named_openers` are those of the processes that locks name."""
    volume = surroundings.volume_of(place.directory)
    evidence = Evidence(
        record=record,
        observed_at=now,
        openers=_openers(record, named_openers, scan, surroundings),
        deleted_openers=_holders(deleted_at(place.path, scan), surroundings),
        scan=_scan_evidence(record, scan, volume.kind == "local"),
        volume=volume.kind,
        fs_type=volume.fs_type,
        boot_time=surroundings.boot_time,
        our_uid=surroundings.our_uid,
        owners=place.owners,
        era=place.era,
        stands_in=stands_in(record),
    )
    return _with_namespace(_with_process(evidence, surroundings), place, surroundings, volume)


def evidence_of_deleted(
    place: Place,
    record: LockRecord,
    openers: Iterable[Opener],
    scan: DescriptorScan,
    surroundings: Surroundings,
    now: float,
) -> Evidence:
    """Put together what is known of a lock that was deleted while `openers` have it open."""
    return Evidence(
        record=record,
        observed_at=now,
        deleted_openers=_holders(openers, surroundings),
        scan=_scan_evidence(record, scan),
        era=place.era,
    )


def inode_of(record: LockRecord) -> tuple[int, int]:
    """Return device and inode of a lock's file; those of no file where it could not be looked at."""
    identity = record.identity
    return (-1, -1) if identity is None else (identity.dev, identity.ino)


def _openers(
    record: LockRecord, named_openers: Openers, scan: DescriptorScan | None, surroundings: Surroundings
) -> tuple[Holder, ...]:
    if record.identity is None:
        return ()
    inode = inode_of(record)
    openers = named_openers.get(inode) or (scan.openers.get(inode, ()) if scan else ())
    # Our own reading is no hold; anybody else's open descriptor counts, even a reader's.
    if not openers:
        return ()
    others = (opener for opener in openers if opener.writable or opener.pid != os.getpid())
    return _holders(others, surroundings)


def _holders(openers: Iterable[Opener], surroundings: Surroundings) -> tuple[Holder, ...]:
    return tuple(_holder(opener, surroundings) for opener in openers)


def _holder(opener: Opener, surroundings: Surroundings) -> Holder:
    ticks = opener.start_ticks
    started = procfs.ticks_to_epoch(ticks) if ticks is not None else None
    # What people call a process: Node names its main thread `MainThread`, so argv tells more.
    identity = surroundings.look(opener.pid).identity
    name = str(processes.label(identity)) if identity else opener.name
    return Holder(opener.pid, name, started, Proof.FD, ticks)


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
        status = os.fstat(handle)
        if (status.st_dev, status.st_ino, status.st_ctime_ns) != (
            identity.dev,
            identity.ino,
            identity.ctime_ns,
        ):
            return None
        written = open_for_writing(handle)
        return None if written is None else not written
    finally:
        os.close(handle)


def _with_process(evidence: Evidence, surroundings: Surroundings) -> Evidence:
    payload = evidence.record.payload
    if payload is None:
        return evidence
    look = surroundings.look(payload.pid)
    identity = look.identity
    return replace(
        evidence,
        liveness=look.liveness,
        process_name=str(processes.label(identity)) if identity else "",
        process_started_at=identity.started_at if identity else None,
        process_start_ticks=identity.start_ticks if identity else None,
        process_may_be_openclaw=identity is None or surroundings.may_run_openclaw(payload.pid),
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
    if payload.pid == 1 and evidence.start_matches is False:
        return "pid 1 lives as long as the system: the writer was pid 1 of another pid namespace"
    if around.initial_namespace or not may_be_shared(volume):
        return None
    return _shared(place)


def _shared(place: Place) -> str:
    return f"lockdeck runs in a pid namespace of its own, and {place.directory} may be shared with others"
