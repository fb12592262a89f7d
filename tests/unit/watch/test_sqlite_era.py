"""A root without lock files: from its log alone, from a served gateway, and while it changes its era."""

from __future__ import annotations

import json
import os
import queue
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from msgspec.structs import replace

from lockdeck.backend.actions.release.plan import plan_at
from lockdeck.backend.model.fleet import FleetSnapshot, GatewayView, RootView, RunHolder, SessionView, State
from lockdeck.backend.model.runs.events import (
    AttemptStarted,
    ChainStopped,
    Event,
    FailoverDecision,
    RotationCap,
    RunEnded,
    RunNamed,
    SameModelRetry,
    TurnRefused,
)
from lockdeck.backend.model.runs.fold import RunBook, fold_all
from lockdeck.backend.model.runs.life import RunOutcome
from lockdeck.backend.model.runs.trace_joins import run_id_of
from lockdeck.backend.model.sessions.refusals import refusals_by_key, refusals_since
from lockdeck.backend.model.sessions.stuck import MARGIN_S
from lockdeck.backend.openclaw.gateway.rows import SessionRow, Sign
from lockdeck.backend.openclaw.log.stream import parse_line
from lockdeck.backend.openclaw.roots.era import era_of
from lockdeck.backend.settings.records import Settings
from lockdeck.backend.simulate.rpc import Manners
from lockdeck.backend.watch.collector import Collector
from lockdeck.backend.watch.gateway_feed.news import FeedNews
from lockdeck.backend.watch.gateway_feed.rows import SETTLES_S, RootReport
from lockdeck.backend.watch.joins import Joins
from lockdeck.backend.watch.logs.replay import replay
from lockdeck.backend.watch.sessions.builder import SessionBuilder
from lockdeck.backend.watch.sessions.nextmoments import NextMoments
from lockdeck.backend.watch.sessions.sqlite import GatewayPicture, observe
from tests.folders import RECORDINGS
from tests.unit.fleetdir import FleetDir
from tests.unit.watch.test_feed import KEY, TOKEN, Server, Sessions, quick

__all__ = ["quick"]
RECORDING = RECORDINGS / "2026.9.6-hang" / "gateway.log"
DEADLINE_S = 20.0


def retry(at: float, index: int, **more: object) -> SameModelRetry:
    told = {"trace_id": "t1", "delay_ms": 1000 + index, **more}
    return SameModelRetry(at, index, 8, "atlas/atlas-large", "timeout", **told)


HANG = [
    retry(10.0, 1),
    retry(21.0, 2),
    retry(32.0, 3),
    retry(43.0, 4),
    RotationCap(
        54.0, "[idle-timeout-circuit-breaker-tripped] consecutive=5 cap=5", "agent:silas:main", trace_id="t1"
    ),
    ChainStopped(54.1, None, "s1", "idle_timeout_circuit_breaker", trace_id="t1"),
]


def test_a_run_is_built_from_its_trace_and_its_retries_are_attempts():
    (run,) = fold_all(RunBook(), HANG).runs.values()
    assert run.run_id == run_id_of("t1")
    assert (run.session_key, run.session_id, run.outcome) == ("agent:silas:main", "s1", RunOutcome.FAILED)
    assert [a.decision for a in run.attempts] == ["retry_same_model"] * 4 + ["idle_breaker"]
    assert all(a.by_timeout and a.model == "atlas-large" for a in run.attempts)
    assert [a.started_at for a in run.attempts] == [None, 11.001, 22.002, 33.003, 44.004]


def test_the_recorded_hang_of_four_agents_is_four_runs_of_five_attempts():
    told = replay([str(RECORDING)])
    assert {(p.session_key, len(p.run.attempts), p.run.outcome) for p in told.runs} == {
        (f"agent:{agent}:main", 5, RunOutcome.FAILED) for agent in ("main", "silas", "ezra", "juno")
    }
    assert told.unjoined == 0
    assert all(50_000 < past.ms < 60_000 for past in told.occupations)


