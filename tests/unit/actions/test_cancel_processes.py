"""The last rungs on real processes: SIGTERM to a command-line holder and to a gateway, each checked first."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from watchfiles import watch

from lockdeck.backend.actions.cancel.cancel import cancel
from lockdeck.backend.actions.cancel.context import CancelLimits, CancelTools
from lockdeck.backend.actions.cancel.ladder import RESTART, TERMINATE
from lockdeck.backend.actions.cancel.plan import plan_cancel
from lockdeck.backend.actions.cancel.process.proof import Claim
from lockdeck.backend.actions.cancel.process.restart import Supervisor, restart
from lockdeck.backend.actions.cancel.records import CancelPlan
from lockdeck.backend.actions.journal import Journal
from lockdeck.backend.model.fleet import RootView, SessionView, State
from lockdeck.backend.openclaw.log.place import named_log
from lockdeck.backend.simulate import lockfile
from lockdeck.backend.simulate.cast import LEAKED, LOCAL, main_key
from lockdeck.backend.simulate.fleet import SimulatedFleet
from tests.unit.fleetdir import FleetDir, actor

linux_only = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="start times come from /proc")
LIMITS = CancelLimits(gap=20.0, free=0.5, quiet=0.3, quiet_blind=0.5, brief=0.1, restart=20.0)


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[SimulatedFleet]:
    with SimulatedFleet(tmp_path, pace=3) as running:
        yield running


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(str(tmp_path / "state" / "journal.jsonl"))


def planned(fleet: SimulatedFleet, key: str, journal: Journal) -> CancelPlan:
    agent = key.split(":")[1]
    entry = json.loads((fleet.root / "agents" / agent / "sessions" / "sessions.json").read_text())[key]
    session = SessionView(
        str(fleet.root), agent, key, entry["sessionId"], State.RUNNING, transcript=entry["sessionFile"]
    )
    until(fleet, lambda: lockfile.owner(entry["sessionFile"] + ".lock") is not None)
    root = RootView(str(fleet.root), "files")
    return plan_cancel(
        session,
        root,
        env=fleet.env,
        logs=(named_log(str(fleet.log_file)),),
        folder=journal.folder,
        limits=LIMITS,
    )


def until(fleet: SimulatedFleet, seen: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 40
    for _ in watch(
        fleet.root, watch_filter=None, yield_on_timeout=True, rust_timeout=50, debounce=10, step=5
    ):
        if seen():
            return
        assert time.monotonic() < deadline


@linux_only
def test_a_holder_at_the_command_line_gets_sigterm_with_its_argv_shown(
    fleet: SimulatedFleet, journal: Journal
) -> None:
    plan = planned(fleet, LOCAL, journal)
    assert [(rung.name, rung.danger) for rung in plan.rungs] == [("terminate", "confirm")]
    assert "agent --local" in plan.rungs[0].does
    assert (plan.is_gateway, plan.reached_by) == (False, None)
    outcome = cancel(plan, allow={TERMINATE}, tools=CancelTools(journal, limits=LIMITS))
    assert (outcome.status, outcome.rung) == ("cancelled", "terminate"), outcome.sentences
    assert plan.pid is not None
    assert not psutil.pid_exists(plan.pid) or psutil.Process(plan.pid).status() == psutil.STATUS_ZOMBIE
    assert psutil.pid_exists(fleet.gateway_pid), "the gateway goes on"


@linux_only
def test_a_stopped_holder_is_refused_at_once_with_what_wakes_it(tmp_path: Path) -> None:
    fleet = FleetDir(tmp_path)
    lock = fleet.session("agent:main:main")
    session = SessionView(
        str(fleet.root), "main", "agent:main:main", None, State.RUNNING, transcript=str(lock.with_suffix(""))
    )
    with actor() as holder:
        holder.take(lock)
        running = plan_cancel(session, RootView(str(fleet.root), "files"), env=fleet.env)
        assert [rung.name for rung in running.rungs] == ["terminate"]
        holder.stop()
        stopped = plan_cancel(session, RootView(str(fleet.root), "files"), env=fleet.env)
    wakes = f"pid {holder.pid} is stopped (state T): it goes on after kill -CONT {holder.pid}"
    assert stopped.rungs == ()
    assert stopped.refusal[-1] == f"{wakes}; until then it takes no SIGTERM and answers no call"


@linux_only
def test_a_process_that_let_go_of_the_lock_that_names_it_gets_no_signal(
    fleet: SimulatedFleet, journal: Journal
) -> None:
    plan = planned(fleet, LEAKED, journal)
    outcome = cancel(plan, allow={TERMINATE, RESTART}, tools=CancelTools(journal, limits=LIMITS))
    assert (plan.rungs, outcome.status) == ((), "refused")
    assert any("has none of its locks open" in sentence for sentence in outcome.sentences)


@linux_only
def test_the_gateway_is_ended_by_sigterm_and_releases_every_lock(
    fleet: SimulatedFleet, journal: Journal
) -> None:
    plan = planned(fleet, main_key("silas"), journal)
    assert (plan.pid, plan.is_gateway) == (fleet.gateway_pid, True)
    assert any("no supervisor" in loss for loss in plan.rungs[-1].loses)
    outcome = cancel(plan, allow={RESTART}, tools=CancelTools(journal, limits=LIMITS))
    assert (outcome.status, outcome.rung) == ("cancelled", "restart"), outcome.sentences
    standing = list(fleet.root.glob("agents/*/sessions/*.jsonl.lock"))
    assert all(lockfile.owner(str(path)) != fleet.gateway_pid for path in standing)


@linux_only
def test_a_supervisor_is_not_asked_for_another_process() -> None:
    never = Supervisor("systemd", ("/bin/false",))
    told = restart(never, Claim(os.getpid(), 1, "/"), {})
    assert told is not None
    assert "not the process that started then" in told


@linux_only
def test_a_supervisor_that_fails_is_told_and_hears_no_token(tmp_path: Path) -> None:
    lock = tmp_path / "held.jsonl.lock"
    claim = Claim(os.getpid(), lockfile.start_ticks(), str(tmp_path), (str(lock),))
    script = tmp_path / "systemctl"
    script.write_text('#!/bin/sh\necho "seen:$OPENCLAW_GATEWAY_TOKEN:" >&2\nexit 5\n')
    script.chmod(0o755)
    env = {"PATH": os.environ["PATH"], "OPENCLAW_GATEWAY_TOKEN": "secret-word"}
    with lock.open("w"):
        told = restart(Supervisor("systemd", (str(script),)), claim, env)
    assert told is not None
    assert told.endswith("failed with 5: seen::")
