"""What a host lets itself be asked: role, time, rate, roots, the evidence that was shown, and what it journals."""

from __future__ import annotations

import time

import pytest
from msgspec.structs import replace

from lockdeck.backend.actions.journal import Journal
from lockdeck.backend.hosts import acts as acting
from lockdeck.backend.hosts import claims as claiming
from lockdeck.backend.hosts.acts import HostActs
from lockdeck.backend.hosts.asks import (
    FAILED,
    NEVER_BEGUN,
    PLANNED,
    REFUSED,
    Ask,
    AskAnswer,
    Operation,
    Recall,
    Role,
    retry_after,
)
from lockdeck.backend.hosts.owner import HostOwner
from lockdeck.backend.settings.records import RootSettings, Settings
from lockdeck.backend.system.procfs import LINUX
from lockdeck.backend.watch.collector import Collector
from tests.unit.fleetdir import PAST, FleetDir, actor, dead_pid, payload

pytestmark = pytest.mark.skipif(not LINUX, reason="who has a file open is seen on Linux only")
NONCE, OTHER = "ab" * 16, "cd" * 16
KEY = "agent:main:main"


@pytest.fixture
def fleet(tmp_path):
    return FleetDir(tmp_path)


class Host:
    """A host on a directory of the test: its owner's side, and the asks that a deck makes."""

    def __init__(self, fleet, role=Role.OPERATOR, settings=None):
        self.fleet = fleet
        self.journal = Journal(str(fleet.home / "state" / "journal.jsonl"))
        settings = settings or fleet.settings()
        snapshot = Collector.discover(
            (str(fleet.root),), settings, logs=(str(fleet.log),), env=fleet.env
        ).look()
        self.acts = HostActs(lambda: snapshot, settings, self.journal, role, env=fleet.env)
        self.owner = HostOwner(self.acts, "10.0.0.9")
        self.steps = []

    def answer(self, op, target="", nonce=NONCE, **facts):
        ask = Ask(nonce, op, str(target), **{"not_after": time.time() + 20, "by": "ann on deck", **facts})
        return self.owner.answer(ask, self.steps.append)

    def release(self, lock, **changes):
        """Plan and ask as a deck does."""
        plan = self.answer(Operation.PLAN_RELEASE, lock).body
        facts = {"release_id": plan["releaseId"], "evidence": tuple(plan["evidence"]), **changes}
        return self.answer(Operation.RELEASE, lock, **facts)

    def kinds(self):
        return [entry["kind"] for entry in self.journal.read().entries]


def leave_dead(fleet):
    lock = fleet.session(KEY)
    lock.write_text(payload(dead_pid(), PAST))
    return lock


def test_a_dead_lock_is_released_told_and_journaled_with_who_asked(fleet):
    lock = leave_dead(fleet)
    host = Host(fleet)
    done = host.release(lock)
    assert (done.status, done.body["path"]) == ("released", str(lock))
    assert not lock.exists()
    assert "proving everything a second time" in host.steps
    kinds = host.kinds()
    assert (kinds[0], kinds[-1]) == ("ask-begin", "ask-end")
    assert "released" in kinds
    begin = host.journal.read().entries[0]
    assert (begin["nonce"], begin["from"], begin["by"], begin["role"]) == (
        NONCE,
        "10.0.0.9",
        "ann on deck",
        "operator",
    )


def test_a_held_lock_is_refused_whatever_the_deck_says(fleet):
    lock = fleet.session(KEY)
    with actor() as holder:
        holder.take(lock)
        host = Host(fleet)
        done = host.release(lock)
        assert done.status == REFUSED
        assert lock.exists()


def test_an_ask_that_is_sent_again_does_nothing_again(fleet):
    lock = leave_dead(fleet)
    host = Host(fleet)
    assert host.release(lock).status == "released"
    lock.write_text(payload(dead_pid(), PAST))
    again = host.release(lock)
    assert (again.status, lock.exists()) == (REFUSED, True)
    assert "made before" in again.sentences[0]