@pytest.mark.parametrize("seed", range(10))
def test_a_trace_joins_its_run_in_whatever_order_the_lines_come(seed):
    lines = [*HANG, RunNamed(1.0, "r1", "t1"), AttemptStarted(0.5, "r1", session_key="agent:silas:main")]
    expected = fold_all(RunBook(), lines)
    (run,) = expected.runs.values()
    assert (run.run_id, len(run.attempts), run.attempts[0].started_at) == ("r1", 5, 0.5)
    shuffled = lines * 2
    random.Random(seed).shuffle(shuffled)
    one_by_one = RunBook()
    for event in shuffled:
        one_by_one = fold_all(one_by_one, [event])
    assert one_by_one == expected


def test_a_trace_in_which_two_runs_are_named_belongs_to_neither():
    book = fold_all(RunBook(), [*HANG, RunNamed(1.0, "r1", "t1"), RunNamed(2.0, "r2", "t1")])
    assert list(book.runs) == [run_id_of("t1")]


@pytest.mark.parametrize("backwards", [False, True])
def test_a_retry_told_by_event_and_log_joins_the_trace_to_the_run(backwards):
    event = retry(21.3, 2, trace_id=None, run_id="r1", session_key="agent:silas:main")
    lines = [*HANG[:3], event]
    book = fold_all(RunBook(), reversed(lines) if backwards else lines)
    (run,) = book.runs.values()
    assert (run.run_id, run.session_key, len(run.attempts)) == ("r1", "agent:silas:main", 3)


def test_equal_retries_of_two_traces_join_nothing():
    event = retry(21.3, 2, trace_id=None, run_id="r1")
    book = fold_all(RunBook(), [retry(21.0, 2), retry(21.1, 2, trace_id="t2"), event])
    assert set(book.runs) == {"r1", run_id_of("t1"), run_id_of("t2")}


@pytest.mark.parametrize(
    ("text", "session_id", "key"),
    [
        ("⇄ res ✗ agent 12ms errorMessage=ActiveTurnClaimError: Session s1 already has an active turn claim runId=r1",
         "s1", None),
        ('Embedded agent failed before reply: Session "agent:silas:main" changed while starting work. Retry.',
         None, "agent:silas:main"),
    ],
)  # fmt: skip
def test_a_refused_caller_is_read_and_counted_once(text, session_id, key):
    line = {"0": '{"subsystem":"gateway/ws"}', "1": text, "time": "2026-11-22T15:54:36.132Z", "message": text}
    event = parse_line(json.dumps(line, ensure_ascii=False).encode())
    assert isinstance(event, TurnRefused)
    assert (event.session_id, event.session_key) == (session_id, key)
    again = TurnRefused(event.at + 0.1, event.session_id, event.session_key, event.text)
    book = fold_all(RunBook(), [event, again])
    refused = {key: refusals_since(told, 0.0) for key, told in refusals_by_key(book, {"s1": KEY}, {}).items()}
    assert {key: found and found.callers for key, found in refused.items()} == {KEY: 1}


def test_words_of_an_assistant_refuse_nobody():
    text = "I read that Session s1 already has an active turn claim."
    line = {"0": text, "time": "2026-11-22T15:54:36.132Z", "message": text}
    assert parse_line(json.dumps(line).encode()) is None


# --- whole roots


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def fleet(tmp_path: Path) -> FleetDir:
    made = FleetDir(tmp_path)
    made.env |= {"LOCKDECK_STATE_DIR": str(tmp_path / "deck")}
    return made


@pytest.fixture
def sessions() -> Sessions:
    return Sessions()


@pytest.fixture
def server(sessions: Sessions) -> Iterator[Server]:
    served = Server(Manners(TOKEN, "2026.9.6", 4), sessions)
    yield served
    served.down()


def migrate(fleet: FleetDir, agent: str = "silas") -> None:
    """Give an agent the database that 2026.8 and later keep sessions in."""
    folder = fleet.root / "agents" / agent / "agent"
    folder.mkdir(parents=True, exist_ok=True)
    with sqlite3.connect(folder / "openclaw-agent.sqlite") as database:
        database.execute("CREATE TABLE IF NOT EXISTS session_nodes (session_key TEXT PRIMARY KEY)")


def log_line(fleet: FleetDir, at: float, text: str, trace: str = "t1") -> None:
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) + f".{round(at % 1 * 1000) % 1000:03d}Z"
    line = {
        "0": '{"subsystem":"agent/embedded"}',
        "1": text,
        "time": stamp,
        "message": text,
        "traceId": trace,
    }
    with fleet.log.open("a") as file:
        file.write(json.dumps(line, ensure_ascii=False) + "\n")


