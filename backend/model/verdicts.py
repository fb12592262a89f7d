"""The verdict on a lock: `judge()`.

Pure: the same evidence always gives the same judgement, and whatever is not known counts against releasing.
"""

from __future__ import annotations

from collections.abc import Iterator

from lockdeck.backend.model.locks import (
    Evidence,
    Holder,
    Judgement,
    Liveness,
    LockKind,
    LockRecord,
    PayloadState,
    Presence,
    Proof,
    Verdict,
)
from lockdeck.backend.model.trust import ROOT_UID
from lockdeck.backend.model.words import duration

CREATION_GRACE_S = 30.0
"""An empty or half-written payload younger than this (seconds since mtime) is a lock being taken."""
_RELEASABLE = frozenset({Verdict.RECYCLED, Verdict.DEAD, Verdict.UNREADABLE})
_KEPT_OPEN = frozenset({LockKind.SESSION, LockKind.GATEWAY})
"""Kinds whose holder keeps the descriptor open all the time (seen on 2026.4.5, 2026.7.35 and 2026.9.6)."""

_KINDS = {
    LockKind.STORE: "a store lock",
    LockKind.AUTH: "an auth lock",
    LockKind.SANDBOX: "a sandbox lock",
    LockKind.OTHER: "a lock of another kind",
}

_NOT_THERE = {
    Presence.ABSENT: "there is nothing to release",
    Presence.IRREGULAR: "only a regular file is ever released",
    Presence.UNREADABLE: "what can't be read is never released",
}
"""The reasons for which something that is no readable lock file is not released."""

_WALL_CLOCK = (
    "only the wall clock tells that the live process is another one than the lock's, and a clock can be set: "
    "end that process, or check it and release with --override leaked"
)

_Finding = tuple[Verdict, tuple[str, ...], Holder | None]


def judge(evidence: Evidence) -> Judgement:
    """Say what follows from the evidence. First matching rule wins; whatever is unknown forbids release."""
    record = evidence.record
    verdict, reasons, holder = _verdict(evidence)
    if record.kind is LockKind.GATEWAY and record.payload is not None and record.payload.role is not None:
        reasons = (*reasons, f"its owner says that it is {record.payload.role}, not a gateway")
    reasons = (*reasons, *_beside_another(evidence))
    if verdict in _RELEASABLE:
        obstacles = tuple(_obstacles(evidence))
        return Judgement(verdict, (*reasons, *obstacles), not obstacles, holder)
    if record.kind is not LockKind.SESSION:
        reasons = (*reasons, _not_a_session_lock(record))
    return Judgement(verdict, reasons, False, holder)


def _verdict(evidence: Evidence) -> _Finding:
    record = evidence.record
    if record.presence is Presence.ABSENT:
        return _absent(evidence)
    in_hand = _in_hand(evidence)
    if in_hand is not None:
        return in_hand
    if evidence.era == "sqlite" and record.kind is not LockKind.GATEWAY:
        return Verdict.LITTER, ("the root keeps its sessions in SQLite: nothing reads this file",), None
    if record.presence is not Presence.FILE:
        return Verdict.UNREADABLE, (_unreadable_sentence(evidence),), None
    if record.payload is None:
        return Verdict.UNREADABLE, (_unreadable_sentence(evidence), _scan_sentence(evidence)), None
    if evidence.liveness is Liveness.ALIVE and evidence.start_matches is not False:
        finding = _live_owner(evidence)
        if finding is not None:
            return finding
    foreign = tuple(_foreign_reasons(evidence))
    if foreign:
        return Verdict.FOREIGN, foreign, None
    return _ownerless(evidence)


def _in_hand(evidence: Evidence) -> _Finding | None:
    """Judge a lock that is being taken or released this moment, or that somebody is seen to have open."""
    record = evidence.record
    if record.presence is Presence.FILE and _being_written(evidence):
        return Verdict.CREATING, (_creation_sentence(evidence),), _first(evidence.openers)
    if _is_stand_in(evidence):
        return Verdict.RELEASING, (_release_sentence(record),), None
    if evidence.openers:
        holder = evidence.openers[0]
        return Verdict.HELD, (_open_sentence(holder), *_payload_mismatch(evidence, holder)), holder
    return None


