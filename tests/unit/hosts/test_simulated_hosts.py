"""Hosts that are simulated: each tells of its own fleet alone, lets itself be asked, and ends with us."""

from __future__ import annotations

import psutil
import pytest

from lockdeck.backend.actions.journal import Journal
from lockdeck.backend.hosts.asks import PLANNED, UNNAMED, Ask, Operation
from lockdeck.backend.hosts.conversation import Conversation
from lockdeck.backend.hosts.followed import FollowedHosts
from lockdeck.backend.system.procfs import LINUX
from lockdeck.tui.cli.hosts.simulated import simulated_hosts

pytestmark = pytest.mark.skipif(not LINUX, reason="who has a file open is seen on Linux only")


def test_each_host_tells_of_its_own_fleet_lets_itself_be_asked_and_ends_with_us(tmp_path):
    with simulated_hosts(2) as addresses:
        hosts = FollowedHosts(addresses)
        try:
            states = hosts.look(90.0)
        finally:
            hosts.close()
        assert [(state.name, state.phase) for state in states] == [("claw-1", "live"), ("claw-2", "live")]
        roots = [{view.root for view in state.snapshot.sessions} for state in states]
        assert [len(each) for each in roots] == [1, 1]
        assert roots[0] != roots[1]
        lock = next(view for view in states[1].snapshot.locks if view.judgement.verdict == "dead").record.path
        deck = Journal(str(tmp_path / "deck" / "journal.jsonl"))
        talk = Conversation(addresses[1], deck, "ann", lambda _: None)
        try:
            plan = talk.ask(Ask(UNNAMED, Operation.PLAN_RELEASE, lock))
        finally:
            talk.close()
        assert (plan.status, plan.body["allowed"]) == (PLANNED, True)
    left = [process for process in psutil.process_iter(["cmdline"]) if _names(process, roots[0] | roots[1])]
    psutil.wait_procs(left, 30)
    assert not [process for process in left if process.is_running()]


def _names(process, roots):
    return any(root in word for root in roots for word in process.info["cmdline"] or ())