def log_retry(fleet: FleetDir, at: float, index: int, trace: str = "t1") -> None:
    text = f"transient same-model retry {index}/8 for atlas/atlas-large reason=timeout: delayMs=1000"
    log_line(fleet, at, text, trace)


def gateway(fleet: FleetDir, port: int, token: object = TOKEN) -> None:
    """A config that leads to a served gateway."""
    fleet.config(gateway={"port": port, "auth": {"mode": "token", "token": token}})


def collector(fleet: FleetDir, clock: Callable[[], float] = time.time) -> Collector:
    return Collector.discover(
        [str(fleet.root)], fleet.settings(), logs=[str(fleet.log)], env=fleet.env, clock=clock
    )


def look(fleet: FleetDir, clock: Callable[[], float] = time.time) -> tuple[RootView, dict[str, SessionView]]:
    watching = collector(fleet, clock)
    try:
        snapshot = watching.look()
    finally:
        watching.close()
    return snapshot.roots[0], {session.key: session for session in snapshot.sessions}


@contextmanager
def running(watching: Collector) -> Iterator[Callable[..., FleetSnapshot]]:
    """Let a collector run; gives a function that waits for a snapshot that fits."""
    published: queue.Queue[FleetSnapshot] = queue.Queue()
    stop = threading.Event()
    thread = threading.Thread(target=watching.run, args=(published.put, stop))
    thread.start()

    def until(fits: Callable[[FleetSnapshot], object]) -> FleetSnapshot:
        deadline = time.monotonic() + DEADLINE_S
        last: FleetSnapshot | None = None
        while (left := deadline - time.monotonic()) > 0:
            with suppress(queue.Empty):
                last = published.get(timeout=left)
                if fits(last):
                    return last
        raise AssertionError(f"the last snapshot was {last}")

    try:
        yield until
    finally:
        stop.set()
        thread.join(DEADLINE_S)


@pytest.mark.parametrize("accepted", [False, True])
def test_without_a_credential_the_log_tells_that_a_run_hangs_and_one_line_says_the_way(fleet, accepted):
    migrate(fleet)
    fleet.config()
    now = time.time()
    if accepted:
        log_line(fleet, now - 30.0, "⇄ res ✓ agent 656ms runId=r1 conn=c id=i")
    log_retry(fleet, now - 20.0, 1)
    log_retry(fleet, now - 5.0, 2)
    root, found = look(fleet)
    assert root.era == "sqlite"
    (problem,) = [p for p in root.problems if "no access to the gateway" in p]
    assert "OPENCLAW_GATEWAY_TOKEN" in problem
    (session,) = found.values()
    assert session.state is State.STUCK
    assert (session.rotation.timeouts, session.attempt.index, session.lock) == (2, 3, None)
    assert any("names no session" in reason for reason in session.reasons)


def test_an_environment_that_changes_later_leads_nobody_to_other_folders(fleet, tmp_path, monkeypatch):
    migrate(fleet)
    fleet.config(gateway={"auth": {"mode": "none"}})
    first, second = tmp_path / "first", tmp_path / "second"
    monkeypatch.setenv("LOCKDECK_STATE_DIR", str(first))
    collector = Collector.discover([str(fleet.root)], Settings())
    monkeypatch.setenv("LOCKDECK_STATE_DIR", str(second))
    collector.look()
    collector.close()
    assert [path.name for path in first.iterdir()] == ["device.json"]
    assert not second.exists()


def test_a_session_that_the_log_names_is_shown_under_its_key_and_marked(fleet):
    migrate(fleet)
    fleet.config()
    now = time.time()
    log_retry(fleet, now - 9.0, 1)
    log_line(
        fleet, now - 2.0, "[idle-timeout-circuit-breaker-tripped] sessionKey=agent:silas:main consecutive=5"
    )
    stop = {
        "event": "model_fallback_chain_stopped",
        "sessionId": "s1",
        "reason": "idle_timeout_circuit_breaker",
    }
    with fleet.log.open("a") as file:
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
        file.write(
            json.dumps({"1": stop, "2": "model fallback chain stopped", "time": stamp, "traceId": "t1"})
            + "\n"
        )
    _, found = look(fleet)
    assert list(found) == [KEY]
    assert found[KEY].state is State.FAILED
    assert any("idle_timeout_circuit_breaker" in reason for reason in found[KEY].reasons)
    assert any("log and process table alone" in reason for reason in found[KEY].reasons)


