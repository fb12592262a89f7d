"""Acting over a real ssh: what is asked is done there once, whatever becomes of the connection and its parts."""

from __future__ import annotations

import random
import threading
import time

import pytest

from lockdeck.backend.actions.journal import Journal
from lockdeck.backend.hosts.address import ssh_address
from lockdeck.backend.hosts.asks import (
    END_NOT_KNOWN,
    NEVER_BEGUN,
    PLANNED,
    UNNAMED,
    Ask,
    Operation,
)
from lockdeck.backend.hosts.conversation import CannotAskError, Conversation
from tests.hosts.test_ssh import clients
from tests.unit.fleetdir import PAST, dead_pid, payload

KILLS = 6
"""So many releases are killed in the middle."""


@pytest.fixture
def journal(tmp_path):
    return Journal(str(tmp_path / "deck" / "journal.jsonl"))


class Talk:
    """A conversation with a host of the test, and what it told on the way."""

    def __init__(self, address, journal):
        self.told, self._news = [], threading.Condition()
        self._talk = Conversation(address, journal, "ann on deck", self._tell)

    def _tell(self, sentence):
        with self._news:
            self.told.append(sentence)
            self._news.notify_all()

    def await_greeting(self):
        self._talk._await_greeting(Operation.RELEASE)

    def until(self, words):
        with self._news:
            assert self._news.wait_for(lambda: any(words in each for each in self.told), 60)

    def release(self, lock, watch_s=0.0):
        plan = self._talk.ask(Ask(UNNAMED, Operation.PLAN_RELEASE, str(lock)))
        assert plan.status == PLANNED
        facts = {"release_id": plan.body["releaseId"], "evidence": tuple(plan.body["evidence"])}
        return self._talk.ask(Ask(UNNAMED, Operation.RELEASE, str(lock), watch_s=watch_s, **facts))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._talk.close()


def leave_dead(host, key="agent:main:one"):
    lock = host.fleet.session(key)
    lock.write_text(payload(dead_pid(), PAST))
    return lock


def entries(host, kind):
    path = host.fleet.home / "lockdeck-state" / "journal.jsonl"
    return [entry for entry in Journal(str(path)).read().entries if entry["kind"] == kind]


def operator(name):
    return ssh_address(f"ssh://{name}").asking


def test_a_release_over_ssh_is_journaled_with_the_address_it_came_from(hosts, journal):
    lock = leave_dead(hosts.alpha)
    with Talk(operator("alpha"), journal) as talk:
        assert talk.release(lock).status == "released"
    assert not lock.exists()
    (begin,) = entries(hosts.alpha, "ask-begin")
    prefix = hosts.alpha.machine.address.rpartition(".")[0]
    assert begin["from"].startswith(prefix)


def test_a_key_that_is_bound_to_the_viewer_releases_nothing_whatever_its_owner_asks_for(hosts, journal):
    lock = leave_dead(hosts.alpha)
    hosts.deck.admit(hosts.alpha, "onlooker", forced="lockdeck serve --stdio --role viewer")
    with Talk(operator("onlooker"), journal) as talk, pytest.raises(CannotAskError, match="role viewer"):
        talk.release(lock)
    assert lock.exists()
    assert entries(hosts.alpha, "ask-begin") == []


def test_a_release_whose_cable_is_cut_is_finished_there_and_known_when_it_is_back(cable, journal):
    lock = leave_dead(cable.alpha)
    with Talk(operator("alpha"), journal) as talk:
        answers = []
        thread = threading.Thread(target=lambda: answers.append(talk.release(lock, watch_s=1)))
        thread.start()
        talk.until("proving everything")
        cable.alpha.machine.plug("down")
        talk.until("is lost")
        cable.alpha.machine.plug("up")
        thread.join(100)
    assert [answer.status for answer in answers] == ["released"]
    assert len(entries(cable.alpha, "ask-begin")) == len(entries(cable.alpha, "released")) == 1


def strike(host, victims, after_s):
    """Kill one part of a connection, so many seconds from now."""
    threading.Event().wait(after_s)
    agents = host.agents()
    parts = {
        "client": clients,
        "agent": lambda: agents,
        "session": lambda: [each.parent() for each in agents],
    }
    for process in parts[victims]():
        process.kill()


def test_whatever_is_killed_in_the_middle_each_release_is_done_once_at_most_and_known(
    hosts, journal, monkeypatch
):
    chance = random.Random(17)
    host = hosts.alpha
    counts = {}
    for number in range(KILLS):
        lock = leave_dead(host, f"agent:main:{number}")
        victims, after_s = chance.choice(("client", "agent", "session")), chance.uniform(0, 3)
        with Talk(operator("alpha"), journal) as talk:
            killer = threading.Thread(target=strike, args=(host, victims, after_s))
            talk.await_greeting()
            killer.start()
            try:
                status = talk.release(lock).status
            except CannotAskError:
                status = "not asked"
            killer.join()
        begun = [e for e in entries(host, "ask-begin") if e["path"] == str(lock)]
        done = [e for e in entries(host, "released") if e["path"] == str(lock)]
        assert len(done) <= len(begun) <= 1
        if status == "released":
            assert len(done) == 1
        elif status in (NEVER_BEGUN, "not asked", "refused"):
            assert done == []
            assert lock.exists()
        else:
            assert status == END_NOT_KNOWN
        counts[victims, status] = counts.get((victims, status), 0) + 1
        print(time.monotonic(), victims, after_s, status)
    print(f"releases that were killed in the middle: {counts}")
