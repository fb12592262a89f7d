"""The demo fleet through lockdeck's own readers: what it writes is what they expect of 2026.4.5."""

from __future__ import annotations

import asyncio
import os
import threading

import pytest

from lockdeck.backend.model.fleet import FleetSnapshot, SessionView, State
from lockdeck.backend.model.runs.events import (
    AllModelsFailed,
    FailoverDecision,
    LaneTaskError,
    ProfileTimedOut,
    RunTimeout,
)
from lockdeck.backend.openclaw.locks.gatewaylock import serving_gateway_lock
from lockdeck.backend.openclaw.log.stream import parse_line
from lockdeck.backend.openclaw.roots.config import load_config
from lockdeck.backend.openclaw.roots.discovery import discover_roots
from lockdeck.backend.openclaw.store import read_store
from lockdeck.backend.openclaw.transcript import transcript_tail
from lockdeck.backend.settings.records import Settings
from lockdeck.backend.simulate import store
from lockdeck.backend.simulate.cast import AGENTS, CHAIN
from lockdeck.backend.simulate.fleet import SimulatedFleet
from lockdeck.backend.simulate.home import Home, furnish
from lockdeck.backend.simulate.log import Log
from lockdeck.backend.simulate.runs import Runs
from lockdeck.backend.simulate.tempo import Tempo
from lockdeck.backend.simulate.world import World
from lockdeck.backend.system.procfs import LINUX
from lockdeck.backend.watch.collector import Collector
from tests.reading import read_events
from tests.unit.fleetdir import nobody_vouches

KEY = "agent:silas:main"


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> World:
    """A fleet's directory after one failed run of silas."""
    home = Home(tmp_path_factory.mktemp("home"))
    furnish(home, 18789, 0.05)
    world = World(home, Tempo(0.05), Log(home.log()))
    world.provider.hanging = True
    silas = next(session for session in store.load_sessions(home) if session.key == KEY)
    asyncio.run(Runs(world).run(silas))
    return world


def test_discovery_finds_a_running_fleet_and_its_gateway_through_its_environment(tmp_path):
    with SimulatedFleet(tmp_path, pace=5.0) as fleet:
        (root,) = discover_roots(fleet.env, fleet.env["HOME"], (), nobody_vouches).roots
        lock = serving_gateway_lock(root.path, str(fleet.root / "openclaw.json"), fleet.env, os.getuid())
        assert root.path == str(fleet.root)
        assert lock is not None
        assert lock.pid == fleet.gateway_pid


@pytest.mark.skipif(not LINUX, reason="who has a file open is seen on Linux only")
def test_a_session_that_is_stuck_stays_so_through_the_callers_until_its_run_has_failed(tmp_path):
    seen: list[SessionView] = []
    over = threading.Event()

    def keep(snapshot: FleetSnapshot) -> None:
        seen.append(next(session for session in snapshot.sessions if session.key == KEY))
        if seen[-1].state is State.FAILED:
            over.set()

    with SimulatedFleet(tmp_path, pace=1.5) as fleet:
        logs = (str(fleet.log_file),)
        collector = Collector.discover((str(fleet.root),), Settings(), logs=logs, env=fleet.env)
        timer = threading.Timer(60, over.set)
        timer.start()
        collector.run(keep, over)
        timer.cancel()
    rotating = seen[next(n for n, view in enumerate(seen) if view.state is State.ROTATING) :]
    states = [
        view.state for n, view in enumerate(rotating) if n == 0 or rotating[n - 1].state is not view.state
    ]
    assert states == [State.ROTATING, State.STUCK, State.FAILED]
    assert len({view.rotation.run_id for view in rotating}) == 1
    assert [view.blocked.count for view in rotating] == sorted(view.blocked.count for view in rotating)
    assert rotating[-1].blocked.count == 1
    assert any("1 caller failed on the lock" in reason for reason in rotating[-1].reasons), rotating[-1]


def test_the_configuration_gives_the_chain_and_the_length_of_an_attempt(world):
    config = load_config(str(world.home.root), {})
    chain = config.chain_for("silas")
    assert config.problem is None
    assert [agent.id for agent in config.agents] == list(AGENTS)
    assert [(c.provider, c.model, c.profiles) for c in chain.candidates] == [
        (c.provider, c.model, c.profiles) for c in CHAIN
    ]
    assert (chain.idle_timeout_s, chain.run_timeout_s) == (0.05, 0.05)


def test_the_log_of_a_failed_run_parses_into_the_events_of_the_incident(world):
    events = list(read_events(world.home.log()))
    counts = {kind: sum(isinstance(event, kind) for event in events) for kind in map(type, events)}
    assert counts[RunTimeout] == counts[ProfileTimedOut] == counts[FailoverDecision] == 5
    assert counts[LaneTaskError] == 6
    assert counts[AllModelsFailed] == 1
    assert {event.session_key for event in events if isinstance(event, LaneTaskError)} == {None, KEY}


def test_no_line_of_the_log_is_passed_over(world):
    assert all(parse_line(line) is not None for line in world.home.log().read_bytes().splitlines())


def test_store_and_transcript_read_back(world):
    (entry,) = read_store(str(world.home.store("silas"))).entries
    tail = transcript_tail(entry.session_file)
    assert (entry.key, entry.status) == (KEY, "failed")
    assert len(tail.events) == 5
    assert {event.session_id for event in tail.events} == {entry.session_id}
    assert tail.last_stop_reason == "aborted"