def test_silence_after_the_timeout_means_that_the_attempt_answered(fleet):
    migrate(fleet)
    fleet.config()
    clock = Clock()
    log_retry(fleet, clock.now - 1.0, 1)
    assert [s.state for s in look(fleet, clock)[1].values()] == [State.ROTATING]
    clock.now += 120.0 + MARGIN_S + 2.0
    assert look(fleet, clock)[1] == {}


def test_a_gateway_tells_who_holds_a_session_and_what_waits(fleet, server, sessions):
    migrate(fleet)
    gateway(fleet, server.port)
    now = time.time()
    at_ms = int(now * 1000)
    sessions.rows = [
        {"key": KEY, "agentId": "silas", "sessionId": "s1", "hasActiveRun": True, "status": "running",
         "startedAt": at_ms - 3000, "modelProvider": "atlas", "model": "atlas-large"},
        {"key": "agent:ezra:main", "agentId": "ezra", "hasActiveRun": False, "status": "done"},
    ]  # fmt: skip
    task = {"status": "running", "sessionKey": KEY, "startedAt": at_ms - 3000}
    sessions.tasks = [
        {**task, "runId": "r1", "execution": {"state": "running"}},
        {**task, "runId": "r2", "execution": {"state": "queued"}},
    ]
    root, found = look(fleet)
    assert (root.version, root.problems) == ("2026.9.6", ())
    silas = found[KEY]
    assert (silas.state, silas.lock) == (State.RUNNING, None)
    assert (silas.holder.run_id, silas.holder.model, silas.holder.queue_depth) == (
        "r1",
        "atlas/atlas-large",
        1,
    )
    assert silas.blocked.count == 1
    assert silas.occupation.since == pytest.approx(now - 3.0, abs=0.1)
    assert any("run r1 on atlas/atlas-large" in reason for reason in silas.reasons)
    assert (found["agent:ezra:main"].state, found["agent:ezra:main"].holder) == (State.IDLE, None)


def test_a_single_look_waits_two_seconds_for_a_mute_gateway_and_says_so(fleet, monkeypatch):
    monkeypatch.setattr("lockdeck.backend.watch.gateway_feed.feeds.FIRST_WORD_S", 0.2)
    import socket

    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        migrate(fleet)
        gateway(fleet, mute.getsockname()[1])
        began = time.monotonic()
        root, _ = look(fleet)
        assert time.monotonic() - began < DEADLINE_S / 4
    assert [p for p in root.problems if "did not answer in time" in p]


def test_a_refused_token_is_one_line_and_never_shown(fleet, server):
    migrate(fleet)
    gateway(fleet, server.port, "not-the-token")
    root, _ = look(fleet)
    (problem,) = root.problems
    assert "refuses the token" in problem
    assert "not-the-token" not in problem


def test_a_root_changes_its_era_while_it_is_watched_and_its_old_locks_are_litter(fleet, server):
    gateway(fleet, server.port)
    lock = fleet.session(KEY)
    lock.write_text(json.dumps({"pid": os.getpid(), "createdAt": "2026-11-22T10:59:02.190Z"}))
    with running(collector(fleet)) as until:
        before = until(lambda s: s.locks)
        assert before.roots[0].era == "files"
        assert before.locks[0].judgement.verdict != "litter"
        migrate(fleet)
        after = until(lambda s: s.roots[0].era == "sqlite" and any(x.holder for x in s.sessions))
        assert [view.judgement.verdict.value for view in after.locks] == ["litter"]
        assert {session.key for session in after.sessions} == {KEY}