def _is_stand_in(evidence: Evidence) -> bool:
    """Return whether the process of a release, and nobody else, has this lock: whoever else has it open is its holder."""
    payload = evidence.record.payload
    lives = evidence.liveness is Liveness.ALIVE and evidence.start_matches is not False
    alone = payload is not None and all(opener.pid == payload.pid for opener in evidence.openers)
    return evidence.stands_in and lives and alone


def _absent(evidence: Evidence) -> _Finding:
    holder = _first(evidence.deleted_openers)
    if holder is None:
        return Verdict.UNREADABLE, ("the lock file is gone",), None
    still = tuple(
        f"{_process(opener)} still has the deleted lock file open" for opener in evidence.deleted_openers
    )
    return Verdict.REMOVED, still, holder


def _being_written(evidence: Evidence) -> bool:
    state = evidence.record.payload_state
    written = state in (PayloadState.EMPTY, PayloadState.HALF_WRITTEN)
    return written and evidence.untouched_s < CREATION_GRACE_S


def _live_owner(evidence: Evidence) -> _Finding | None:
    """Judge a lock whose named process is alive and has not been shown to be another one."""
    record, payload = evidence.record, evidence.record.payload
    if payload is None or evidence.from_earlier_boot or evidence.own_namespace is False:
        return None
    holder = Holder(
        payload.pid,
        evidence.process_name,
        evidence.process_started_at,
        Proof.PID,
        evidence.process_start_ticks,
    )
    alive = f"pid {payload.pid} ({evidence.process_name or 'name not readable'}) is alive"
    start = _start_sentence(evidence)
    if record.kind not in _KEPT_OPEN:
        return Verdict.HELD, (alive, start, "locks of this kind are not known to be kept open"), holder
    if not evidence.scan.complete:
        return Verdict.HELD, (alive, start, _scan_sentence(evidence)), holder
    return Verdict.LEAKED, (alive, start, _scan_sentence(evidence)), holder


def _ownerless(evidence: Evidence) -> _Finding:
    """Judge a lock that nobody has open and whose writer is not a live process here."""
    pid = evidence.record.payload.pid if evidence.record.payload else 0
    scan = _scan_sentence(evidence)
    if evidence.from_earlier_boot:
        return Verdict.DEAD, ("the lock was made before this machine's boot", scan), None
    if evidence.liveness is Liveness.GONE:
        return Verdict.DEAD, (f"pid {pid} is gone (ESRCH)", scan), None
    if evidence.liveness is Liveness.ZOMBIE and evidence.start_matches is not False:
        return Verdict.DEAD, (f"pid {pid} is a zombie: it has ended and holds nothing", scan), None
    if evidence.start_matches is False:
        return Verdict.RECYCLED, (_start_sentence(evidence), scan), None
    return Verdict.FOREIGN, (f"whether pid {pid} is alive could not be found out",), None


def _foreign_reasons(evidence: Evidence) -> Iterator[str]:
    if evidence.namespace_note:
        yield evidence.namespace_note
    elif evidence.own_namespace is None:
        yield "whether the writer shares this pid namespace is not known"
    elif not evidence.own_namespace:
        yield "the lock may have been written in another pid namespace"
    if evidence.volume == "network":
        yield f"{evidence.fs_type} is a network or shared file system: the writer may be on another host"
    elif evidence.volume != "local" and evidence.fs_type == "overlay":
        yield "it lies on an overlay: who has it open below, under its other name, can't be seen from here"
    elif evidence.volume != "local":
        yield f"the file system kind ({evidence.fs_type or 'unknown'}) is not known to be local"
    if not evidence.scan.complete:
        yield _scan_sentence(evidence)


def _obstacles(evidence: Evidence) -> Iterator[str]:
    """Yield why a lock without a holder may still not be released."""
    record = evidence.record
    if record.kind is not LockKind.SESSION:
        yield _not_a_session_lock(record)
    if evidence.deleted_openers:
        yield "an earlier lock of this name is still open, so the session may be written to this moment"
    if record.presence is not Presence.FILE:
        yield _NOT_THERE[record.presence]
        return
    if record.identity is None:
        yield "its bytes could not be read, so it can't be told from another lock"
    if record.nlink != 1:
        yield f"the file has {record.nlink} hard links"
    yield from _obstacles_of_owner(record.uid, evidence.our_uid, evidence.owners)
    if evidence.only_wall_clock:
        yield _WALL_CLOCK
    if record.payload is None:
        yield from _obstacles_without_payload(evidence)


