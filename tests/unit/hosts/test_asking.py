"""A deck asks a host over real pipes: what is done there, what is told, and what is left when a part is killed."""

from __future__ import annotations

import subprocess
import sys
import threading
from contextlib import contextmanager

import pytest

from lockdeck.backend.actions.journal import Journal
from lockdeck.backend.hosts.asks import (
    END_NOT_KNOWN,
    PLANNED,
    UNNAMED,
    Ask,
    AskAnswer,
    Operation,
)
from lockdeck.backend.hosts.conversation import CannotAskError, Conversation
from lockdeck.backend.hosts.frames import HostHello, encoded
from lockdeck.backend.system.procfs import LINUX
from tests.unit.fleetdir import PAST, FleetDir, command, dead_pid, environment, payload, running_below
from tests.unit.hosts.following import HostAddress, saying, served

pytestmark = pytest.mark.skipif(not LINUX, reason="who has a file open is seen on Linux only")
KEY = "agent:main:main"


@pytest.fixture
def fleet(tmp_path):
    (tmp_path / "host").mkdir()
    return FleetDir(tmp_path / "host")


@pytest.fixture
def journal(tmp_path):
    return Journal(str(tmp_path / "deck" / "journal.jsonl"))


class Steps:
    """What a host tells on the way; `at` calls something once when a sentence comes."""

    def __init__(self):
        self.told = []
        self._calls = {}

    def at(self, words, call):
        self._calls[words] = call

    def __call__(self, sentence):
        self.told.append(sentence)
        for words in [words for words in self._calls if words in sentence]:
            self._calls.pop(words)()


@contextmanager
def speaking(address, journal):
    steps = Steps()
    talk = Conversation(address, journal, "ann on deck", steps)
    try:
        yield talk, steps
    finally:
        talk.close()


def leave_dead(fleet):
    lock = fleet.session(KEY)
    lock.write_text(payload(dead_pid(), PAST))
    return lock


def release(talk, lock, watch_s=0.0):
    plan = talk.ask(Ask(UNNAMED, Operation.PLAN_RELEASE, str(lock)))
    assert (plan.status, plan.body["allowed"]) == (PLANNED, True)
    facts = {"release_id": plan.body["releaseId"], "evidence": tuple(plan.body["evidence"])}
    return talk.ask(Ask(UNNAMED, Operation.RELEASE, str(lock), watch_s=watch_s, **facts))


def owners_entries(fleet, kind):
    path = fleet.home / "lockdeck-state" / "journal.jsonl"
    return [entry for entry in Journal(str(path)).read().entries if entry["kind"] == kind]


def test_a_release_is_asked_told_done_there_and_in_both_journals(fleet, journal):
    lock = leave_dead(fleet)
    with speaking(served(fleet, "--role", "operator"), journal) as (talk, steps):
        done = release(talk, lock)
    assert (done.status, lock.exists()) == ("released", False)
    assert "proving everything a second time" in steps.told
    asked, answered = journal.read().entries
    assert (asked["kind"], asked["host"], asked["nonce"]) == ("asked", "alpha", done.nonce)
    assert (answered["kind"], answered["status"]) == ("answered", "released")
    (begin,) = owners_entries(fleet, "ask-begin")
    assert (begin["nonce"], begin["by"]) == (done.nonce, "ann on deck")
    assert len(owners_entries(fleet, "released")) == 1


def test_an_agent_that_is_killed_in_the_middle_leaves_an_end_that_is_not_known_and_no_second_try(
    fleet, journal
):
    lock = leave_dead(fleet)
    with speaking(served(fleet, "--role", "operator"), journal) as (talk, steps):
        steps.at("proving everything", lambda: [process.kill() for process in running_below(fleet.home)])
        done = release(talk, lock)
    assert done.status == END_NOT_KNOWN
    assert len(owners_entries(fleet, "ask-begin")) == 1
    assert lock.exists()


RELAY = """
import os, socket, sys, threading, time
peer = socket.socket(socket.AF_UNIX)
while peer.connect_ex({path!r}):
    time.sleep(0.05)
def forward():
    while piece := os.read(0, 65536):
        peer.sendall(piece)
    peer.shutdown(socket.SHUT_WR)
threading.Thread(target=forward, daemon=True).start()
while piece := peer.recv(65536):
    os.write(1, piece)
"""