def test_a_hang_heard_live_is_stuck_with_its_run_and_ends_when_the_gateway_says_so(fleet, server, sessions):
    migrate(fleet)
    gateway(fleet, server.port)

    def told(stream: str, **data: object) -> dict[str, object]:
        payload = {
            "runId": "r1",
            "stream": stream,
            "sessionKey": KEY,
            "data": data,
            "ts": int(time.time() * 1000),
        }
        return {"type": "event", "event": "agent", "payload": payload}

    def again(index: int) -> dict[str, object]:
        return told(
            "run_status", phase="retrying", retryAttempt=index, maxRetries=8, delayMs=index, reason="timeout"
        )

    def silas(snapshot: FleetSnapshot) -> SessionView | None:
        return next((s for s in snapshot.sessions if s.key == KEY), None)

    with running(collector(fleet)) as until:
        until(lambda s: silas(s) and silas(s).state is State.RUNNING)
        sessions.say(told("lifecycle", phase="start"), again(1))
        until(lambda s: silas(s).state is State.ROTATING)
        sessions.say(again(2))
        stuck = silas(until(lambda s: silas(s).state is State.STUCK))
        assert (stuck.attempt.index, stuck.holder.run_id, stuck.rotation.free_by is not None) == (
            3,
            "r1",
            True,
        )
        sessions.rows = [{"key": KEY, "agentId": "silas", "hasActiveRun": False, "status": "killed"}]
        sessions.say(told("lifecycle", phase="end", aborted=True))
        assert silas(until(lambda s: silas(s).state is State.IDLE)).occupation is None


def test_two_roots_with_the_same_session_key_are_not_mixed_up(fleet, server, sessions, tmp_path):
    migrate(fleet)
    gateway(fleet, server.port)
    (tmp_path / "older").mkdir()
    older = FleetDir(tmp_path / "older")
    older.session(KEY)
    at_ms = int(time.time() * 1000)
    sessions.tasks = [
        {
            "status": "running",
            "sessionKey": KEY,
            "runId": "r1",
            "startedAt": at_ms,
            "execution": {"state": "running"},
        }
    ]
    watching = Collector.discover(
        [str(fleet.root), str(older.root)], fleet.settings(), logs=[str(fleet.log)], env=fleet.env
    )
    try:
        snapshot = watching.look()
    finally:
        watching.close()
    assert {root.path: root.era for root in snapshot.roots} == {
        str(fleet.root): "sqlite",
        str(older.root): "files",
    }
    states = {session.root: session.state for session in snapshot.sessions}
    assert states == {str(fleet.root): State.RUNNING, str(older.root): State.IDLE}


def test_a_release_in_a_migrated_root_is_refused_and_says_what_helps(fleet):
    lock = fleet.session(KEY)
    lock.write_text(json.dumps({"pid": 1, "createdAt": "2026-11-22T10:59:02.190Z"}))
    migrate(fleet)
    plan = plan_at(replace(fleet.place(lock), era=era_of(str(fleet.root))), None)
    assert plan.refusal is not None
    told = " ".join(plan.refusal.reasons)
    assert "SQLite" in told
    assert "cancel the run" in told
    assert lock.exists()


def built(row, run, report):
    return SessionBuilder().build(observe(row, run, report), report.joins, report.now)


def test_a_tool_at_work_is_no_silence_and_neither_is_what_was_before_we_listened(fleet):
    row = SessionRow(KEY, "silas", active=True, started_at=1000.0)
    root = collector(fleet).roots[str(fleet.root)]
    news = FeedNews(sessions=(row,), told_at=1999.0, connected=True, connected_at=1990.0)

    def state(**changes: object) -> State:
        return built(row, None, RootReport(root, replace(news, **changes), Joins(), 2000.0)).state

    assert state() is State.RUNNING
    assert state(connected_at=1100.0) is State.STUCK
    assert state(connected_at=1100.0, progress={KEY: Sign(1200.0, tool=True)}) is State.RUNNING
    assert state(connected_at=1100.0, progress={KEY: Sign(1990.0)}) is State.RUNNING


def test_a_holder_is_never_the_previous_run_with_its_age(fleet):
    row = SessionRow(KEY, "silas", active=True, started_at=1990.0)
    root = collector(fleet).roots[str(fleet.root)]
    news = FeedNews(sessions=(row,), told_at=1999.0, connected=True, connected_at=1900.0)

    def holder(retried_at: float) -> RunHolder | None:
        lines = [retry(retried_at, 1, run_id="r1", session_key=KEY, trace_id=None)]
        joins = Joins.of(fold_all(RunBook(), lines), {}, {})
        (view,) = sessions_of(RootReport(root, news, joins, 2000.0))
        return view.holder

    previous, present = holder(1700.0), holder(1985.0)
    assert previous is not None
    assert (previous.run_id, previous.since) == (None, 1990.0)
    assert present is not None
    assert present.run_id == "r1"


