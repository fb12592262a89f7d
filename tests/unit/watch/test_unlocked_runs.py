"""From 2026.5.17 to 2026.7 a run goes on while no lock stands: its gateway says so, else the log, else nobody knows."""

from __future__ import annotations

import json
import time

import pytest

from lockdeck.backend.model.fleet import State
from lockdeck.backend.model.locks import Verdict
from lockdeck.backend.model.needs import needs_person
from lockdeck.backend.model.runs.records import Hold, Occupation
from lockdeck.backend.model.sources import SourceKind, SourceState
from lockdeck.backend.openclaw.gateway.rows import SessionRow
from lockdeck.backend.simulate.rpc import Manners
from lockdeck.backend.system import procfs
from lockdeck.backend.system.procfs import LINUX
from lockdeck.backend.watch.collector import Collector
from lockdeck.backend.watch.gateway_feed.news import FeedNews
from lockdeck.backend.watch.sessions.unlocked import with_gateways_word
from tests.unit.fleetdir import FleetDir, actor, iso
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


def test_the_gateways_word_stands_for_a_log_that_is_missing_where_nothing_runs(
    fleet, server, sessions, serving
):
    """What a run went through before we listened is told by its log alone: two timeouts may be behind it."""
    configure(fleet, server, "2026.5.18")
    snapshot, session, _ = look(fleet)
    assert (session.state, snapshot.roots[0].unseen) == (State.UNKNOWN, True)
    sessions.rows = [{"key": KEY, "agentId": "silas", "hasActiveRun": False, "status": "done"}]
    snapshot, session, _ = look(fleet)
    assert (session.state, snapshot.roots[0].unseen) == (State.IDLE, False)


def test_without_access_the_log_has_to_do_where_locks_stand_during_each_call(
    fleet, server, sessions, serving
):
    configure(fleet, server, "2026.5.28", token="another")
    snapshot, session, gateway = look(fleet, fleet.log)
    assert (session.state, gateway.state, gateway.lost) == (State.IDLE, SourceState.REFUSED, None)
    assert not needs_person(snapshot)


@pytest.mark.parametrize(
    ("version", "answered", "state"),
    [
        ("2026.7.35", False, State.RUNNING),
        ("2026.7.35", True, State.IDLE),
        ("2026.4.5", False, State.IDLE),
    ],
)
def test_without_access_a_message_that_waits_in_the_transcript_tells_of_a_run(
    fleet, server, serving, version, answered, state
):
    """Seen on 2026.7.35: for 1.8 s no lock stood, a request was open, and the session was idle, exit code 0."""
    configure(fleet, server, version, token="another")
    lock = fleet.session(KEY)
    roles = ("user", "assistant") if answered else ("user",)
    lines = [
        json.dumps({"type": "message", "id": role, "timestamp": iso(time.time()), "message": {"role": role}})
        for role in roles
    ]
    lock.with_name(lock.name.removesuffix(".lock")).write_text("\n".join(lines) + "\n")
    _, session, _ = look(fleet, fleet.log)
    assert session.state is state


def test_without_access_nobody_knows_where_a_run_goes_on_without_its_lock(fleet, server, sessions, serving):
    configure(fleet, server, "2026.5.18", token="another")
    snapshot, session, gateway = look(fleet, fleet.log)
    assert (session.state, gateway.state) == (State.UNKNOWN, SourceState.REFUSED)
    assert "the gateway tells nothing" in (gateway.lost or "")
    assert needs_person(snapshot)


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


def test_the_gateways_word_hides_none_of_the_holds_that_were_seen():
    """Seen on 2026.6.35: the row named no attempt, so that the hold of the second one was taken for gone."""
    now = time.time()
    seen = (Hold("a", 7, now - 50.0, now - 42.0), Hold("b", 7, now - 36.0, now - 8.0))
    word = FeedNews(told_at=now, connected=True, active_since={"k": now - 60.0})
    went_on = with_gateways_word(
        Occupation("/l", now - 50.0, 2, seen), SessionRow("k", "silas", active=True), "/l", word, 7
    )
    assert went_on.recent[:-1] == seen
    assert went_on.current is not None
    assert went_on.current.started_at == now - 36.0


@pytest.mark.parametrize(("version", "verdict"), [("2026.5.18", Verdict.HELD), ("2026.4.5", Verdict.LEAKED)])
def test_where_runs_let_go_of_their_locks_one_in_use_has_not_leaked(fleet, server, version, verdict):
    fleet.config(meta={"lastTouchedVersion": version})
    with actor() as holder:
        holder.leak(fleet.session(KEY))
        _, session, _ = look(fleet, fleet.log)
        assert session.lock.judgement.verdict is verdict


def test_a_lock_that_nobody_has_used_for_a_while_has_leaked_there_too(fleet, server):
    fleet.config(meta={"lastTouchedVersion": "2026.5.18"})
    lock = fleet.session(KEY)
    with actor() as holder:
        holder.leak(lock, createdAt=iso(time.time() - 60.0))
        _, session, _ = look(fleet, fleet.log)
        assert session.lock.judgement.verdict is Verdict.LEAKED


def test_a_lock_of_a_process_that_has_not_come_to_remove_it_has_not_leaked(fleet, server, monkeypatch):
    """Seen on 2026.4.5 with a machine so busy that closing and removing were seconds apart."""
    fleet.config(meta={"lastTouchedVersion": "2026.4.5"})
    with actor() as holder:
        holder.leak(fleet.session(KEY))
        monkeypatch.setattr(procfs, "is_at_work", lambda pid: pid == holder.pid)
        _, session, _ = look(fleet, fleet.log)
        assert session.lock.judgement.verdict is Verdict.HELD
        monkeypatch.setattr(procfs, "is_at_work", lambda _: False)
        _, session, _ = look(fleet, fleet.log)
        assert session.lock.judgement.verdict is Verdict.LEAKED