@pytest.mark.parametrize(
    ("role", "op", "allowed"),
    [
        (Role.VIEWER, Operation.JOURNAL, True),
        (Role.VIEWER, Operation.PLAN_RELEASE, False),
        (Role.VIEWER, Operation.RELEASE, False),
        (Role.VIEWER, Operation.PLAN_CANCEL, False),
        (Role.VIEWER, Operation.CANCEL, False),
        (Role.OPERATOR, Operation.PLAN_RELEASE, True),
    ],
)
def test_a_viewer_asks_for_nothing_but_the_journal(fleet, role, op, allowed):
    lock = leave_dead(fleet)
    host = Host(fleet, role)
    assert (host.answer(op, lock, evidence=("x",), release_id="x").status == PLANNED) is allowed
    assert lock.exists()


def test_a_flood_of_asks_that_are_refused_costs_one_line_of_the_journal(fleet):
    host = Host(fleet, Role.VIEWER)
    for _ in range(20):
        assert host.answer(Operation.CANCEL, KEY).status == REFUSED
    assert host.kinds() == ["ask-refused"]


@pytest.mark.parametrize(("left_s", "why"), [(-1, "too late"), (600, "30 s at most"), (-1e9, "too late")])
def test_an_ask_is_good_for_thirty_seconds_by_the_clock_of_its_host(fleet, left_s, why):
    lock = leave_dead(fleet)
    host = Host(fleet)
    done = host.release(lock, not_after=time.time() + left_s)
    assert (done.status, lock.exists()) == (REFUSED, True)
    assert why in done.sentences[0]
    assert host.owner.recall(Recall(NONCE, time.time()), lambda: True).status == NEVER_BEGUN


def test_more_asks_than_a_host_lets_itself_be_asked_in_a_minute_are_refused_until_it_says(fleet, monkeypatch):
    monkeypatch.setattr(claiming, "MOST_A_MINUTE", 1)
    lock = leave_dead(fleet)
    host = Host(fleet)
    host.owner.recall(Recall(OTHER, time.time()), lambda: True)
    done = host.release(lock)
    assert (done.status, lock.exists()) == (REFUSED, True)
    again = retry_after(done)
    assert again.most_a_minute == 1
    assert 50 < again.seconds <= 60
    monkeypatch.setattr(claiming, "_MINUTE_S", 0.0)
    assert host.release(lock).status == "released"  # under the same nonce: what is refused so was not begun


def test_a_lock_that_is_not_as_it_was_shown_is_left_alone(fleet):
    lock = leave_dead(fleet)
    done = Host(fleet).release(lock, evidence=("another",))
    assert (done.status, lock.exists()) == (REFUSED, True)
    assert "not as it was shown" in done.sentences[0]


def test_another_hold_than_the_one_named_is_left_alone(fleet):
    lock = leave_dead(fleet)
    host = Host(fleet)
    plan = host.answer(Operation.PLAN_RELEASE, lock).body
    lock.unlink()
    lock.write_text(payload(dead_pid(), PAST + 5))
    facts = {"release_id": plan["releaseId"], "evidence": tuple(plan["evidence"])}
    done = host.answer(Operation.RELEASE, lock, **facts)
    assert (done.status, lock.exists()) == (REFUSED, True)


def test_a_release_that_names_no_hold_is_refused(fleet):
    lock = leave_dead(fleet)
    done = Host(fleet).release(lock, release_id=None)
    assert (done.status, lock.exists()) == (REFUSED, True)


def test_only_what_the_host_tells_of_is_touched(fleet, tmp_path):
    (tmp_path / "other").mkdir()
    elsewhere = leave_dead(FleetDir(tmp_path / "other"))
    host = Host(fleet)
    done = host.answer(Operation.PLAN_RELEASE, elsewhere)
    assert done.status == REFUSED
    done = host.answer(Operation.RELEASE, elsewhere, release_id="x", evidence=("x",))
    assert (done.status, elsewhere.exists()) == (REFUSED, True)


@pytest.mark.parametrize("whole", [True, False])
def test_a_root_that_is_read_only_stays_as_it_is(fleet, whole):
    lock = leave_dead(fleet)
    root = RootSettings(str(fleet.root), own_namespace=True, read_only=not whole)
    done = Host(fleet, settings=Settings(roots=(root,), read_only=whole)).release(lock)
    assert (done.status, lock.exists()) == (REFUSED, True)
    assert acting.READ_ONLY in done.sentences


