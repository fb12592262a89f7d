"""Which gateway serves a root and who was refused because of it: only by the verdicts on its locks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from lockdeck.backend.model.fleet import FleetSnapshot, LockView, RefusedStart, RootView
from lockdeck.backend.model.gateways import (
    RECENT_S,
    gateway_of,
    is_alive,
    refused_start,
    sentences,
    started_at,
)
from lockdeck.backend.model.locks import (
    Evidence,
    Judgement,
    LockKind,
    LockPayload,
    LockRecord,
    Presence,
    Proof,
    Verdict,
)
from lockdeck.backend.model.needs import needs_person
from lockdeck.backend.model.runs.events import GatewayRefused
from lockdeck.backend.model.verdicts import judge
from lockdeck.backend.model.wire import root_json
from lockdeck.backend.model.words import hour_and_minute
from tests.unit.model.test_verdicts import ALIVE, COMPLETE, HOLDER, NO_PAYLOAD, NOW, OTHER, PARTIAL, evidence

PAYLOAD = LockPayload(4711, NOW - 60, 628356, port=18789)
BASE = {"kind": LockKind.GATEWAY, "path": "/r/tmp/openclaw-0/gateway.state.lock", "payload": PAYLOAD}
ABSENT = {"presence": Presence.ABSENT, "identity": None, "payload": None}
CASES = {
    "an open descriptor": (evidence(BASE, openers=(HOLDER,)), Verdict.HELD, True),
    "an open descriptor in SQLite": (evidence(BASE, openers=(HOLDER,), era="sqlite"), Verdict.HELD, True),
    "alive and the descriptors can't be read": (evidence(BASE, scan=PARTIAL, **ALIVE), Verdict.HELD, True),
    "alive and it has let go": (evidence(BASE, **ALIVE), Verdict.LEAKED, True),
    "gone": (evidence(BASE), Verdict.DEAD, False),
    "gone in SQLite": (evidence(BASE, era="sqlite"), Verdict.DEAD, False),
    "another start": (evidence(BASE, **OTHER), Verdict.RECYCLED, False),
    "another namespace": (evidence(BASE, own_namespace=False), Verdict.FOREIGN, None),
    "a network volume": (evidence(BASE, volume="network", fs_type="nfs4"), Verdict.FOREIGN, None),
    "junk": (evidence({**BASE, **NO_PAYLOAD}), Verdict.UNREADABLE, None),
    "junk in SQLite": (evidence({**BASE, **NO_PAYLOAD}, era="sqlite"), Verdict.UNREADABLE, None),
    "junk that is open": (evidence({**BASE, **NO_PAYLOAD}, openers=(HOLDER,)), Verdict.HELD, True),
    "deleted but open": (evidence({**BASE, **ABSENT}, deleted_openers=(HOLDER,)), Verdict.REMOVED, True),
}


def view(given_evidence: Evidence) -> LockView:
    return LockView(given_evidence.record, given_evidence, judge(given_evidence))


HELD, DEAD = view(CASES["an open descriptor"][0]), view(CASES["gone"][0])
RECYCLED, FOREIGN = view(CASES["another start"][0]), view(CASES["another namespace"][0])
LEAKED = view(CASES["alive and it has let go"][0])


@pytest.mark.parametrize("name", CASES)
def test_a_gateway_lock_is_judged_as_any_other_and_never_released(name):
    given_evidence, verdict, alive = CASES[name]
    found = judge(given_evidence)
    assert (found.verdict, found.releasable, is_alive(found)) == (verdict, False, alive), found
    if verdict is not Verdict.CREATING:
        assert any("OpenClaw takes a stale one over by itself" in reason for reason in found.reasons)


def test_a_lock_that_is_being_written_tells_nothing_of_a_life_yet():
    young = evidence({**BASE, **NO_PAYLOAD, "payload_state": "empty", "mtime": NOW - 1})
    assert (judge(young).verdict, is_alive(judge(young))) == (Verdict.CREATING, None)
    assert gateway_of([view(young)], 18789) is None


def test_an_owner_that_is_no_gateway_is_named_and_serves_nobody():
    told = replace(PAYLOAD, role="sqlite-maintenance")
    lock = view(evidence({**BASE, "payload": told}, openers=(HOLDER,)))
    assert "its owner says that it is sqlite-maintenance, not a gateway" in lock.judgement.reasons
    assert gateway_of([lock], 18789) is None
    assert list(sentences([lock], None)) == [
        "pid 4711 (sqlite-maintenance) has the gateway's lock: no gateway can start before it ends"
    ]


def test_the_gateway_is_whoever_holds_the_lock_with_the_port_it_names():
    found = gateway_of([HELD], None)
    assert (found.pid, found.port, found.alive) == (4711, 18789, True)
    assert started_at([HELD]) == HOLDER.started_at
    assert gateway_of([view(evidence({**BASE, "payload": LockPayload(4711, NOW)}))], 19001).port == 19001
    assert gateway_of([], 19001) is None


def test_in_a_container_the_gateways_pid_is_the_one_seen_here():
    inside = view(
        evidence({**BASE, "payload": replace(PAYLOAD, pid=7)}, openers=(HOLDER,), own_namespace=False)
    )
    assert (gateway_of([inside], None).pid, gateway_of([inside], None).alive) == (4711, True)


def test_a_living_owner_comes_before_a_newer_stale_lock():
    newer = evidence(
        {
            **BASE,
            "path": "/r/tmp/openclaw-0/gateway.0.lock",
            "payload": replace(PAYLOAD, pid=9, created_at=NOW),
        }
    )
    assert gateway_of([view(newer), HELD], None).pid == 4711
    assert started_at([view(newer)]) is None


def test_nothing_is_said_of_a_gateway_at_work():
    assert list(sentences([HELD], None)) == []


@pytest.mark.parametrize(
    ("lock", "words"),
    [
        (DEAD, "gateway pid 4711 is gone: its gateway lock is stale, and the next start takes it over"),
        (
            RECYCLED,
            "gateway pid 4711 is gone and its number belongs to another process: its gateway lock is stale",
        ),
        (LEAKED, "pid 4711 lives but has let go of the gateway lock"),
        (view(CASES["deleted but open"][0]), "a second gateway could start beside it"),
    ],
)
def test_a_lock_that_is_not_simply_held_is_worth_a_sentence(lock, words):
    (sentence,) = sentences([lock], None)
    assert words in sentence


def test_a_stale_lock_alone_needs_no_person_but_a_start_that_was_refused_because_of_it_does():
    stale = refused_start([GatewayRefused(NOW - 30, 4711, 5000)], [DEAD], None, False, NOW)
    live = refused_start([GatewayRefused(NOW - 30, 4711, 5000)], [HELD], None, False, NOW)
    assert stale == RefusedStart(NOW - 30, 1, 4711, False)
    assert live == RefusedStart(NOW - 30, 1, 4711, True)

    def fleet(refused):
        return FleetSnapshot(NOW, "h", (RootView("/r", "files", refused_start=refused),), locks=(DEAD,))

    assert [needs_person(fleet(told)) for told in (None, live, stale)] == [False, False, True]
    assert root_json(fleet(stale).roots[0], "h")["refusedStart"]["alive"] is False


ENOSYS = "failed to acquire gateway lock at /r/gateway.state.lock | openat2 | ENOSYS"
FAILED = [GatewayRefused(NOW - 40.0 * n, reason=ENOSYS) for n in range(7)]


def test_a_gateway_that_can_not_start_is_told_in_openclaws_own_words_and_needs_a_person():
    told = refused_start(FAILED, [], None, True, NOW)
    assert told == RefusedStart(NOW, 7, None, False, reason=ENOSYS)
    (sentence,) = sentences([], told)
    assert sentence == f"a gateway start failed 7 times, last at {hour_and_minute(NOW)}: {ENOSYS}"
    assert needs_person(FleetSnapshot(NOW, "h", (RootView("/r", "sqlite", refused_start=told),)))


def test_a_start_that_failed_is_over_once_a_gateway_has_come_up_and_no_matter_where_one_serves():
    before = [GatewayRefused(event.at - 1e6, reason=ENOSYS) for event in FAILED]
    assert refused_start(before, [HELD], None, True, NOW) is None
    beside = refused_start(FAILED[:1], [HELD], None, True, NOW)
    assert beside == RefusedStart(NOW, 1, None, True, reason=ENOSYS)
    assert next(sentences([HELD], beside)).endswith("; the gateway that was there before still runs")
    assert not needs_person(FleetSnapshot(NOW, "h", (RootView("/r", "files", refused_start=beside),)))


def test_a_start_that_failed_is_of_no_root_where_several_may_be_meant_or_it_was_long_ago():
    assert refused_start(FAILED, [], None, False, NOW) is None
    assert refused_start(FAILED, [], None, True, NOW + 4000.0) is None


@pytest.mark.parametrize(
    ("lock", "words"),
    [
        (HELD, "a second gateway was refused at {}: pid 4711 runs already, and it lives"),
        (LEAKED, "a second gateway was refused at {}: pid 4711 runs already, and it lives"),
        (DEAD, "pid 4711 had the lock and is gone: its lock is stale, the next start takes it over"),
        (RECYCLED, "pid 4711 had the lock and is gone: its lock is stale, the next start takes it over"),
        (FOREIGN, "pid 4711 had the lock; whether it lives can't be told from here"),
    ],
)
def test_a_refused_start_says_whether_the_owner_lives_by_the_verdict(lock, words):
    refused = refused_start([GatewayRefused(NOW - 30, 4711, 5000)], [lock], None, False, NOW)
    told = list(sentences([lock], refused))
    assert words.format(hour_and_minute(NOW - 30)) in told[0]
    assert hour_and_minute(NOW - 30) in told[0]


@pytest.mark.parametrize(
    ("event", "alone", "joined"),
    [
        (GatewayRefused(NOW - 30, 4711), False, True),
        (GatewayRefused(NOW - 30, 4712), True, False),
        (GatewayRefused(NOW - 61, 4711), True, False),
        (GatewayRefused(NOW + 60, 4711), True, False),
        (GatewayRefused(NOW - 30, port=18789), False, True),
        (GatewayRefused(NOW - 30, port=18790), True, False),
        (GatewayRefused(NOW - 30, waiting=True), True, True),
        (GatewayRefused(NOW - 30, waiting=True), False, False),
    ],
)
def test_a_line_is_joined_to_a_root_by_pid_or_port_and_else_only_where_no_other_can_be_meant(
    event, alone, joined
):
    assert (refused_start([event], [HELD], None, alone, NOW) is not None) is joined
    assert refused_start([event], [], None, alone, NOW) is None


def test_what_was_refused_an_hour_ago_is_no_news():
    old = view(evidence({**BASE, "payload": replace(PAYLOAD, created_at=NOW - 9000)}, openers=(HOLDER,)))
    assert refused_start([GatewayRefused(NOW - RECENT_S - 1, 4711)], [old], None, True, NOW) is None


def test_a_supervisor_that_tries_again_and_again_is_counted_and_two_lines_of_one_start_are_one():
    tries = [GatewayRefused(NOW - at, 4711) for at in (50, 45, 44.9, 40)]
    refused = refused_start(tries, [HELD], None, False, NOW)
    assert (refused.count, refused.at) == (3, NOW - 40)
    assert f"gateway starts were refused 3 times, last at {hour_and_minute(NOW - 40)}" in next(
        sentences([HELD], refused)
    )


def test_a_gateway_that_waits_is_told_as_waiting():
    refused = refused_start([GatewayRefused(NOW - 30, waiting=True)], [HELD], None, True, NOW)
    (sentence,) = sentences([HELD], refused)
    assert sentence.startswith(
        f"a gateway that is being started waits since {hour_and_minute(NOW - 30)}: pid 4711"
    )


verdicts = st.builds(
    Judgement,
    st.sampled_from(Verdict),
    st.just(("why",)),
    st.just(False),
    st.none() | st.just(HOLDER),
)
payloads = st.none() | st.builds(
    LockPayload,
    st.integers(1, 3),
    st.none() | st.floats(-1e18, 1e18),
    port=st.none() | st.integers(1, 3),
    role=st.none() | st.just("agent-embedded"),
)
views = st.builds(
    LockView,
    st.builds(
        LockRecord,
        st.text(max_size=3),
        st.just("/r"),
        st.none(),
        st.just(LockKind.GATEWAY),
        st.just(Presence.FILE),
        payload=payloads,
    ),
    st.just(CASES["gone"][0]),
    verdicts,
)
refusals = st.builds(
    GatewayRefused,
    st.floats(-1e18, 1e18),
    st.none() | st.integers(1, 3),
    port=st.none() | st.integers(1, 3),
    waiting=st.booleans(),
)


@given(st.lists(views, max_size=4), st.lists(refusals, max_size=6), st.booleans(), st.floats(-1e18, 1e18))
def test_whatever_was_seen_and_told_gateway_and_sentences_agree(locks, told, alone, now):
    gateway = gateway_of(locks, None)
    if gateway is not None:
        owners = [lock for lock in locks if lock.record.payload is None or lock.record.payload.role is None]
        assert gateway.alive in {is_alive(lock.judgement) for lock in owners}
        assert gateway.alive is True or not any(is_alive(lock.judgement) for lock in owners)
    refused = refused_start(told, locks, None, alone, now)
    if refused is not None:
        assert 1 <= refused.count <= len(told)
        assert 0 <= now - refused.at <= RECENT_S
    assert all(isinstance(sentence, str) and sentence for sentence in sentences(locks, refused))


def test_the_proof_of_a_gateway_at_work_is_its_descriptor():
    assert (HELD.judgement.holder.proof, COMPLETE.complete) == (Proof.FD, True)
