"""A cancel that a deck asks for: the host ends the run of a simulated gateway, and proves that it stopped."""

from __future__ import annotations

import os
import sys
import threading
import time

import pytest

from lockdeck.backend.actions.journal import Journal
from lockdeck.backend.hosts.address import HostAddress
from lockdeck.backend.hosts.asks import PLANNED, UNNAMED, Ask, Operation
from lockdeck.backend.hosts.conversation import Conversation
from lockdeck.backend.settings.records import Settings
from lockdeck.backend.simulate.fleet import SimulatedFleet
from lockdeck.backend.system.procfs import LINUX
from lockdeck.backend.watch.collector import Collector
from tests.unit.fleetdir import environment

pytestmark = pytest.mark.skipif(not LINUX, reason="who has a file open is seen on Linux only")
KEY = "agent:silas:main"
SECONDS = 90


@pytest.fixture
def fleet(tmp_path):
    """A simulated fleet in which one agent is held by the gateway."""
    (tmp_path / "there").mkdir()
    with SimulatedFleet(tmp_path / "there", pace=14.0) as running:
        collector = Collector.discover(
            (str(running.root),), Settings(), logs=(str(running.log_file),), env=running.env
        )
        held = threading.Event()

        def publish(snapshot):
            if any(s.key == KEY and s.lock and s.lock.judgement.verdict == "held" for s in snapshot.sessions):
                held.set()

        thread = threading.Thread(target=collector.run, args=(publish, held), daemon=True)
        thread.start()
        assert held.wait(SECONDS)
        thread.join(10)
        yield running


def served_there(fleet, tmp_path):
    env = environment({**fleet.env, "LOCKDECK_STATE_DIR": str(tmp_path / "owner")})
    words = ("serve", "--stdio", "--role", "operator", "--log", fleet.log_file, fleet.root)
    pairs = (f"{name}={value}" for name, value in env.items())
    # The gateway is no child of who starts the agent, but of this test.
    code = f"from tests.ownprocesses import family_of, procfs; procfs.list_pids = family_of({os.getpid()})\n"
    code += "from lockdeck.tui.entry import main; main()"
    return HostAddress("alpha", ("env", "-i", *pairs, sys.executable, "-c", code, *map(str, words)))


def plan_once_it_is_held(talk):
    """Ask for the plan; on a busy machine the attempt that was seen may be over by then, and the next one begins."""
    until = time.monotonic() + SECONDS
    while True:
        plan = talk.ask(Ask(UNNAMED, Operation.PLAN_CANCEL, KEY))
        if plan.body.get("allowed") or time.monotonic() > until:
            assert (plan.status, plan.body["allowed"]) == (PLANNED, True), str(plan.body)
            return plan


def test_a_run_is_cancelled_there_verified_told_and_journaled(fleet, tmp_path):
    steps = []
    deck = Journal(str(tmp_path / "deck" / "journal.jsonl"))
    talk = Conversation(served_there(fleet, tmp_path), deck, "ann on deck", steps.append)
    try:
        plan = plan_once_it_is_held(talk)
        assert "restart" not in [rung["name"] for rung in plan.body["rungs"]]
        evidence = tuple(plan.body["evidence"])
        done = talk.ask(Ask(UNNAMED, Operation.CANCEL, KEY, allow=("stop",), evidence=evidence))
    finally:
        talk.close()
    assert (done.status, done.body["rung"]) == ("cancelled", "stop")
    assert steps
    kinds = [entry["kind"] for entry in Journal(str(tmp_path / "owner" / "journal.jsonl")).read().entries]
    assert kinds == ["ask-begin", "cancel-begin", "cancel-end", "ask-end"]
    assert [entry["kind"] for entry in deck.read().entries] == ["asked", "answered"]