def sessions_of(report: RootReport) -> list[SessionView]:
    picture = GatewayPicture(lambda *_: None)
    picture.update(report, SessionBuilder(), NextMoments(), frozenset(), whole=True, full=True)
    return picture.every()


def silas(fleet: FleetDir, row: SessionRow, events: list[Event], now: float = 2000.0) -> SessionView:
    """The view of a session that its gateway and these lines tell of; the gateway is heard at `now` for the first time."""
    root = collector(fleet).roots[str(fleet.root)]
    news = FeedNews(sessions=(row,), told_at=now, connected=True, connected_at=now)
    joins = Joins.of(fold_all(RunBook(), events), {}, {})
    views = {view.key: view for view in sessions_of(RootReport(root, news, joins, now))}
    assert set(views) == {KEY}
    return views[KEY]


def decided(at: float, decision: str, run_id: str = "r1") -> FailoverDecision:
    told = {"provider": "atlas", "model": "atlas-large", "profile_hash": "sha256:cfcfc3d3ac52"}
    return FailoverDecision(at, run_id, "assistant", decision, "timeout", **told, timed_out=True)


ATTEMPTS = [
    AttemptStarted(1900.0, "r1", session_key=KEY),
    retry(1910.0, 1),
    decided(1911.1, "retry_same_model"),
    retry(1920.0, 2),
    decided(1921.1, "retry_same_model"),
    RunNamed(1901.0, "r1", "t1"),
]
"""A run of 2026.9.1: retries without a run id, and their decisions."""


def test_one_look_joins_a_run_to_its_session_and_says_stuck(fleet):
    stuck = silas(fleet, SessionRow(KEY, "silas", active=True, started_at=1922.0), ATTEMPTS)
    assert (stuck.state, stuck.rotation.timeouts, stuck.attempt.index) == (State.STUCK, 2, 3)
    assert stuck.holder is not None
    assert stuck.holder.run_id == "r1"


def test_a_promised_attempt_is_under_way_where_the_gateway_says_that_the_run_goes_on(fleet):
    row = SessionRow(KEY, "silas", active=True, started_at=1931.0)
    stuck = silas(fleet, row, [*ATTEMPTS, decided(1930.0, "rotate_profile")])
    assert (stuck.state, stuck.rotation.timeouts) == (State.STUCK, 3)
    assert (stuck.attempt.index, stuck.attempt.started_at) == (4, 1931.0)


def test_a_failed_run_that_told_no_end_does_not_hide_the_one_that_followed_it(fleet):
    follows = AttemptStarted(1950.0, "r2", session_key=KEY)
    running = silas(fleet, SessionRow(KEY, "silas", active=True, started_at=1950.0), [*ATTEMPTS, follows])
    assert running.holder is not None
    assert (running.state, running.holder.run_id) == (State.RUNNING, "r2")
    ended = RunEnded(1960.0, "r2", ok=False, session_key=KEY, settled=True)
    idle = SessionRow(KEY, "silas", active=False, status="failed", ended_at=1960.0)
    assert silas(fleet, idle, [*ATTEMPTS, follows, ended]).state is State.FAILED


def test_a_message_that_was_cancelled_while_it_waited_hides_no_rotation(fleet):
    waited = RunEnded(1925.0, "r2", ok=False, aborted=True, session_key=KEY, settled=True)
    row = SessionRow(KEY, "silas", active=True, started_at=1922.0)
    assert silas(fleet, row, [*ATTEMPTS, waited]).state is State.STUCK


@pytest.mark.parametrize("run_ids", [(), ("r1",)])
def test_a_run_that_has_ended_does_not_go_on_while_its_gateway_settles_it(fleet, run_ids):
    ended = RunEnded(1990.0, "r1", ok=False, session_key=KEY, settled=True)
    row = SessionRow(KEY, "silas", active=True, status="running", started_at=1922.0, run_ids=run_ids)
    failed = silas(fleet, row, [*ATTEMPTS, ended])
    assert (failed.state, failed.holder) == (State.FAILED, None)
    assert "the gateway has not let go of the session yet" in failed.reasons
    assert silas(fleet, row, [*ATTEMPTS, ended], now=1990.0 + SETTLES_S + 1.0).state is State.RUNNING


