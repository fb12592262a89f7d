"""One look and many: real directories, locks and processes into snapshots."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import queue
import shutil
import signal
import sqlite3
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from lockdeck.backend.model.fleet import State
from lockdeck.backend.model.locks import LockKind, Proof, Verdict
from lockdeck.backend.model.needs import needs_person
from lockdeck.backend.model.urgency import urgency
from lockdeck.backend.model.wire import snapshot_json
from lockdeck.backend.settings.records import RootSettings, Settings
from lockdeck.backend.simulate.fleet import SimulatedFleet
from lockdeck.backend.system.inotify import Inotify
from lockdeck.backend.system.procfs import LINUX
from lockdeck.backend.watch import locks as watched_locks
from lockdeck.backend.watch.collector import Collector
from tests.unit.fleetdelta import applied
from tests.unit.fleetdir import PAST, FleetDir, actor, dead_pid, iso, payload

pytestmark = pytest.mark.skipif(not LINUX, reason="who has a file open is seen on Linux only")
DEADLINE_S = 30.0


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self):
        self.now = time.time()

    def __call__(self):
        return self.now


@pytest.fixture
def fleet(tmp_path):
    return FleetDir(tmp_path)


@pytest.fixture
def clock():
    return Clock()


def collector_of(fleet, given=None, clock=time.time, **values):
    given = [str(fleet.root)] if given is None else given
    return Collector.discover(
        given, fleet.settings(**values), logs=[str(fleet.log)], env=fleet.env, clock=clock
    )


@pytest.fixture
def collector(fleet):
    watching = collector_of(fleet)
    yield watching
    watching.close()


@pytest.fixture
def timed(fleet, clock):
    """A collector whose time only goes on when a test says so."""
    watching = collector_of(fleet, clock=clock)
    yield watching
    watching.close()


@contextmanager
def running(collector):
    """Let the collector run; gives a function that waits for a snapshot that fits."""
    published, stop = queue.Queue(), threading.Event()
    thread = threading.Thread(target=collector.run, args=(published.put, stop))
    thread.start()

    def until(fits, what="a fitting snapshot"):
        deadline = time.monotonic() + DEADLINE_S
        while (left := deadline - time.monotonic()) > 0:
            try:
                snapshot = published.get(timeout=left)
            except queue.Empty:
                break
            if fits(snapshot):
                return snapshot
        raise AssertionError(f"not published within {DEADLINE_S:.0f} s: {what}")

    try:
        yield until
    finally:
        stop.set()
        thread.join(DEADLINE_S)
        assert not thread.is_alive()


def verdicts(snapshot):
    return {os.path.basename(view.record.path): view.judgement.verdict for view in snapshot.locks}


def session_of(snapshot, key="agent:main:main"):
    return next((session for session in snapshot.sessions if session.key == key), None)


def live(snapshot):
    return snapshot.roots[0].watch == "live"


def test_one_look_shows_roots_sessions_and_locks(fleet, collector):
    with actor() as holder:
        held = holder.take(fleet.session("agent:main:main"))
        fleet.session("agent:silas:main")
        snapshot = collector.look()
    assert [root.path for root in snapshot.roots] == [str(fleet.root)]
    assert {s.key: s.state for s in snapshot.sessions} == {
        "agent:main:main": State.RUNNING,
        "agent:silas:main": State.IDLE,
    }
    assert verdicts(snapshot) == {held.name: Verdict.HELD}
    assert session_of(snapshot).lock.judgement.holder.pid == holder.pid
    assert session_of(snapshot).occupation.holds == 1


def test_pictures_are_numbered_and_each_names_what_differs_from_the_one_before(fleet, collector):
    calm = fleet.session("agent:main:main")
    pictures = [collector.look()]
    with actor() as holder:
        holder.take(calm)
        pictures.append(collector.look())
    calm.unlink(missing_ok=True)
    pictures.append(collector.look())
    assert [picture.sequence for picture in pictures] == [1, 2, 3]
    assert pictures[0].delta is None
    taken = pictures[1].delta
    assert [(change.old, change.new) for change in taken.locks] == [(None, pictures[1].locks[0])]
    assert [change.new.state for change in taken.sessions] == [State.RUNNING]
    delta = taken.then(pictures[2].delta)
    assert applied(delta.sessions, pictures[0].sessions, urgency) == pictures[2].sessions
    assert applied(delta.locks, pictures[0].locks, lambda view: view.record.path) == pictures[2].locks


def test_the_most_urgent_session_comes_first(fleet, collector):
    fleet.session("agent:main:calm")
    with actor() as holder:
        holder.leak(fleet.session("agent:main:leaked"))
        holder.take(fleet.session("agent:main:busy"))
        snapshot = collector.look()
    assert (snapshot.sessions[0].key, snapshot.sessions[0].state) == ("agent:main:leaked", State.STUCK)


def test_a_lock_of_a_session_that_the_store_does_not_name_is_shown_too(fleet, collector):
    with actor() as holder:
        lock = holder.take(fleet.sessions() / "stranger.jsonl.lock")
        snapshot = collector.look()
    (session,) = snapshot.sessions
    assert (session.key, session.agent, session.lock.record.path) == (
        "agent:main:unknown:stranger",
        "main",
        str(lock),
    )
    assert any("no session of the store" in reason for reason in session.reasons)


def test_a_removed_lock_is_seen_and_stays_while_its_holder_lives(fleet, collector):
    with actor() as holder:
        lock = holder.take(fleet.session())
        collector.look()
        lock.unlink()
        assert verdicts(collector.look()) == {lock.name: Verdict.REMOVED}
        assert verdicts(collector._look({str(lock.parent)})) == {lock.name: Verdict.REMOVED}
        assert session_of(collector.look()).severity.word == "critical"
    assert verdicts(collector._look({str(lock.parent)})) == {}


def test_a_lock_that_is_taken_is_published(fleet, collector):
    lock = fleet.session()
    with actor() as holder, running(collector) as until:
        until(live, "file events")
        holder.take(lock)
        snapshot = until(lambda s: verdicts(s) == {lock.name: Verdict.HELD}, "the lock")
        assert session_of(snapshot).lock.judgement.holder.pid == holder.pid
        holder.release(lock)
        until(lambda s: not s.locks, "its release")


def test_a_dead_holder_is_published_without_any_file_event(fleet):
    lock = fleet.session()
    with actor() as holder, running(collector_of(fleet, rescan_s=0.1)) as until:
        holder.take(lock)
        until(lambda s: verdicts(s) == {lock.name: Verdict.HELD}, "the lock")
        holder.end()
        until(lambda s: verdicts(s) == {lock.name: Verdict.DEAD}, "the death of its holder")


def test_an_agent_that_appears_and_vanishes_is_published(fleet, collector):
    fleet.session()
    with running(collector) as until:
        until(live, "file events")
        fleet.session("agent:silas:main")
        until(lambda s: session_of(s, "agent:silas:main"), "the new agent")
        shutil.rmtree(fleet.root / "agents" / "silas")
        until(lambda s: session_of(s, "agent:silas:main") is None, "its end")


def test_a_tree_that_was_replaced_is_watched_anew(fleet, tmp_path):
    fleet.session()
    with actor() as holder, running(collector_of(fleet, rescan_s=3600.0)) as until:
        until(live, "file events")
        (fleet.root / "agents").rename(tmp_path / "old")
        lock = fleet.session("agent:silas:main")
        until(lambda s: session_of(s, "agent:silas:main"), "the new tree")
        holder.take(lock)
        until(lambda s: lock.name in verdicts(s), "a lock in it")


def test_a_first_agent_of_an_empty_root_is_published(fleet, collector):
    with running(collector) as until:
        until(lambda s: not s.sessions)
        fleet.session()
        until(lambda s: session_of(s), "the first session")


def test_a_new_default_root_is_found_while_watching(fleet, tmp_path):
    env = {key: value for key, value in fleet.env.items() if key != "OPENCLAW_STATE_DIR"}
    watching = Collector.discover((), Settings(rescan_s=0.1), logs=[str(fleet.log)], env=env)
    with running(watching) as until:
        until(lambda s: len(s.roots) == 1)
        (tmp_path / ".openclaw-work" / "agents").mkdir(parents=True)
        until(lambda s: len(s.roots) == 2, "the new root")


def test_a_root_that_vanishes_stays_with_its_problem(fleet, collector):
    fleet.session()
    collector.look()
    shutil.rmtree(fleet.root)
    snapshot = collector.look()
    assert snapshot.sessions == ()
    assert any("does not exist" in problem for problem in snapshot.roots[0].problems)


def test_an_occupation_spans_locks_that_are_taken_anew_and_ends_after_the_grace(fleet, timed, clock):
    lock = fleet.session()
    began = clock.now
    with actor() as holder:
        for expected in (1, 2, 3):
            holder.take(lock, created=clock.now)
            occupation = session_of(timed.look()).occupation
            assert (occupation.since, occupation.holds) == (pytest.approx(began, abs=0.01), expected)
            clock.now += 20
            holder.release(lock)
            gap = session_of(timed.look()).occupation
            assert (gap.holds, gap.current) == (expected, None)
            clock.now += 2
        clock.now += 2
        assert session_of(timed.look()).occupation is None
        holder.take(lock, created=clock.now)
        assert session_of(timed.look()).occupation.holds == 1


def test_the_grace_can_be_set(fleet, clock):
    watching = collector_of(fleet, clock=clock, gap_grace_s=10.0)
    lock = fleet.session()
    with actor() as holder:
        holder.take(lock, created=clock.now)
        watching.look()
        holder.release(lock)
        watching.look()
        clock.now += 9
        assert session_of(watching.look()).occupation is not None
        clock.now += 2
        assert session_of(watching.look()).occupation is None
    watching.close()


def test_an_occupation_ends_while_watching_without_any_event(fleet):
    lock = fleet.session()
    with actor() as holder, running(collector_of(fleet, gap_grace_s=0.2)) as until:
        until(live, "file events")
        holder.take(lock)
        until(lambda s: session_of(s).occupation, "the occupation")
        holder.release(lock)
        until(lambda s: session_of(s).occupation is None, "its end")


def test_a_store_for_each_agent_outside_the_root_is_watched(fleet, tmp_path, collector):
    template = tmp_path / "stores" / "{agentId}" / "sessions.json"
    fleet.config(session={"store": str(template)}, agents={"list": [{"id": "silas"}]})
    store = tmp_path / "stores" / "silas" / "sessions.json"
    store.parent.mkdir(parents=True)
    with actor() as holder:
        lock = holder.take(fleet.session("agent:silas:main", store))
        session = session_of(collector.look(), "agent:silas:main")
    assert (session.agent, session.root, session.lock.record.path) == ("silas", str(fleet.root), str(lock))


def test_one_store_for_all_agents_tells_the_agent_by_the_key(fleet, tmp_path, collector):
    store = tmp_path / "all" / "sessions.json"
    store.parent.mkdir()
    fleet.config(session={"store": str(store)})
    with actor() as holder:
        lock = holder.take(fleet.session("agent:ezra:main", store))
        fleet.session("agent:silas:main", store)
        snapshot = collector.look()
    assert {s.key: s.agent for s in snapshot.sessions} == {
        "agent:ezra:main": "ezra",
        "agent:silas:main": "silas",
    }
    assert session_of(snapshot, "agent:ezra:main").lock.record.path == str(lock)
    assert session_of(snapshot, "agent:ezra:main").lock.record.agent == "ezra"


def test_a_linked_agents_directory_is_watched_where_it_really_is(fleet, tmp_path, collector):
    real = tmp_path / "elsewhere"
    (fleet.root / "agents").rename(real)
    (fleet.root / "agents").symlink_to(real)
    lock = fleet.session()
    with actor() as holder, running(collector) as until:
        until(live, "file events")
        holder.take(lock)
        snapshot = until(lambda s: s.locks, "the lock")
    assert snapshot.locks[0].record.path == str(real / "main" / "sessions" / lock.name)
    assert session_of(snapshot).lock is not None


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_directory_that_may_not_be_read_is_a_problem_and_hides_no_other(fleet, collector):
    fleet.session()
    closed = fleet.sessions("silas")
    closed.chmod(0)
    snapshot = collector.look()
    closed.chmod(0o700)
    assert session_of(snapshot)
    assert any(str(closed) in problem for problem in snapshot.roots[0].problems)


def test_a_directory_that_can_not_be_listed_is_a_problem_and_hides_no_other(fleet, collector, monkeypatch):
    fleet.session()
    closed = str(fleet.sessions("silas"))
    listdir = os.listdir

    def refusing(path="."):
        if path == closed:
            raise PermissionError(13, "Permission denied", path)
        return listdir(path)

    monkeypatch.setattr(os, "listdir", refusing)
    snapshot = collector.look()
    assert session_of(snapshot)
    assert f"{closed} can't be listed: Permission denied" in snapshot.roots[0].problems


def test_a_broken_store_is_a_problem_and_hides_no_lock(fleet, collector):
    lock = fleet.session()
    (lock.parent / "sessions.json").write_text("{")
    with actor() as holder:
        holder.take(lock)
        snapshot = collector.look()
    assert verdicts(snapshot) == {lock.name: Verdict.HELD}
    assert any("sessions.json" in problem for problem in snapshot.roots[0].problems)


def test_without_file_events_it_goes_on_by_polling(fleet, collector, monkeypatch):
    lock = fleet.session()

    def failing(_instance):
        raise OSError(38, "no such thing here")

    monkeypatch.setattr(Inotify, "__init__", failing)
    with actor() as holder, running(collector) as until:
        first = until(lambda s: any("no such thing" in why for why in s.roots[0].problems), "the reason")
        assert first.roots[0].watch == "polling"
        holder.take(lock)
        until(lambda s: verdicts(s) == {lock.name: Verdict.HELD}, "the lock")


def test_a_root_without_file_events_by_its_file_system_says_so(fleet, collector):
    with running(collector) as until:
        until(live, "file events")
        (root,) = collector.roots.values()
        root.network = True
        (reason,) = collector._wakeup.polling_reasons(root)
    assert reason == f"{fleet.root} is on a network or shared file system: no file events, polling instead"


def test_one_look_asks_for_no_file_events_and_misses_none(fleet, collector):
    (root,) = collector.look().roots
    assert (root.watch, root.problems) == ("polling", ())


def test_polling_is_faster_than_the_usual_rescan(fleet):
    assert collector_of(fleet, rescan_s=60.0)._rescan_s() == 1.0


def test_a_lock_that_vanishes_between_listing_and_reading_is_no_lock(fleet, collector, monkeypatch):
    lock = fleet.session()
    lock.write_text(payload(dead_pid(), PAST))
    real = watched_locks.examine

    def examine(places, *rest, **options):
        lock.unlink(missing_ok=True)
        return real(places, *rest, **options)

    monkeypatch.setattr(watched_locks, "examine", examine)
    snapshot = collector.look()
    assert (snapshot.locks, session_of(snapshot).state) == ((), State.IDLE)


def test_agents_that_vanish_in_the_middle_of_a_look_are_no_error(fleet, collector, monkeypatch):
    fleet.session()
    fleet.session("agent:silas:main").write_text("{")
    collector.look()
    real = watched_locks.examine

    def examine(places, *rest, **options):
        shutil.rmtree(fleet.root, ignore_errors=True)
        return real(places, *rest, **options)

    monkeypatch.setattr(watched_locks, "examine", examine)
    assert collector.look().locks == ()
    assert collector.look().sessions == ()


@pytest.mark.parametrize(
    "what", ["agents", "agents/main", "agents/main/sessions", "agents/main/sessions/sessions.json"]
)
def test_a_file_where_a_directory_should_be_or_the_reverse_is_no_error(fleet, collector, what):
    path = fleet.root / what
    fleet.config()
    if path.is_dir():
        shutil.rmtree(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix:
        path.mkdir()
    else:
        path.write_text("in the way")
    assert collector.look().locks == ()


def test_a_root_that_moved_to_sqlite_has_only_litter(fleet, collector):
    fleet.session().write_text(payload(dead_pid(), PAST))
    assert list(verdicts(collector.look()).values()) == [Verdict.DEAD]
    agent = fleet.root / "agents" / "main" / "agent"
    agent.mkdir()
    database = sqlite3.connect(agent / "openclaw-agent.sqlite")
    database.execute("CREATE TABLE session_nodes (id TEXT PRIMARY KEY, session_id TEXT)")
    database.commit()
    database.close()
    snapshot = collector.look()
    assert snapshot.roots[0].era == "sqlite"
    assert list(verdicts(snapshot).values()) == [Verdict.LITTER]
    assert not snapshot.locks[0].judgement.releasable


def test_locks_outside_the_sessions_directories_are_shown_and_never_released(fleet, collector):
    (fleet.root / "credentials").mkdir()
    path = fleet.root / "credentials" / "auth-profiles.json.lock"
    path.write_text(payload(dead_pid(), PAST))
    (view,) = collector.look().locks
    assert (view.record.path, view.judgement.releasable) == (str(path), False)


def test_a_look_at_one_directory_leaves_what_is_known_of_the_others(fleet, collector):
    with actor() as holder:
        first, second = holder.take(fleet.session("agent:a:main")), holder.take(fleet.session("agent:b:main"))
        collector.look()
        holder.release(first)
        holder.release(second)
        assert verdicts(collector._look({str(first.parent)})) == {second.name: Verdict.HELD}
        assert verdicts(collector.look()) == {}


def test_two_names_of_one_root_are_watched_once(fleet, tmp_path):
    (tmp_path / "again").symlink_to(fleet.root)
    watching = collector_of(fleet, [str(fleet.root), str(tmp_path / "again")])
    assert len(watching.look().roots) == 1
    watching.close()


def test_the_gateway_of_a_root_is_seen_and_its_death_too(fleet, collector):
    fleet.config(gateway={"port": 18789}, meta={"lastTouchedVersion": "2026.4.5"})
    config = fleet.root / "openclaw.json"
    runtime = fleet.home / "tmp" / f"openclaw-{os.getuid()}"
    runtime.mkdir(mode=0o700)
    with actor() as process:
        facts = json.loads(payload(process.pid, configPath=str(config), startTime=process.ticks))
        (runtime / "gateway.0.lock").write_text(json.dumps(facts))
        gateway = collector.look().roots[0].gateway
        assert (gateway.pid, gateway.version, gateway.port, gateway.alive) == (
            process.pid,
            "2026.4.5",
            18789,
            True,
        )
    assert collector.look().roots[0].gateway.alive is False


def test_nothing_of_openclaw_is_ever_written(fleet, collector):
    fleet.session().write_text(payload(dead_pid(), PAST))
    fleet.config()

    def state():
        return {path: path.lstat().st_mtime_ns for path in sorted(fleet.home.rglob("*"))}

    before = state()
    collector.look()
    assert state() == before


def refuse(fleet, pid, at):
    """Log a start that was refused, as 2026.4.5 does."""
    words = f"Gateway failed to start: gateway already running (pid {pid}); lock timeout after 5000ms\nIf the"
    line = {"0": words, "_meta": {"name": "openclaw", "date": iso(at)}}
    with fleet.log.open("a") as log:
        log.write(json.dumps(line) + "\n")


def test_the_gateways_own_lock_is_a_lock_like_any_other_and_says_who_was_refused(fleet, collector):
    with actor() as gateway:
        fleet.config()
        path = fleet.gateway_lock()
        gateway.take(
            path, payload(gateway.pid, configPath=str(fleet.root / "openclaw.json"), startTime=gateway.ticks)
        )
        snapshot = collector.look()
        (lock,), (root,) = snapshot.locks, snapshot.roots
        assert (lock.record.kind, lock.record.path, lock.judgement.verdict) == (
            LockKind.GATEWAY,
            str(path),
            Verdict.HELD,
        )
        assert (root.gateway.pid, root.gateway.alive, root.problems) == (gateway.pid, True, ())
        refuse(fleet, gateway.pid, time.time())
        snapshot = collector.look()
        (problem,) = snapshot.roots[0].problems
        assert f"pid {gateway.pid} runs already, and it lives" in problem
        assert not needs_person(snapshot)
    snapshot = collector.look()
    (problem,) = snapshot.roots[0].problems
    assert f"pid {gateway.pid} had the lock and is gone: its lock is stale" in problem
    assert (snapshot.locks[0].judgement.verdict, snapshot.roots[0].gateway.alive) == (Verdict.DEAD, False)
    assert needs_person(snapshot)
    path.unlink()
    snapshot = collector.look()
    assert (snapshot.locks, snapshot.roots[0].problems, needs_person(snapshot)) == ((), (), False)


def test_a_stale_gateway_lock_alone_is_told_and_needs_nobody(fleet, collector):
    fleet.config()
    path = fleet.gateway_lock()
    path.write_text(payload(dead_pid(), PAST, configPath=str(fleet.root / "openclaw.json")))
    snapshot = collector.look()
    assert snapshot.locks[0].judgement.verdict in (Verdict.DEAD, Verdict.RECYCLED)
    assert "the next start takes it over" in snapshot.roots[0].problems[0]
    assert not needs_person(snapshot)


def test_a_gateway_lock_of_a_root_in_sqlite_is_no_litter(fleet, collector):
    agent = fleet.root / "agents" / "main" / "agent"
    agent.mkdir(parents=True)
    with contextlib.closing(sqlite3.connect(agent / "openclaw-agent.sqlite")) as database:
        database.execute("CREATE TABLE session_nodes (id TEXT)")
    fleet.session().write_text(payload(dead_pid(), PAST))
    folder = fleet.root / "tmp" / f"openclaw-{os.getuid()}"
    folder.mkdir(parents=True)
    told = payload(dead_pid(), configPath=str(fleet.root / "openclaw.json"), stateDir=str(fleet.root))
    (folder / "gateway.state.lock").write_text(told)
    found = {view.record.kind: view.judgement.verdict for view in collector.look().locks}
    assert found[LockKind.SESSION] is Verdict.LITTER
    assert found[LockKind.GATEWAY] in (Verdict.DEAD, Verdict.RECYCLED)


def test_the_simulated_gateways_lock_is_held_and_dead_when_it_was_killed(tmp_path):
    with SimulatedFleet(tmp_path, pace=5.0) as simulated:
        settings = Settings(roots=(RootSettings(str(simulated.root), own_namespace=True),))
        watching = Collector.discover([str(simulated.root)], settings, env=simulated.env)
        try:
            (lock,) = (view for view in watching.look().locks if view.record.kind is LockKind.GATEWAY)
            holder = lock.judgement.holder
            assert (lock.judgement.verdict, holder.pid, holder.proof) == (
                Verdict.HELD,
                simulated.gateway_pid,
                Proof.FD,
            )
            os.kill(simulated.gateway_pid, signal.SIGKILL)
            os.waitid(os.P_PID, simulated.gateway_pid, os.WEXITED | os.WNOWAIT)
            snapshot = watching.look()
            (lock,) = (view for view in snapshot.locks if view.record.kind is LockKind.GATEWAY)
            assert (lock.judgement.verdict, lock.judgement.releasable) == (Verdict.DEAD, False)
            assert snapshot.roots[0].gateway.alive is False
        finally:
            watching.close()


def test_one_snapshot_has_one_clock(fleet):
    ticking = itertools.count(time.time())
    lock = fleet.session()
    with actor() as holder:
        holder.take(lock)
        watching = collector_of(fleet, clock=lambda: next(ticking))
        found = snapshot_json(watching.look())
        watching.close()
    (shown,) = found["locks"]
    (session,) = found["sessions"]
    for told in (shown, session["lock"]):
        since = datetime.fromisoformat(found["generatedAt"]) - datetime.fromisoformat(told["createdAt"])
        # Times are told in whole milliseconds.
        assert abs(told["ageMs"] - since.total_seconds() * 1000) <= 2


def test_clocks_without_a_date_count_for_nothing_until_they_are_seen_to_arrive(fleet, timed, clock):
    def heard(line):
        with fleet.log.open("a") as log:
            log.write(f"{line}\n")

    def clock_of(at):
        return datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S")

    def refused(at):
        error = f"session file locked (timeout 10000ms): pid=4242 {lock}"
        lane = "lane=session:agent:main:main durationMs=10600"
        heard(f'{clock_of(at)} [diagnostic] lane task error: {lane} error="Error: {error}"')

    with actor() as holder:
        lock = holder.take(fleet.session("agent:main:main"))
        for minutes in range(6):
            refused(clock.now - 5 * 3600 + minutes * 60)
        heard(f"{clock_of(clock.now)} [gateway] heartbeat ok")
        first = timed.look()
        assert (session_of(first).state, session_of(first).blocked.count) == (State.RUNNING, 0)
        assert not first.roots[0].unseen
        clock.now += 3
        refused(clock.now - 1)
        assert session_of(timed.look()).blocked.count == 1


def test_lines_without_a_date_that_may_be_of_now_leave_no_session_green(fleet, timed, clock):
    with actor() as holder:
        holder.take(fleet.session("agent:main:main"))
        moment = datetime.fromtimestamp(clock.now - 120, UTC).strftime("%H:%M:%S")
        fleet.log.write_text(f"{moment} [agent] embedded run timeout: runId=r sessionId=s timeoutMs=1\n")
        snapshot = timed.look()
        assert session_of(snapshot).state is State.UNKNOWN
        assert snapshot.roots[0].unseen
        assert any(
            "1 line tells no date and may be of now or old" in text for text in snapshot.roots[0].problems
        )
