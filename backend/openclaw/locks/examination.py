"""Examine locks: read them, find who has them open, and judge each by fresh evidence.

The cheap question comes first (has the named process the file open?); only locks that this does not
explain cost a search through every process.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterable, Sequence

from lockdeck.backend.model.fleet import LockView
from lockdeck.backend.model.locks import LockKind, LockRecord, Presence, Verdict
from lockdeck.backend.model.verdicts import judge
from lockdeck.backend.openclaw.locks.deleted import deleted_at, directory_inode, parent_of, written_at
from lockdeck.backend.openclaw.locks.evidence import (
    Openers,
    Surroundings,
    evidence_of_deleted,
    evidence_of_lock,
    inode_of,
    surroundings_now,
)
from lockdeck.backend.openclaw.locks.lockfile import read_lock
from lockdeck.backend.openclaw.roots.place import Place
from lockdeck.backend.system.descriptors import DescriptorScan, Inode, scan_all, scan_pids

SETTLE_S = 0.2
"""OpenClaw closes the descriptor before it removes the file: a lock seen in between looks leaked."""

_TRIES = 3
_GATEWAY = LockKind.GATEWAY


def examine(
    places: Sequence[Place],
    now: float,
    settle: Callable[[float], object] = time.sleep,
    search: bool = False,
    removed_from: Sequence[Place] = (),
    settled: Collection[str | None] = (),
) -> list[LockView]:
    """Judge every place from fresh evidence, in the order of the places.

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
        second_views, _ = _look([places[index] for index in suspects], now + SETTLE_S, search=False)
        for index, view in zip(suspects, second_views, strict=True):
            views[index] = view
    return views + _removed((*removed_from, *places), {place.path for place in places}, scan, now)


def unchanged(record: LockRecord) -> bool:
    """Return whether the very file of a record still stands at its path as it was read."""
    try:
        status = os.lstat(record.path)
    except OSError:
        return False
    identity = record.identity
    return identity is not None and (status.st_ino, status.st_ctime_ns) == (identity.ino, identity.ctime_ns)


def _look(places: Sequence[Place], now: float, search: bool) -> tuple[list[LockView], DescriptorScan | None]:
    views: list[LockView | None] = [None] * len(places)
    todo = list(range(len(places)))
    scan: DescriptorScan | None = None
    surroundings: Surroundings | None = None
    for attempt in range(_TRIES):
        records = {
            i: read_lock(places[i].path, places[i].root, places[i].agent, places[i].kind) for i in todo
        }
        openers = _openers_named_in(records.values())
        unexplained = [
            i for i in todo if records[i].identity is not None and inode_of(records[i]) not in openers
        ]
        # A lock released since it was read needs no search, only another look.
        sought = {i for i in unexplained if attempt + 1 == _TRIES or unchanged(records[i])}
        if sought or (search and scan is None):
            scan = scan_all({inode_of(records[i]) for i in sought})
        if surroundings is None or sought:
            surroundings = surroundings_now(with_inner=bool(sought))
        for i in todo:
            evidence = evidence_of_lock(places[i], records[i], openers, scan, surroundings, now)
            views[i] = LockView(records[i], evidence, judge(evidence))
        # A lock that was re-created while the processes were searched has lost its holder only on paper.
        todo = [i for i in unexplained if i not in sought or not unchanged(records[i])]
        if not todo:
            break
    return [view for view in views if view is not None], scan


def _openers_named_in(records: Iterable[LockRecord]) -> Openers:
    """Return which of the locks the processes have open that the locks themselves name."""
    readable = [record for record in records if record.identity is not None]
    pids = {record.payload.pid for record in readable if record.payload is not None}
    if not pids:
        return {}
    return dict(scan_pids(sorted(pids), {inode_of(record) for record in readable}).openers)


def _removed(
    places: Sequence[Place], examined: Collection[str], scan: DescriptorScan | None, now: float
) -> list[LockView]:
    """Find locks, beside those examined, that were deleted under a live holder: no file, but an open descriptor."""
    if scan is None or not scan.deleted:
        return []
    views = []
    for path, place in sorted(_deleted_paths(places, scan).items()):
        openers = () if path in examined or os.path.lexists(path) else deleted_at(path, scan)
        if not openers:
            continue
        kind = _GATEWAY if place.kind is _GATEWAY else LockKind.SESSION
        written = written_at(openers)
        record = LockRecord(path, place.root, place.agent, kind, Presence.ABSENT, mtime=written)
        evidence = evidence_of_deleted(place, record, openers, scan, now)
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
