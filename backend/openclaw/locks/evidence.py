"""The evidence about one lock: its named process, who has it open, pid namespace and volume."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from lockdeck.backend.model.locks import Evidence, Holder, LockRecord, Proof, ScanEvidence
from lockdeck.backend.openclaw.locks.deleted import deleted_at
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
        openers=_openers(record, named_openers, scan),
        deleted_openers=_holders(deleted_at(place.path, scan)),
        scan=_scan_evidence(record, scan, volume.kind == "local"),
        volume=volume.kind,
        fs_type=volume.fs_type,
        boot_time=surroundings.boot_time,
        our_uid=surroundings.our_uid,
        owners=place.owners,
        era=place.era,
    )
    return _with_namespace(_with_process(evidence), place, surroundings, volume)


def evidence_of_deleted(
    place: Place, record: LockRecord, openers: Iterable[Opener], scan: DescriptorScan, now: float
) -> Evidence:
    """Put together what is known of a lock that was deleted while `openers` have it open."""
    return Evidence(
        record=record,
        observed_at=now,
        deleted_openers=_holders(openers),
        scan=_scan_evidence(record, scan),
        era=place.era,
    )


def inode_of(record: LockRecord) -> tuple[int, int]:
    """Return device and inode of a lock's file; those of no file where it could not be looked at."""
    identity = record.identity
    return (-1, -1) if identity is None else (identity.dev, identity.ino)


def _openers(record: LockRecord, named_openers: Openers, scan: DescriptorScan | None) -> tuple[Holder, ...]:
    if record.identity is None:
        return ()
    inode = inode_of(record)
    openers = named_openers.get(inode) or (scan.openers.get(inode, ()) if scan else ())
    # Our own reading is no hold; anybody else's open descriptor counts, even a reader's.
    return _holders(opener for opener in openers if opener.writable or opener.pid != os.getpid())


def _holders(openers: Iterable[Opener]) -> tuple[Holder, ...]:
    return tuple(map(_holder, openers))


def _holder(opener: Opener) -> Holder:
    ticks = opener.start_ticks
    started = procfs.ticks_to_epoch(ticks) if ticks is not None else None
    return Holder(opener.pid, _label(opener.pid, opener.name), started, Proof.FD, ticks)


def _label(pid: int, fallback: str) -> str:
    """Return what people call a process: Node names its main thread `MainThread`, so argv tells more."""
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


def _with_process(evidence: Evidence) -> Evidence:
    payload = evidence.record.payload
    if payload is None:
        return evidence
    look = processes.look(payload.pid)
    identity = look.identity
    return replace(
        evidence,
        liveness=look.liveness,
        process_name=str(processes.label(identity)) if identity else "",
        process_started_at=identity.started_at if identity else None,
        process_start_ticks=identity.start_ticks if identity else None,
        process_may_be_openclaw=identity is None or processes.may_run_openclaw(payload.pid),
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