def _obstacles_of_owner(uid: int | None, ours: int | None, vouched: frozenset[int]) -> Iterator[str]:
    """Yield why a lock of this uid may not be released: root alone can let a stand-in be another account's."""
    if ours is not None and (uid == ours or (ours == ROOT_UID and uid in vouched)):
        return
    yield f"the lock belongs to uid {uid}, not to ours ({ours})"
    if uid in vouched:
        yield (
            "you vouch for its owner, but its OpenClaw would take a stand-in of ours for dead: "
            f"sudo -u '#{uid}' lockdeck release …"
        )


def _obstacles_without_payload(evidence: Evidence) -> Iterator[str]:
    yield from (reason for reason in _foreign_reasons(evidence) if reason != _scan_sentence(evidence))
    if not evidence.scan.complete:
        yield "so a holder can't be ruled out"
    if evidence.untouched_s < CREATION_GRACE_S:
        yield f"it was written {duration(evidence.untouched_s)} ago; {duration(CREATION_GRACE_S)} of quiet are needed"


def _first(holders: tuple[Holder, ...]) -> Holder | None:
    return holders[0] if holders else None


def _not_a_session_lock(record: LockRecord) -> str:
    if record.kind is LockKind.GATEWAY:
        return "a gateway lock is never released: OpenClaw takes a stale one over by itself when a gateway starts"
    return f"{_KINDS[record.kind]} is shown but never released"


def _open_sentence(holder: Holder) -> str:
    return f"{_process(holder)} has the lock file open"


def _process(holder: Holder) -> str:
    return f"pid {holder.pid} ({holder.name or 'name not readable'})"


def _beside_another(evidence: Evidence) -> Iterator[str]:
    """Yield who has an earlier lock of this name open, that was deleted while it was held."""
    if evidence.record.presence is not Presence.ABSENT:
        for holder in evidence.deleted_openers:
            yield f"{_process(holder)} still has an earlier lock of this name open, which was deleted"


def _payload_mismatch(evidence: Evidence, holder: Holder) -> Iterator[str]:
    payload = evidence.record.payload
    if payload is not None and payload.pid != holder.pid:
        note = evidence.namespace_note or "the open descriptor counts"
        yield f"the payload names pid {payload.pid}: {note}"


def _creation_sentence(evidence: Evidence) -> str:
    state = "empty" if evidence.record.payload_state is PayloadState.EMPTY else "half-written"
    return f"the payload is {state} and {duration(evidence.untouched_s)} old: the lock is being taken"


def _release_sentence(record: LockRecord) -> str:
    pid = "" if record.payload is None else f" by pid {record.payload.pid}"
    return f"release under way{pid}: lockdeck keeps the name taken while it takes the dead lock away"


def _unreadable_sentence(evidence: Evidence) -> str:
    return evidence.record.problem or f"the payload is {evidence.record.payload_state}"


def _start_sentence(evidence: Evidence) -> str:
    payload, ticks = evidence.record.payload, evidence.process_start_ticks
    if payload is None:
        return "no payload"
    if payload.starttime is not None and ticks is not None:
        relation = "is" if payload.starttime == ticks else "is not"
        return f"pid {payload.pid} started at tick {ticks}, which {relation} the lock's {payload.starttime}"
    if evidence.start_matches is False:
        return f"pid {payload.pid} is younger than the lock: the pid was reused"
    return f"the start time of pid {payload.pid} can't be compared"


def _scan_sentence(evidence: Evidence) -> str:
    scan, identity = evidence.scan, evidence.record.identity
    file = f"inode {identity.ino}" if identity else "the file"
    if not scan.supported:
        return f"who has {file} open can't be seen on this system"
    if scan.hidden and not scan.unwritten:
        names = ", ".join(scan.hidden[:3]) + (" …" if len(scan.hidden) > 3 else "")
        count = f"{len(scan.hidden)} processes" if len(scan.hidden) > 1 else "a process"
        return f"{count} that could have {file} open could not be inspected ({names})"
    counted = f"{scan.inspected} of {scan.total} inspected"
    if scan.hidden:
        return (
            f"no process has {file} open ({counted}; the kernel confirms that none has it open for writing)"
        )
    return f"no process has {file} open ({counted})"