@pytest.mark.parametrize(
    "row", [SessionRow(KEY, "silas", active=True), SessionRow(KEY, "silas", active=True, run_ids=("r2",))]
)
def test_a_run_that_has_ended_is_not_the_one_that_begins(fleet, row):
    ended = RunEnded(1990.0, "r1", ok=False, session_key=KEY, settled=True)
    running = silas(fleet, row, [*ATTEMPTS, ended])
    assert running.holder is not None
    assert (running.state, running.holder.run_id, running.rotation) == (
        State.RUNNING,
        next(iter(row.run_ids), None),
        None,
    )


def test_a_run_of_no_session_is_shown_at_once_to_who_has_just_begun_to_listen(fleet):
    root = collector(fleet).roots[str(fleet.root)]
    joins = Joins.of(fold_all(RunBook(), [retry(1990.0, 1), retry(1999.0, 2)]), {}, {})

    def keys(connected_at: float) -> set[str]:
        news = FeedNews(sessions=(), told_at=2000.0, connected=True, connected_at=connected_at)
        return {view.key for view in sessions_of(RootReport(root, news, joins, 2000.0))}

    assert keys(1999.0) == {"agent:unknown:trace:t1"}
    assert keys(1900.0) == set()


def test_a_session_that_may_have_the_nameless_run_in_trouble_is_not_green(fleet):
    """Seen on 2026.9.6: two of four hanging agents were `running` beside two rows of no session that were stuck."""
    root = collector(fleet).roots[str(fleet.root)]
    joins = Joins.of(fold_all(RunBook(), [retry(1990.0, 1), retry(1999.0, 2)]), {}, {})
    rows = (
        SessionRow(KEY, "silas", active=True, status="running", started_at=1985.0),
        SessionRow("agent:ezra:main", "ezra", active=False, status="done"),
    )

    def states(connected_at: float, *more: SessionRow) -> dict[str, State]:
        news = FeedNews(sessions=(*rows, *more), told_at=2000.0, connected=True, connected_at=connected_at)
        views = sessions_of(RootReport(root, news, joins, 2000.0))
        return {view.agent: view.state for view in views}

    another = SessionRow("agent:juno:main", "juno", active=True, status="running", started_at=1990.0)
    assert states(1999.0) == {"unknown": State.STUCK, "silas": State.STUCK, "ezra": State.IDLE}
    told = states(1999.0, another)
    assert (told["silas"], told["juno"]) == (State.UNKNOWN, State.UNKNOWN)
    assert states(1900.0) == {"silas": State.RUNNING, "ezra": State.IDLE}


def test_a_run_that_went_with_its_gateway_has_failed_and_says_so(fleet):
    root = collector(fleet).roots[str(fleet.root)]
    root.gateway = GatewayView(4711, None, 18789, alive=False)
    row = SessionRow(KEY, "silas", active=True, status="running", started_at=1922.0)
    news = FeedNews(sessions=(row,), told_at=1990.0)
    joins = Joins.of(fold_all(RunBook(), ATTEMPTS), {}, {})
    (view,) = sessions_of(RootReport(root, news, joins, 2000.0))
    assert (view.state, view.holder, view.attempt) == (State.FAILED, None, None)
    assert any("was cut off" in reason for reason in view.reasons)


def test_a_run_whose_end_nobody_heard_is_over_when_its_row_says_so(fleet):
    row = SessionRow(KEY, "silas", active=False, status="done")
    root = collector(fleet).roots[str(fleet.root)]
    run = fold_all(RunBook(), [AttemptStarted(1980.0, "r1", session_key=KEY)]).runs["r1"]
    news = FeedNews(sessions=(row,), told_at=1999.0, connected=True, connected_at=1990.0)
    view = built(row, run, RootReport(root, news, Joins(), 2000.0))
    assert (view.state, view.occupation, view.attempt) == (State.IDLE, None, None)