def test_what_can_not_be_journaled_is_not_done(fleet):
    lock = leave_dead(fleet)
    host = Host(fleet)
    plan = host.answer(Operation.PLAN_RELEASE, lock).body
    (fleet.home / "state" / "journal.jsonl").mkdir(parents=True)
    facts = {"release_id": plan["releaseId"], "evidence": tuple(plan["evidence"])}
    done = host.answer(Operation.RELEASE, lock, **facts)
    assert (done.status, lock.exists()) == (FAILED, True)
    assert host.owner.recall(Recall(NONCE, time.time()), lambda: True) == done


def test_a_cancel_of_a_session_that_nobody_runs_ends_nothing(fleet):
    fleet.session(KEY)
    host = Host(fleet)
    plan = host.answer(Operation.PLAN_CANCEL, KEY)
    assert plan.status == PLANNED
    done = host.answer(Operation.CANCEL, KEY, allow=("stop", "abort"), evidence=tuple(plan.body["evidence"]))
    assert done.status in ("nothing-to-cancel", "refused", "not-known")
    assert host.kinds()[0] == "ask-begin"


def test_an_operator_ends_no_process_and_an_admin_may(fleet):
    lock = fleet.session(KEY)
    with actor() as holder:
        holder.take(lock)
        rungs = {
            role: Host(fleet, role).answer(Operation.PLAN_CANCEL, KEY).body
            for role in (Role.OPERATOR, Role.ADMIN)
        }
        assert [rung["name"] for rung in rungs[Role.ADMIN]["rungs"]] == ["terminate"]
        assert rungs[Role.OPERATOR]["rungs"] == []
        assert "the role operator may not" in rungs[Role.OPERATOR]["leftOut"][-1]["why"]
        host = Host(fleet)
        evidence = tuple(rungs[Role.ADMIN]["evidence"])
        done = host.answer(Operation.CANCEL, KEY, allow=("terminate",), evidence=evidence)
        assert done.status == REFUSED
        assert holder.process.poll() is None


def test_a_rung_that_was_not_shown_is_not_done(fleet):
    lock = fleet.session(KEY)
    with actor() as holder:
        holder.take(lock)
        host = Host(fleet, Role.ADMIN)
        done = host.answer(Operation.CANCEL, KEY, allow=("terminate",), evidence=("another",))
        assert (done.status, holder.process.poll()) == (REFUSED, None)
        assert "not as it was shown" in done.sentences[0]


def test_the_journal_of_a_host_is_told_without_what_is_too_much(fleet, monkeypatch):
    host = Host(fleet, Role.VIEWER)
    for number in range(30):
        host.journal.append("note", number=number)
    monkeypatch.setattr(acting, "MOST_ENTRIES", 20)
    monkeypatch.setattr(acting, "MOST_JOURNAL_BYTES", 1500)
    told = host.answer(Operation.JOURNAL).body
    assert told["entries"][-1]["number"] == 29
    assert 0 < len(told["entries"]) < 20
    assert "of 30 entries are told" in told["notes"][-1]


def test_an_answer_too_long_for_a_frame_says_so(fleet, monkeypatch):
    monkeypatch.setattr(HostActs, "perform", lambda *_: AskAnswer(NONCE, PLANNED, (), {"x": "y" * (2 << 20)}))
    answer = Host(fleet).answer(Operation.JOURNAL)
    assert answer == replace(answer, status=PLANNED, body={})
    assert "too long" in answer.sentences[-1]


@pytest.mark.parametrize(("limit", "count"), [(0, 3), (2, 2), (10, 3), (-1, 3)])
def test_of_the_journal_the_newest_entries_are_told_as_many_as_are_asked_for(fleet, limit, count):
    host = Host(fleet, role=Role.VIEWER)
    for number in range(3):
        host.journal.append("refused", path=f"/r/{number}")
    entries = host.answer(Operation.JOURNAL, limit=limit).body["entries"]
    assert [entry["path"] for entry in entries] == [f"/r/{number}" for number in range(3)][-count:]
