"""No lock stands: that alone is never taken for "no run". Who would know is asked, and else it is said to be unknown."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lockdeck.backend.actions.cancel.cancel import cancel
from lockdeck.backend.actions.cancel.context import CancelLimits, CancelTools
from lockdeck.backend.actions.cancel.ladder import ABORT
from lockdeck.backend.actions.cancel.plan import plan_cancel
from lockdeck.backend.actions.cancel.records import CancelOutcome, CancelPlan
from lockdeck.backend.actions.journal import Journal
from lockdeck.backend.model.fleet import RootView, SessionView, State
from lockdeck.backend.model.locks import Verdict
from lockdeck.backend.openclaw.gateway import client
from lockdeck.backend.openclaw.log.place import LogPlace, named_log
from lockdeck.backend.simulate.rpc import Manners
from lockdeck.backend.system import processes
from tests.unit.actions.test_cancel_sqlite import Abortable
from tests.unit.fleetdir import FleetDir, actor, dead_pid, payload
from tests.unit.watch.test_feed import TOKEN, Server

MAIN = "agent:main:main"
LIMITS = CancelLimits(ripe=0.0, gap=0.4, free=0.6, quiet=0.5, quiet_blind=0.8, brief=0.1, wind_up=0.6)
WRITES, CALLS, ATTEMPTS = "2026.5.18", "2026.6.35", "2026.4.5"


class Runs(Abortable):
    """A gateway with one session, whose run is `active`; its abort ends it, or does what `effect` says."""

    def __init__(self, active: bool | None, effect: Callable[[Runs], None] | None = None) -> None:
        super().__init__(effect or Runs.over)
        self.show(active)

    def show(self, active: bool | None) -> None:
        told = {} if active is None else {"hasActiveRun": active}
        self.rows = [{"key": MAIN, "agentId": "main", **told}]

    def over(self) -> None:
        self.show(False)


@pytest.fixture
def fleet(tmp_path: Path) -> FleetDir:
    return FleetDir(tmp_path)


@pytest.fixture
def lock(fleet: FleetDir) -> Path:
    return fleet.session(MAIN)


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    made: list[Server] = []

    def start(version: str, active: bool | None, effect: Callable[[Runs], None] | None = None) -> Server:
        made.append(Server(Manners(TOKEN, version, 4), Runs(active, effect)))
        return made[-1]

    yield start
    for server in made:
        server.down()


def planned(
    fleet: FleetDir,
    lock: Path,
    port: int,
    *,
    state: State = State.IDLE,
    version: str | None = None,
    token: str = TOKEN,
    logs: tuple[LogPlace, ...] = (),
    limits: CancelLimits = LIMITS,
) -> CancelPlan:
    fleet.config(gateway={"port": port, "auth": {"mode": "token", "token": token}})
    session = SessionView(str(fleet.root), "main", MAIN, None, state, transcript=str(lock.with_suffix("")))
    root = RootView(str(fleet.root), "files", version=version)
    return plan_cancel(
        session, root, env=fleet.env, folder=str(fleet.home / "deck"), limits=limits, logs=logs
    )


def done(plan: CancelPlan, fleet: FleetDir, **tools: object) -> CancelOutcome:
    journal = Journal(str(fleet.home / "deck" / "journal.jsonl"))
    return cancel(plan, allow=[ABORT], tools=CancelTools(journal, limits=LIMITS, **tools))


@pytest.mark.parametrize("version", [WRITES, CALLS])
@pytest.mark.parametrize("state", [State.IDLE, State.ROTATING])
def test_a_run_that_the_gateway_says_is_active_is_ended_though_no_lock_stands(
    fleet, lock, serve, version, state
):
    server = serve(version, True)
    plan = planned(fleet, lock, server.port, state=state)
    assert (plan.nothing, plan.by_gateway, [rung.name for rung in plan.rungs]) == (
        False,
        True,
        ["abort", "reset"],
    )
    outcome = done(plan, fleet)
    assert (outcome.status, outcome.rung, server.sessions.aborts) == ("cancelled", ABORT, 1), (
        outcome.sentences
    )
    assert outcome.verified_ms >= LIMITS.quiet * 1000


def test_a_gateway_that_is_mute_for_a_while_is_asked_again(fleet, lock, serve, monkeypatch):
    """Seen on 2026.5.18: while an attempt is prepared nobody gets a connection."""
    monkeypatch.setattr(client, "CONNECT_S", 1.0)
    server, blocked = serve(WRITES, True), threading.Event()
    server.block(blocked)
    letting_go = threading.Timer(1.5, blocked.set)
    letting_go.start()
    plan = planned(fleet, lock, server.port)
    letting_go.join()
    assert (plan.not_known, plan.by_gateway) == ((), True)


def test_an_abort_without_effect_is_no_success_though_no_lock_stands(fleet, lock, serve):
    server = serve(WRITES, True, lambda _runs: None)
    outcome = done(planned(fleet, lock, server.port), fleet)
    assert outcome.status == "still-rotating"
    assert "still shows an active run" in outcome.sentences[0]


def test_a_lock_that_is_taken_and_stays_is_no_success_whatever_the_gateway_shows(fleet, lock, serve):
    with actor() as holder:

        def ends_and_takes_the_lock(runs: Runs) -> None:
            runs.over()
            holder.take(lock)

        server = serve(WRITES, True, ends_and_takes_the_lock)
        outcome = done(planned(fleet, lock, server.port), fleet)
    assert outcome.status == "failed", outcome.sentences
    assert "its clean-up still keeps the lock" in outcome.sentences[0]


def test_a_lock_kept_for_a_moment_by_the_clean_up_of_an_aborted_run_is_waited_for(fleet, lock, serve):
    """Seen on 2026.5.18: a run that holds no lock takes it once more when it is aborted."""
    with actor() as holder:
        letting_go = threading.Timer(0.4, lambda: holder.release(lock))

        def cleans_up(runs: Runs) -> None:
            runs.over()
            holder.take(lock)
            letting_go.start()

        server = serve(WRITES, True, cleans_up)
        outcome = done(planned(fleet, lock, server.port), fleet)
        letting_go.join()
    assert outcome.status == "cancelled", outcome.sentences


@pytest.mark.parametrize(("version", "by_gateway"), [(WRITES, True), (CALLS, False)])
def test_where_a_lock_stands_only_for_a_write_the_gateways_word_counts_from_the_start(
    fleet, lock, serve, version, by_gateway
):
    server = serve(version, True)
    with actor() as holder:
        facts = {"pid": holder.pid, "createdAt": "2026-11-22T18:36:46.094Z", "startTime": holder.ticks,
                 "configPath": str(fleet.root / "openclaw.json")}  # fmt: skip
        holder.take(fleet.gateway_lock(), json.dumps(facts))
        holder.take(lock)
        plan = planned(fleet, lock, server.port)
        assert (plan.is_gateway, plan.by_gateway) == (True, by_gateway)


def test_the_gateways_word_that_nothing_runs_is_known(fleet, lock, serve):
    plan = planned(fleet, lock, serve(WRITES, False).port, state=State.ROTATING)
    assert plan.nothing
    assert "the gateway shows no active run" in plan.notes[0]
    assert done(plan, fleet).status == "nothing-to-cancel"


def test_where_a_gateway_calls_a_run_over_with_its_first_attempt_what_the_log_shows_goes_before(
    fleet, lock, serve
):
    server = serve(CALLS, False)
    assert planned(fleet, lock, server.port, state=State.IDLE, logs=(str(fleet.log),)).nothing
    plan = planned(fleet, lock, server.port, state=State.IDLE)
    assert not plan.nothing
    assert "calls a run over when one of its attempts is" in plan.not_known[-1]
    plan = planned(fleet, lock, server.port, state=State.ROTATING)
    assert not plan.nothing
    assert "abort" in [rung.name for rung in plan.rungs]
    assert "the gateway shows no active run, but log or transcript do" in plan.notes[0]


@pytest.mark.parametrize("version", [WRITES, CALLS, None])
def test_without_the_gateways_word_it_is_not_known(fleet, lock, serve, version):
    plan = planned(fleet, lock, serve(version or WRITES, True).port, version=version, token="another-one")
    assert not plan.nothing
    outcome = done(plan, fleet)
    assert outcome.status == "not-known"
    assert "does not mean that nothing runs" in outcome.sentences[0]
    assert "refuses the token" in outcome.sentences[1]
    assert ("lets go of the lock" if version else "which release") in outcome.sentences[2]
    assert json.loads(json.dumps(plan.to_json()))["notKnown"] == list(plan.not_known)


def test_a_release_that_holds_the_lock_for_each_attempt_is_known_by_its_log_or_by_waiting(fleet, lock, serve):
    port = serve(ATTEMPTS, None).port
    assert planned(fleet, lock, port, logs=(named_log(str(fleet.log)),)).nothing
    assert planned(fleet, lock, port, state=State.RUNNING).nothing, "half a minute without a lock is no gap"
    plan = planned(fleet, lock, port)
    assert "a run between two attempts holds no lock" in plan.not_known[-1]


def test_what_is_not_known_to_run_is_waited_for_and_that_no_lock_comes_proves_nothing(fleet, lock, serve):
    port = serve(ATTEMPTS, None).port
    assert planned(fleet, lock, port, state=State.UNKNOWN).not_known
    with actor() as holder:
        taking = threading.Timer(0.2, lambda: holder.take(lock))
        taking.start()
        plan = planned(fleet, lock, port, state=State.UNKNOWN, limits=CancelLimits())
        taking.join()
    assert (plan.not_known, plan.view is None) == ((), False)


def test_a_lock_that_is_just_being_taken_is_waited_for(fleet, lock):
    """Seen on 2026.6.35: planned in that moment, a cancel was refused for a lock that can't be read."""
    lock.touch()
    writing = threading.Timer(0.3, lambda: lock.write_text(payload(dead_pid(), 1.0)))
    writing.start()
    plan = planned(fleet, lock, 1)
    writing.join()
    assert plan.view is not None
    assert plan.view.judgement.verdict is Verdict.DEAD


def test_where_no_gateway_is_there_nothing_runs(fleet, lock):
    assert planned(fleet, lock, 1, version=WRITES).nothing
    assert planned(fleet, lock, 1).nothing


def test_a_command_line_that_runs_without_gateway_and_lock_makes_it_unknown(fleet, lock, serve, monkeypatch):
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        identity = processes.look(process.pid).identity
        assert identity is not None
        shown = processes.ProcessIdentity(
            process.pid, 1.0, 1, identity.uid, identity.name, ("openclaw", "agent", "--local")
        )
        monkeypatch.setattr(
            "lockdeck.backend.actions.cancel.plan_lockless.openclaw_processes", lambda: [shown]
        )
        plan = planned(fleet, lock, serve(WRITES, False).port)
        process.kill()
    assert f"pid {process.pid} may run it" in plan.not_known[1]


def test_a_wall_clock_that_jumps_changes_nothing_that_is_proven(fleet, lock, serve):
    hours = itertools.cycle([0.0, 7200.0, -7200.0])
    server = serve(WRITES, True)
    outcome = done(planned(fleet, lock, server.port), fleet, clock=lambda: 1_795_000_000.0 + next(hours))
    assert outcome.status == "cancelled"
    assert 500 <= outcome.verified_ms < 30_000
