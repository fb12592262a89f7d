"""Hosts are asked for their journals a few at a time; what they tell is bounded, and as little trusted as a log line."""

from __future__ import annotations

import queue
import threading

import pytest

from lockdeck.backend.actions.journal import Journal
from lockdeck.backend.hosts import conversation
from lockdeck.backend.hosts.address import HostAddress
from lockdeck.backend.hosts.addresses import DeckAddresses
from lockdeck.backend.hosts.asks import PLANNED, REFUSED, AskAnswer, Operation, Role
from lockdeck.backend.hosts.journals import AT_ONCE, JournalAsker
from lockdeck.backend.hosts.nats.address import FleetAddress, FleetHostAddress
from tests.unit.dashboard.spoken import Spoken


@pytest.fixture
def journal(tmp_path):
    return Journal(str(tmp_path / "journal.jsonl"))


def telling(*entries, **facts):
    """A host that tells these entries."""

    def answer(ask):
        assert ask.op is Operation.JOURNAL
        return (AskAnswer(ask.nonce, PLANNED, body={"path": "/j", "entries": list(entries), **facts}),)

    return answer


class Asking:
    """An asker, and what it was told."""

    def __init__(self, journal, hosts, addresses=(), role=Role.VIEWER):
        self.spoken = Spoken(journal, hosts, role, addresses)
        self._told = queue.Queue()
        known = addresses or [HostAddress(name, ()) for name in hosts]
        self.asker = JournalAsker(DeckAddresses(known), journal, self._told.put, self.spoken.link_to)

    def told(self, *names, limit=500):
        """Ask these hosts; what each told, by name."""
        for name in names:
            self.asker.ask(name, limit)
        return {one.host: one for one in (self._told.get(timeout=60) for _ in names)}


def test_each_host_tells_its_own_and_nothing_of_that_is_journaled_here(journal):
    asking = Asking(journal, {"alpha": telling({"kind": "released"}), "beta": telling()})
    told = asking.told("alpha", "beta")
    assert told["alpha"].reading.entries == ({"kind": "released"},)
    assert told["beta"].reading.entries == ()
    assert journal.read().entries == ()
    assert [link.stopped for link in asking.spoken.links] == [1, 1]


def test_in_a_fleet_a_journal_is_asked_for_as_a_viewer(journal):
    fleet = FleetAddress(("nats://hub:4222",), "main", user="ann")
    asking = Asking(journal, {"alpha": telling()}, (fleet,))
    asking.told("alpha")
    assert asking.spoken.links[0].address == FleetHostAddress(fleet, "alpha", "ann", Role.VIEWER)


def test_the_newest_entries_are_asked_for_and_no_more_are_taken(journal):
    asking = Asking(journal, {"alpha": telling(*({"n": n} for n in range(1000)))})
    told = asking.told("alpha", limit=3)
    assert told["alpha"].reading.entries == ({"n": 997}, {"n": 998}, {"n": 999})
    assert asking.spoken.asked[0][1].limit == 3


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (telling("no entry"), "another shape"),
        (telling(path=7), "another shape"),
        (telling(brokenAt="x"), "another shape"),
        (lambda ask: (AskAnswer(ask.nonce, REFUSED, ("not \x1b[2Jtoday",)),), "today"),
        (lambda ask: (AskAnswer(ask.nonce, "nonsense"),), "does not tell"),
    ],
)
def test_why_a_host_does_not_tell_its_journal_is_a_sentence(journal, answer, why):
    one = Asking(journal, {"alpha": answer}).told("alpha")["alpha"]
    assert one.reading is None
    assert why in one.problem
    assert "\x1b" not in one.problem


def test_a_name_that_is_no_host_of_the_deck_is_not_asked(journal):
    asking = Asking(journal, {"alpha": telling()})
    assert "no host of this deck" in asking.told("nobody")["nobody"].problem
    assert asking.spoken.links == []


def test_facts_that_are_nested_without_end_are_cut_before_anybody_shows_them(journal):
    deep = "x"
    for _ in range(200):
        deep = {"deeper": [deep]}
    (entry,) = Asking(journal, {"alpha": telling({"outcome": deep})}).told("alpha")["alpha"].reading.entries
    assert str(entry).count("deeper") < 10
    assert "too deep to be shown" in str(entry)


def test_a_host_that_says_nothing_delays_no_other_and_few_are_asked_at_once(journal, monkeypatch):
    monkeypatch.setattr(conversation, "PLAN_S", 100.0)
    busy, most, gate = [], [], threading.Event()

    def slow(ask):
        busy.append(ask)
        most.append(len(busy))
        gate.wait(60)
        busy.remove(ask)
        return telling()(ask)

    names = [f"h{number}" for number in range(3 * AT_ONCE)]
    asking = Asking(journal, {"hung": lambda _ask: (), **dict.fromkeys(names, slow)})
    asking.asker.ask("hung", 1)
    threading.Timer(0.2, gate.set).start()
    assert sorted(asking.told(*names)) == sorted(names)
    assert max(most) <= AT_ONCE
    asking.asker.close()
    assert all(link.stopped == 1 for link in asking.spoken.links)


def test_who_is_asked_when_nobody_wants_to_know_any_more_is_let_go(journal, monkeypatch):
    monkeypatch.setattr(conversation, "PLAN_S", 100.0)
    asked = threading.Event()

    def hung(_ask):
        asked.set()
        return ()

    asking = Asking(journal, {"hung": hung})
    asking.asker.ask("hung", 1)
    assert asked.wait(60)
    asking.asker.close()
    assert "let go" in asking._told.get(timeout=60).problem
    assert asking.spoken.links[0].stopped == 1