@contextmanager
def behind_a_socket(fleet):
    """An agent that outlives its connections; yield the address, and what cuts the connection."""
    path = str(fleet.home / "s")
    words = (
        "serve",
        "--socket",
        path,
        "--role",
        "operator",
        "--config",
        fleet.settings_file(),
        "--log",
        fleet.log,
    )
    code = RELAY.format(path=path)
    with subprocess.Popen(command(*words), env=environment(fleet.env)) as agent:
        try:
            yield (
                HostAddress("alpha", (sys.executable, "-I", "-S", "-c", code)),
                lambda: [
                    process.kill()
                    for process in running_below(fleet.home)
                    if process.pid != agent.pid and path in " ".join(process.cmdline())
                ],
            )
        finally:
            agent.terminate()


def test_an_answer_that_is_lost_with_the_connection_is_looked_up_and_nothing_is_done_twice(fleet, journal):
    lock = leave_dead(fleet)
    with behind_a_socket(fleet) as (address, cut), speaking(address, journal) as (talk, steps):
        steps.at("proving everything", cut)
        done = release(talk, lock, watch_s=1.0)
    assert (done.status, lock.exists()) == ("released", False)
    assert any("is lost" in step for step in steps.told)
    assert len(owners_entries(fleet, "ask-begin")) == len(owners_entries(fleet, "released")) == 1


def test_what_a_deck_that_is_gone_has_begun_is_finished_before_the_agent_ends(fleet, journal):
    lock = leave_dead(fleet)
    with speaking(served(fleet, "--role", "operator"), journal) as (talk, steps):
        gone = threading.Event()
        steps.at("proving everything", lambda: (talk.close(), gone.set()))
        thread = threading.Thread(target=release, args=(talk, lock), daemon=True)
        thread.start()
        assert gone.wait(60)
        talk.close = lambda: None
        agents = [each for each in running_below(fleet.home) if "serve" in each.cmdline()]
        for each in agents:
            each.wait(60)
    assert not lock.exists()
    (end,) = owners_entries(fleet, "ask-end")
    assert end["status"] == "released"


def test_a_viewer_asks_for_nothing(fleet, journal):
    lock = leave_dead(fleet)
    with speaking(served(fleet), journal) as (talk, _):
        with pytest.raises(CannotAskError, match="role viewer"):
            talk.ask(Ask(UNNAMED, Operation.RELEASE, str(lock), release_id="x"))
        assert talk.ask(Ask(UNNAMED, Operation.JOURNAL)).status == PLANNED
    assert lock.exists()
    assert journal.read().entries == ()


def test_a_host_whose_lockdeck_knows_no_asks_is_told_so(journal):
    old = saying(encoded(HostHello((1, 1), "0.1", "x", "viewer")))
    with speaking(old, journal) as (talk, _), pytest.raises(CannotAskError, match="upgrade lockdeck there"):
        talk.ask(Ask(UNNAMED, Operation.RELEASE, "/x", release_id="x"))


def test_a_host_that_can_not_be_reached_was_asked_for_nothing(journal):
    lost = saying(then="print('no route to host', file=sys.stderr); sys.exit(255)")
    with speaking(lost, journal) as (talk, _), pytest.raises(CannotAskError, match="no route to host"):
        talk.ask(Ask(UNNAMED, Operation.RELEASE, "/x", release_id="x"))
    assert journal.read().entries == ()


def test_an_answer_to_what_nobody_asked_is_no_answer(journal, monkeypatch):
    from lockdeck.backend.hosts import conversation

    monkeypatch.setattr(conversation, "RECALL_S", 0.1)
    lie = encoded(AskAnswer("ef" * 16, "released"))
    hello = HostHello((1, 1), "9", "x", "operator", can=tuple(Operation), at=1.0)
    answer_once_asked = f"sys.stdin.buffer.read(9); sys.stdout.buffer.write({lie!r}); sys.stdout.flush()"
    with speaking(saying(encoded(hello), then=answer_once_asked), journal) as (talk, _):
        answer = talk.ask(Ask(UNNAMED, Operation.RELEASE, "/x", release_id="x"))
    assert answer.status == END_NOT_KNOWN
