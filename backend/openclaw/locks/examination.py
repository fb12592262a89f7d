"""Examine locks: read them, find who has them open, and judge each by fresh evidence.

The cheap question comes first (has the named process the file open?); only locks that this does not
explain cost a search through every process.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from lockdeck.backend.model.fleet import LockView
from lockdeck.backend.model.locks import Evidence, LockKind, LockRecord, Presence, Verdict
from lockdeck.backend.model.verdicts import judge
from lockdeck.backend.openclaw.locks.deleted import deleted_at, directory_inode, parent_of, written_at
from lockdeck.backend.openclaw.locks.evidence import (
    Surroundings,
    evidence_of_deleted,
    evidence_of_lock,
    inode_of,
    surroundings_now,
)
from lockdeck.backend.openclaw.locks.lockfile import read_lock
from lockdeck.backend.openclaw.roots.place import Place
from lockdeck.backend.system.descriptors import (
    DescriptorScan,
    Inode,
    Opener,
    has_open_still,
    scan_all,
    scan_pids,
)

SETTLE_S = 0.2
"""OpenClaw closes the descriptor before it removes the file: a lock seen in between looks leaked."""

EMPTY: Mapping[str, LockView] = {}
"""No earlier views."""
_TRIES = 3
_GATEWAY = LockKind.GATEWAY


def examine(
    places: Sequence[Place],
    now: float,
    settle: Callable[[float], object] = time.sleep,
    search: bool = False,
    removed_from: Sequence[Place] = (),
    settled: Collection[str | None] = (),
    earlier: Mapping[str, LockView] = EMPTY,
    holders: dict[Inode, tuple[Opener, ...]] | None = None,
) -> list[LockView]:
    """Judge every place from fresh evidence, in the order of the places.

    A lock that looks leaked is looked at again after `settle(SETTLE_S)`, unless its release id is among the
    `settled` ones, known as leaked from an earlier look.  With `search` every process is
    searched even if the named holders explain all locks: that also finds deleted locks that are still open
    in the directories of the places and of `removed_from` (sessions directories), and the gateway locks among
    `removed_from` that stand no more, appended as `removed`; a place where nothing stands and whose deleted
    lock is open is itself judged so.
    """
    holders = {} if holders is None else holders
    looked = _look(places, now, search, holders, earlier)
    views = looked.views
    suspects = [
        index
        for index, view in enumerate(views)
        if view.judgement.verdict is Verdict.LEAKED and view.release_id not in settled
    ]
    if suspects:
        settle(SETTLE_S)
        second = _look([places[index] for index in suspects], now + SETTLE_S, False, holders)
        for index, view in zip(suspects, second.views, strict=True):
            views[index] = view
    if looked.scan is None or not looked.scan.deleted:
        return views
    examined = {place.path for place in places}
    return views + _removed((*removed_from, *places), examined, looked.scan, looked.surroundings, now)


def unchanged(record: LockRecord) -> bool:
    """Return whether the very file of a record still stands at its path as it was read."""
    try:
        status = os.lstat(record.path)
    except OSError:
        return False
    identity = record.identity
    return identity is not None and (status.st_ino, status.st_ctime_ns) == (identity.ino, identity.ctime_ns)


class _Look(Struct, frozen=True):
    views: list[LockView]
    scan: DescriptorScan | None
    surroundings: Surroundings


def _look(
    places: Sequence[Place],
    now: float,
    search: bool,
    holders: dict[Inode, tuple[Opener, ...]],
    earlier: Mapping[str, LockView] = EMPTY,
) -> _Look:
    views: list[LockView | None] = [None] * len(places)
    todo = list(range(len(places)))
    scan: DescriptorScan | None = None
    surroundings = surroundings_now(with_inner=False)
    for attempt in range(_TRIES):
        records = {i: _record(places[i], earlier.get(places[i].path)) for i in todo}
        openers = _openers_named_in(records.values(), holders)
        unexplained = [
            i for i in todo if records[i].identity is not None and inode_of(records[i]) not in openers
        ]
        # A lock released since it was read needs no search, only another look.
        sought = {i for i in unexplained if attempt + 1 == _TRIES or unchanged(records[i])}
        if sought or (search and scan is None):
            scan = scan_all({inode_of(records[i]) for i in sought})
        surroundings = surroundings_now(with_inner=True) if sought else surroundings.again()
        for i in todo:
            evidence = evidence_of_lock(places[i], records[i], openers, scan, surroundings, now)
            views[i] = _as_judged(earlier.get(places[i].path), evidence) or LockView(
                records[i], evidence, judge(evidence)
            )
        # A lock that was re-created while the processes were searched has lost its holder only on paper.
        todo = [i for i in unexplained if i not in sought or not unchanged(records[i])]
        if not todo:
            break
    return _Look([view for view in views if view is not None], scan, surroundings)


def _record(place: Place, earlier: LockView | None) -> LockRecord:
    """Read a lock, unless the file that was read before still stands there."""
    if earlier is not None and earlier.record.payload is not None and unchanged(earlier.record):
        record = earlier.record
        if (record.root, record.agent, record.kind) == (place.root, place.agent, place.kind):
            return record
    return read_lock(place.path, place.root, place.agent, place.kind)


def _as_judged(earlier: LockView | None, evidence: Evidence) -> LockView | None:
    """Return an earlier view where the evidence is what it was judged by: of a lock with a payload time changes nothing."""
    if earlier is None or earlier.record is not evidence.record:
        return None
    return earlier if same_evidence(earlier.evidence, evidence) else None


def same_evidence(earlier: Evidence, later: Evidence) -> bool:
    """Return whether only time went on between two observations, or another number of processes was there to be searched.

    Who has a lock open explains it, whether others were searched or not.
    """
    counted = replace(later.scan, inspected=earlier.scan.inspected, total=earlier.scan.total)
    scan = earlier.scan if later.openers else counted
    return replace(later, observed_at=earlier.observed_at, scan=scan) == earlier


def _openers_named_in(
    records: Iterable[LockRecord], holders: dict[Inode, tuple[Opener, ...]]
) -> dict[Inode, tuple[Opener, ...]]:
    """Return which of the locks the processes have open that the locks themselves name; those `holders` are asked first."""
    readable = {inode_of(record): record for record in records if record.identity is not None}
    same = {inode: holders[inode] for inode in readable.keys() & holders.keys()}
    openers = {inode: known for inode, known in same.items() if all(map(has_open_still, known))}
    unknown = [record for inode, record in readable.items() if inode not in openers]
    pids = {record.payload.pid for record in unknown if record.payload is not None}
    if pids:
        openers |= scan_pids(sorted(pids), set(map(inode_of, unknown))).openers
    for inode in readable:
        holders.pop(inode, None)
    holders.update(openers)
    return openers


def _removed(
    places: Sequence[Place],
    examined: Collection[str],
    scan: DescriptorScan,
    surroundings: Surroundings,
    now: float,
) -> list[LockView]:
    """Find locks, beside those examined, that were deleted under a live holder: no file, but an open descriptor."""
    views = []
    for path, place in sorted(_deleted_paths(places, scan).items()):
        openers = () if path in examined or os.path.lexists(path) else deleted_at(path, scan)
        if not openers:
            continue
        kind = _GATEWAY if place.kind is _GATEWAY else LockKind.SESSION
        written = written_at(openers)
        record = LockRecord(path, place.root, place.agent, kind, Presence.ABSENT, mtime=written)
        evidence = evidence_of_deleted(place, record, openers, scan, surroundings, now)
        views.append(LockView(record, evidence, judge(evidence)))
    return views


def _deleted_paths(places: Sequence[Place], scan: DescriptorScan) -> dict[str, Place]:
    """Return where deleted locks stood, as we call it, each with its place: by path, else by the directory itself."""
    by_directory = {place.directory: place for place in places if place.kind is not _GATEWAY}
    by_inode: dict[Inode | None, Place] = {}
    paths = {place.path: place for place in places if place.kind is _GATEWAY and place.path in scan.deleted}
    for former, openers in scan.deleted.items():
        directory, name = os.path.split(former)
        if not name.endswith(".jsonl.lock"):
            continue
        if directory in by_directory:
            paths[former] = by_directory[directory]
        by_inode = by_inode or {directory_inode(path): place for path, place in by_directory.items()}
        for parent in {parent_of(former, opener) for opener in openers} - {None}:
            if parent in by_inode:
                place = by_inode[parent]
                paths[os.path.join(place.directory, name)] = place
    return paths
