"""From 2026.5.17 to 2026.7 a run goes on while no lock stands: its gateway says so, else the log, else nobody knows."""

from __future__ import annotations

import time

import pytest

from lockdeck.backend.model.fleet import State
from lockdeck.backend.model.needs import needs_person
from lockdeck.backend.model.runs.records import Hold, Occupation
from lockdeck.backend.model.sources import SourceKind, SourceState
from lockdeck.backend.openclaw.gateway.rows import SessionRow
from lockdeck.backend.simulate.rpc import Manners
from lockdeck.backend.system.procfs import LINUX
from lockdeck.backend.watch.collector import Collector
from lockdeck.backend.watch.gateway_feed.news import FeedNews
from lockdeck.backend.watch.sessions.unlocked import with_gateways_word
from tests.unit.fleetdir import FleetDir, actor
from tests.unit.watch.test_feed import KEY, TOKEN, Server, Sessions, quick

__all__ = ["quick"]
pytestmark = pytest.mark.skipif(not LINUX, reason="who has a file open is seen on Linux only")


@pytest.fixture
def fleet(tmp_path):
    made = FleetDir(tmp_path)
    made.env |= {"LOCKDECK_STATE_DIR": str(tmp_path / "deck")}
    made.session(KEY)
    return made


@pytest.fixture
def sessions():
    return Sessions()


@pytest.fixture
def server(sessions):
    served = Server(Manners(TOKEN, "2026.5.18", 3), sessions)
    yield served
    served.down()


@pytest.fixture
def serving(fleet, server):
    """A process that has the gateway's lock, as the gateway that is served."""
    with actor() as process:
        process.take(fleet.gateway_lock(), configPath=str(fleet.root / "openclaw.json"), port=server.port)
        yield process


def configure(fleet, server, version, token=TOKEN):
    fleet.config(
        meta={"lastTouchedVersion": version},
        gateway={"port": server.port, "auth": {"mode": "token", "token": token}},
    )


def look(fleet, *logs):
    collector = Collector.discover(
        [str(fleet.root)], fleet.settings(), logs=list(map(str, logs)), env=fleet.env
    )
    try:
        snapshot = collector.look()
    finally:
        collector.close()
    (session,) = snapshot.sessions
    gateway = next(s for s in snapshot.roots[0].sources if s.kind is SourceKind.GATEWAY)
    return snapshot, session, gateway


@pytest.mark.parametrize("version", ["2026.5.18", "2026.6.35"])
def test_a_run_without_a_lock_runs_by_the_word_of_its_gateway(fleet, server, serving, version):
    configure(fleet, server, version)
    snapshot, session, gateway = look(fleet, fleet.log)
    assert session.state is State.RUNNING
    assert session.lock is None
    assert any(f"its gateway (pid {serving.pid}) says that a run goes on" in r for r in session.reasons)
    assert gateway.state is SourceState.READ
    assert not needs_person(snapshot)


def test_without_any_run_the_session_is_idle(fleet, server, sessions, serving):
    sessions.rows = [{"key": KEY, "agentId": "silas", "hasActiveRun": False, "status": "done"}]
    configure(fleet, server, "2026.5.18")
    assert look(fleet, fleet.log)[1].state is State.IDLE


def test_the_gateways_word_stands_for_a_log_that_is_missing(fleet, server, serving):
    configure(fleet, server, "2026.5.18")
    snapshot, session, _ = look(fleet)
    assert session.state is State.RUNNING
    assert not snapshot.roots[0].unseen


def test_without_access_the_log_has_to_do(fleet, server, sessions, serving):
    configure(fleet, server, "2026.5.18", token="another")
    snapshot, session, gateway = look(fleet, fleet.log)
    assert (session.state, gateway.state, gateway.lost) == (State.IDLE, SourceState.REFUSED, None)
    assert not needs_person(snapshot)


def test_with_neither_nobody_knows(fleet, server, serving):
    configure(fleet, server, "2026.5.18", token="another")
    snapshot, session, gateway = look(fleet)
    assert (session.state, gateway.state) == (State.UNKNOWN, SourceState.REFUSED)
    assert needs_person(snapshot)


def test_a_release_that_keeps_its_lock_for_the_whole_attempt_is_not_asked(fleet, server, sessions, serving):
    configure(fleet, server, "2026.4.5")
    _, session, gateway = look(fleet, fleet.log)
    assert (session.state, gateway.state) == (State.IDLE, SourceState.NOT_NEEDED)
    assert sessions.asked == 0


def test_a_gap_between_two_holds_of_a_run_does_not_end_its_occupation():
    now = time.time()
    holds = Occupation("/l", now - 90.0, 3, (Hold("a", 7, now - 12.0, now - 11.0),))
    row = SessionRow("k", "silas", active=True, started_at=now - 10.0)
    went_on = with_gateways_word(holds, row, "/l", FeedNews(told_at=now, connected=True), 7)
    assert (went_on.since, went_on.holds) == (now - 90.0, 3)
    assert went_on.current is not None
    assert went_on.current.started_at == now - 10.0
