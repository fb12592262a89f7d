"""The verdict on a lock: every verdict and every reason, and what no evidence may ever lead to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from lockdeck.backend.model.locks import (
    Evidence,
    Holder,
    Liveness,
    LockIdentity,
    LockKind,
    LockPayload,
    LockRecord,
    PayloadState,
    Presence,
    Proof,
    ScanEvidence,
    Verdict,
)
from lockdeck.backend.model.verdicts import judge

NOW = 1_800_000_000.0
UID = 1000
IDENTITY = LockIdentity.of(8, 2499111, 123, b"{}")
HOLDER = Holder(4711, "openclaw-gateway", NOW - 500, Proof.FD, 628356)
COMPLETE = ScanEvidence(True, 142, 142)
PARTIAL = ScanEvidence(True, 140, 142, ("pid 9 sshd", "pid 10 bash"))


def record(**changes):
    facts = {
        "path": "/s/a.jsonl.lock",
        "root": "/r",
        "agent": "main",
        "kind": LockKind.SESSION,
        "presence": Presence.FILE,
        "identity": IDENTITY,
        "payload": LockPayload(4711, NOW - 60, 628356),
        "payload_state": PayloadState.VALID,
        "mtime": NOW - 60,
        "uid": UID,
    }
    return LockRecord(**{**facts, **changes})


def evidence(record_changes=None, **changes):
    facts = {
        "record": record(**(record_changes or {})),
        "observed_at": NOW,
        "liveness": Liveness.GONE,
        "scan": COMPLETE,
        "own_namespace": True,
        "volume": "local",
        "fs_type": "ext4",
        "boot_time": NOW - 100_000,
        "our_uid": UID,
    }
    return Evidence(**{**facts, **changes})


ALIVE = {"liveness": Liveness.ALIVE, "process_name": "openclaw-gateway", "process_start_ticks": 628356}
OTHER = {"liveness": Liveness.ALIVE, "process_name": "clawmetry", "process_start_ticks": 999}
NO_PAYLOAD = {"payload": None, "payload_state": PayloadState.INVALID, "problem": "the payload is not JSON"}
OLD_WORLD = {"payload": LockPayload(4711, NOW - 200_000, 628356), "mtime": NOW - 200_000}

CASES = {
    "an empty young file is being created": (
        evidence({"payload": None, "payload_state": PayloadState.EMPTY, "mtime": NOW - 1}),
        (Verdict.CREATING, False, "the payload is empty and 1 s old"),
    ),
    "a half-written young file is being created": (
        evidence({"payload": None, "payload_state": PayloadState.HALF_WRITTEN, "mtime": NOW - 29}),
        (Verdict.CREATING, False, "half-written and 29 s old"),
    ),
    "an open descriptor holds": (
        evidence(openers=(HOLDER,), **ALIVE),
        (Verdict.HELD, False, "pid 4711 (openclaw-gateway) has the lock file open"),
    ),
    "an open descriptor holds whatever the payload says": (
        evidence({"payload": LockPayload(7, NOW - 60, 1)}, openers=(HOLDER,)),
        (Verdict.HELD, False, "the payload names pid 7"),
    ),
    "an open descriptor holds an old empty file": (
        evidence(
            {"payload": None, "payload_state": PayloadState.EMPTY, "mtime": NOW - 99}, openers=(HOLDER,)
        ),
        (Verdict.HELD, False, "has the lock file open"),
    ),
    "an open descriptor holds in another namespace and on a network": (
        evidence(openers=(HOLDER,), own_namespace=False, volume="network", fs_type="nfs4"),
        (Verdict.HELD, False, "has the lock file open"),
    ),
    "an open descriptor holds in a root that moved to SQLite": (
        evidence(openers=(HOLDER,), era="sqlite"),
        (Verdict.HELD, False, "has the lock file open"),
    ),
    "a live pid whose descriptors can't be read holds": (
        evidence(scan=PARTIAL, **ALIVE),
        (Verdict.HELD, False, "2 processes that could have inode 2499111 open could not be inspected"),
    ),
    "a live pid holds where descriptors can't be seen at all": (
        evidence(scan=ScanEvidence(), **ALIVE),
        (Verdict.HELD, False, "can't be seen on this system"),
    ),
    "a live pid that closed the file leaked the lock": (
        evidence(**ALIVE),
        (Verdict.LEAKED, False, "no process has inode 2499111 open (142 of 142 inspected)"),
    ),
    "without start ticks an older process may be the writer": (
        evidence(
            {"payload": LockPayload(4711, NOW - 60)},
            liveness=Liveness.ALIVE,
            process_started_at=NOW - 500,
            process_start_ticks=5,
        ),
        (Verdict.LEAKED, False, "can't be compared"),
    ),
    "without start ticks a younger process is not the writer": (
        evidence(
            {"payload": LockPayload(4711, NOW - 60)},
            liveness=Liveness.ALIVE,
            process_started_at=NOW - 10,
            process_start_ticks=5,
        ),
        (Verdict.RECYCLED, False, "younger than the lock"),
    ),
    "what can be no OpenClaw is not the writer, whatever the clock says": (
        evidence(
            {"payload": LockPayload(4711, NOW - 60)},
            liveness=Liveness.ALIVE,
            process_started_at=NOW - 10,
            process_start_ticks=5,
            process_may_be_openclaw=False,
        ),
        (Verdict.RECYCLED, True, "younger than the lock"),
    ),
    "another start time means a recycled pid": (
        evidence(**OTHER),
        (Verdict.RECYCLED, True, "started at tick 999, which is not the lock's 628356"),
    ),
    "a pid that is gone is dead": (evidence(), (Verdict.DEAD, True, "pid 4711 is gone (ESRCH)")),
    "a zombie is dead": (
        evidence(**{**ALIVE, "liveness": Liveness.ZOMBIE}),
        (Verdict.DEAD, True, "pid 4711 is a zombie"),
    ),
    "a lock from before the boot is dead whoever has its pid now": (
        evidence(OLD_WORLD, **OTHER),
        (Verdict.DEAD, True, "made before this machine's boot"),
    ),
    "a clock that was set after the boot makes no lock of a live process dead": (
        evidence(OLD_WORLD, **ALIVE),
        (Verdict.LEAKED, False, "which is the lock's 628356"),
    ),
    "without start ticks the wall clock alone releases nothing from before the boot": (
        evidence({**OLD_WORLD, "payload": LockPayload(4711, NOW - 200_000)}, **ALIVE),
        (Verdict.DEAD, False, "made before this machine's boot"),
    ),
    "without start ticks a dead pid needs no clock": (
        evidence({**OLD_WORLD, "payload": LockPayload(4711, NOW - 200_000)}),
        (Verdict.DEAD, True, "made before this machine's boot"),
    ),
    "a dead pid is foreign in another namespace": (
        evidence(own_namespace=False, namespace_note="pid 4711 is what pid 9 calls itself elsewhere"),
        (Verdict.FOREIGN, False, "what pid 9 calls itself"),
    ),
    "a dead pid is foreign when the namespace is not known": (
        evidence(own_namespace=None),
        (Verdict.FOREIGN, False, "not known"),
    ),
    "a dead pid is foreign when the namespace is another": (
        evidence(own_namespace=False),
        (Verdict.FOREIGN, False, "another pid namespace"),
    ),
    "a dead pid is foreign on a network file system": (
        evidence(volume="network", fs_type="nfs4"),
        (Verdict.FOREIGN, False, "nfs4 is a network or shared file system"),
    ),
    "a dead pid is foreign on an unknown file system": (
        evidence(volume="unknown", fs_type="weirdfs"),
        (Verdict.FOREIGN, False, "weirdfs"),
    ),
    "a dead pid is foreign when a process that could hold it was not inspected": (
        evidence(scan=PARTIAL),
        (Verdict.FOREIGN, False, "could not be inspected (pid 9 sshd, pid 10 bash)"),
    ),
    "a recycled pid is foreign on a network file system": (
        evidence(volume="network", fs_type="nfs4", **OTHER),
        (Verdict.FOREIGN, False, "nfs4"),
    ),
    "a live pid of another namespace is foreign": (
        evidence(own_namespace=False, **ALIVE),
        (Verdict.FOREIGN, False, "another pid namespace"),
    ),
    "an unknown liveness is foreign": (
        evidence(liveness=None),
        (Verdict.FOREIGN, False, "could not be found out"),
    ),
    "junk is unreadable and young junk is not releasable": (
        evidence({**NO_PAYLOAD, "mtime": NOW - 5}),
        (Verdict.UNREADABLE, False, "30 s of quiet are needed"),
    ),
    "old junk that nobody has open may be released": (
        evidence(NO_PAYLOAD),
        (Verdict.UNREADABLE, True, "the payload is not JSON"),
    ),
    "an empty file that stays empty may be released": (
        evidence({"payload": None, "payload_state": PayloadState.EMPTY, "mtime": NOW - 31}),
        (Verdict.UNREADABLE, True, "the payload is empty"),
    ),
    "old junk is not releasable while a process hides": (
        evidence(NO_PAYLOAD, scan=PARTIAL),
        (Verdict.UNREADABLE, False, "could not be inspected"),
    ),
    "a directory in place of a lock is unreadable": (
        evidence(
            {**NO_PAYLOAD, "presence": Presence.IRREGULAR, "identity": None, "problem": "it is a directory"}
        ),
        (Verdict.UNREADABLE, False, "it is a directory"),
    ),
    "a file that can't be opened is unreadable": (
        evidence(
            {**NO_PAYLOAD, "presence": Presence.UNREADABLE, "identity": None, "problem": "permission denied"}
        ),
        (Verdict.UNREADABLE, False, "permission denied"),
    ),
    "a deleted file that is still open was removed under its holder": (
        evidence({"presence": Presence.ABSENT, "identity": None, "payload": None}, deleted_openers=(HOLDER,)),
        (Verdict.REMOVED, False, "still has the deleted lock file open"),
    ),
    "a file that is gone for everybody leaves nothing to judge": (
        evidence({"presence": Presence.ABSENT, "identity": None, "payload": None}),
        (Verdict.UNREADABLE, False, "the lock file is gone"),
    ),
    "a live stand-in has the name while a lockdeck releases": (
        evidence(stands_in=True, **ALIVE),
        (Verdict.RELEASING, False, "release under way by pid 4711"),
    ),
    "who has a lock open that calls itself a stand-in's holds it": (
        evidence(stands_in=True, openers=(replace(HOLDER, pid=4712),), **ALIVE),
        (Verdict.HELD, False, "has the lock file open"),
    ),
    "a stand-in that has ended left a dead lock": (
        evidence(stands_in=True),
        (Verdict.DEAD, True, "pid 4711 is gone"),
    ),
    "a pid that is another process than the stand-in releases nothing": (
        evidence(stands_in=True, **(ALIVE | {"process_start_ticks": 7})),
        (Verdict.RECYCLED, True, "which is not the lock's"),
    ),
    "old locks of a root in SQLite are litter": (
        evidence(era="sqlite"),
        (Verdict.LITTER, False, "nothing reads this file"),
    ),
    "a store lock is shown but never released": (
        evidence({"kind": LockKind.STORE}),
        (Verdict.DEAD, False, "a store lock is shown but never released"),
    ),
    "a store lock of a live pid is held though nobody keeps it open": (
        evidence({"kind": LockKind.STORE}, **ALIVE),
        (Verdict.HELD, False, "not known to be kept open"),
    ),
    "an auth lock is shown but never released": (
        evidence({"kind": LockKind.AUTH}),
        (Verdict.DEAD, False, "an auth lock is shown but never released"),
    ),
    "a lock of another kind is shown but never released": (
        evidence({"kind": LockKind.OTHER}),
        (Verdict.DEAD, False, "a lock of another kind is shown but never released"),
    ),
    "a dead lock is not releasable while an earlier one of its name is open": (
        evidence(deleted_openers=(HOLDER,)),
        (Verdict.DEAD, False, "pid 4711 (openclaw-gateway) still has an earlier lock of this name open"),
    ),
    "a recycled lock is not releasable while an earlier one of its name is open": (
        evidence(deleted_openers=(HOLDER,), **OTHER),
        (Verdict.RECYCLED, False, "pid 4711 (openclaw-gateway) still has an earlier lock of this name open"),
    ),
    "junk is not releasable while an earlier lock of its name is open": (
        evidence({**NO_PAYLOAD, "mtime": NOW - 60}, deleted_openers=(HOLDER,)),
        (
            Verdict.UNREADABLE,
            False,
            "pid 4711 (openclaw-gateway) still has an earlier lock of this name open",
        ),
    ),
    "one process that can't be inspected is one": (
        evidence(scan=ScanEvidence(True, 141, 142, ("pid 9 sshd",))),
        (
            Verdict.FOREIGN,
            False,
            "a process that could have inode 2499111 open could not be inspected (pid 9",
        ),
    ),
    "a hard-linked lock is not releasable": (
        evidence({"nlink": 2}),
        (Verdict.DEAD, False, "2 hard links"),
    ),
    "a lock of another user is not releasable": (
        evidence({"uid": 0}),
        (Verdict.DEAD, False, "belongs to uid 0, not to ours (1000)"),
    ),
    "a lock of an owner who is vouched for is not releasable but by root, and it is said who may": (
        evidence({"uid": 1001}, owners=frozenset({1001})),
        (Verdict.DEAD, False, "sudo -u '#1001' lockdeck release"),
    ),
    "root may release a lock of an owner who is vouched for": (
        evidence({"uid": 1001}, our_uid=0, owners=frozenset({1001})),
        (Verdict.DEAD, True, "is gone"),
    ),
    "root may not release a lock of anybody else": (
        evidence({"uid": 1002}, our_uid=0, owners=frozenset({1001})),
        (Verdict.DEAD, False, "belongs to uid 1002, not to ours (0)"),
    ),
    "a lock is not releasable when our own uid is not known": (
        evidence(our_uid=None),
        (Verdict.DEAD, False, "not to ours"),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_verdict(name):
    given_evidence, (verdict, releasable, reason) = CASES[name]
    found = judge(given_evidence)
    assert (found.verdict, found.releasable) == (verdict, releasable), found
    assert any(reason in sentence for sentence in found.reasons), found.reasons


@pytest.mark.parametrize(
    ("presence", "sentence"),
    [
        (Presence.IRREGULAR, "only a regular file is ever released"),
        (Presence.UNREADABLE, "what can't be read is never released"),
    ],
)
def test_a_file_that_cannot_be_read_is_not_called_irregular(presence, sentence):
    reasons = judge(evidence({**NO_PAYLOAD, "presence": presence})).reasons
    assert [
        reason for reason in reasons if "is ever released" in reason or "is never released" in reason
    ] == [sentence]


def test_every_holder_of_a_deleted_lock_is_named():
    other = replace(HOLDER, pid=4712)
    gone = {"presence": Presence.ABSENT, "identity": None, "payload": None}
    for changes in (gone, {}):
        told = " ".join(judge(evidence(changes, deleted_openers=(HOLDER, other))).reasons)
        assert "pid 4711" in told
        assert "pid 4712" in told


def test_every_verdict_has_a_case():
    assert {verdict for _, (verdict, _, _) in CASES.values()} == set(Verdict)


def test_age_alone_never_makes_a_lock_releasable():
    for age in (0, 60, 86_400, 10 * 86_400):
        held = evidence({"payload": LockPayload(4711, NOW - age, 628356)}, boot_time=0.0, **ALIVE)
        assert not judge(held).releasable


texts = st.text(max_size=8)
holders = st.builds(Holder, st.integers(1, 9), texts, st.none() | st.floats(0, 2e9), st.sampled_from(Proof))
times = st.none() | st.floats(-1e12, 1e12)
payloads = st.none() | st.builds(
    LockPayload, st.integers(1, 9), times, st.none() | st.integers(0, 3), st.none() | st.integers(1, 9)
)
records = st.builds(
    LockRecord,
    texts,
    texts,
    st.none() | texts,
    st.sampled_from(LockKind),
    st.sampled_from(Presence),
    st.none() | st.just(IDENTITY),
    payloads,
    st.sampled_from(PayloadState),
    st.none() | texts,
    times,
    st.none() | st.integers(0, 2),
    st.integers(1, 3),
)
scans = st.builds(
    ScanEvidence, st.booleans(), st.integers(0, 9), st.integers(0, 9), st.tuples() | st.tuples(texts)
)
anything = st.builds(
    Evidence,
    record=records,
    observed_at=st.floats(-1e12, 1e12),
    liveness=st.none() | st.sampled_from(Liveness),
    process_name=texts,
    process_started_at=times,
    process_start_ticks=st.none() | st.integers(0, 3),
    openers=st.tuples() | st.tuples(holders),
    deleted_openers=st.tuples() | st.tuples(holders),
    scan=scans,
    own_namespace=st.none() | st.booleans(),
    namespace_note=st.none() | texts,
    volume=st.sampled_from(["local", "network", "unknown"]),
    fs_type=texts,
    boot_time=times,
    our_uid=st.none() | st.integers(0, 2),
    owners=st.frozensets(st.integers(0, 2), max_size=2),
    era=st.sampled_from(["files", "sqlite"]),
)


@given(anything)
def test_nothing_is_releasable_while_any_evidence_of_a_holder_exists(observed):
    found = judge(observed)
    assert found.reasons
    if not found.releasable:
        return
    record = observed.record
    assert not observed.openers
    assert not observed.deleted_openers
    assert found.holder is None
    assert observed.scan.complete
    assert observed.volume == "local"
    assert observed.own_namespace is True
    assert observed.era == "files"
    assert record.kind is LockKind.SESSION
    assert record.presence is Presence.FILE
    assert record.identity is not None
    assert record.nlink == 1
    assert observed.our_uid is not None
    assert record.uid == observed.our_uid or (observed.our_uid == 0 and record.uid in observed.owners)
    if observed.liveness is Liveness.ALIVE and record.payload is not None:
        assert observed.same_ticks is False


@given(anything)
def test_the_same_evidence_gives_the_same_judgement(observed):
    assert judge(observed) == judge(replace(observed))
