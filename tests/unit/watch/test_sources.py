"""What is read of a root decides how green it may be: real directories, locks and logs."""

from __future__ import annotations

import os
import time

import pytest

from lockdeck.backend.model.fleet import State
from lockdeck.backend.model.needs import needs_person
from lockdeck.backend.model.sources import NO_LOG, SourceKind, SourceState
from lockdeck.backend.model.wire import snapshot_json
from lockdeck.backend.system.procfs import LINUX
from lockdeck.backend.watch.collector import Collector
from lockdeck.backend.watch.logs import places, tail
from tests.unit.fleetdir import FleetDir, actor, dead_pid, payload
from tests.unit.watch.test_sqlite_era import migrate

pytestmark = pytest.mark.skipif(not LINUX, reason="who has a file open is seen on Linux only")
DAY_S = 86_400.0


@pytest.fixture
def fleet(tmp_path):
    return FleetDir(tmp_path)


def look(fleet, *logs, now=None):
    clock = time.time if now is None else (lambda: now)
    collector = Collector.discover(
        [str(fleet.root)], fleet.settings(), logs=list(map(str, logs)), env=fleet.env, clock=clock
    )
    try:
        return collector.look()
    finally:
        collector.close()


def source_of(snapshot, kind):
    return next(source for source in snapshot.roots[0].sources if source.kind is kind)


def states(snapshot):
    return {session.key: session.state for session in snapshot.sessions}


def day_log(fleet, at):
    """The log of a day in OpenClaw's own place for our user, written last at a time."""
    folder = fleet.gateway_lock().parent
    path = folder / f"openclaw-{time.strftime('%Y-%m-%d', time.localtime(at))}.log"
    path.touch()
    os.utime(path, (at, at))
    return path


def test_a_held_session_without_any_log_is_unknown_and_needs_a_person(fleet):
    with actor() as holder:
        holder.take(fleet.session())
        snapshot = look(fleet)
    (session,) = snapshot.sessions
    assert session.state is State.UNKNOWN
    assert session.reasons[0].startswith(NO_LOG)
    assert "--log" in session.reasons[0]
    assert any("has the lock file open" in reason for reason in session.reasons)
    assert snapshot.roots[0].unseen
    assert needs_person(snapshot)
    assert any(problem.startswith(NO_LOG) for problem in snapshot.roots[0].problems)


@pytest.mark.parametrize("has_left_lock", [False, True])
def test_where_nothing_can_be_running_no_log_is_needed(fleet, has_left_lock):
    lock = fleet.session()
    if has_left_lock:
        fleet.gateway_lock().write_text(payload(dead_pid(), time.time() - 600.0, configPath="/c"))
    snapshot = look(fleet)
    assert states(snapshot) == {"agent:main:main": State.IDLE}
    assert source_of(snapshot, SourceKind.LOG).state is SourceState.NOT_NEEDED
    assert not needs_person(snapshot)
    assert not lock.exists()


def broke_off(fleet, ago_s):
    """A root without lock files whose gateway is gone: its lock and the open end of its database are left."""
    migrate(fleet)
    fleet.config()
    folder = fleet.root / "tmp" / f"openclaw-{os.getuid()}"
    folder.mkdir(parents=True, mode=0o700)
    (folder / "gateway.state.lock").write_text(
        payload(
            dead_pid(),
            time.time() - 9000.0,
            configPath=str(fleet.root / "openclaw.json"),
            stateDir=str(fleet.root),
        )
    )
    (fleet.root / "state").mkdir()
    end = fleet.root / "state" / "openclaw.sqlite-wal"
    end.write_bytes(b"")
    os.utime(end, (time.time() - ago_s,) * 2)
    return end


def test_a_gateway_that_was_killed_leaves_unknown_what_was_cut_off(fleet):
    broke_off(fleet, ago_s=60.0)
    snapshot = look(fleet)
    source = source_of(snapshot, SourceKind.GATEWAY)
    assert (source.state, snapshot.roots[0].gateway.alive) == (SourceState.MISSING, False)
    assert "was killed or broke off" in source.lost
    assert needs_person(snapshot)


@pytest.mark.parametrize("trace", ["hours ago", "closed in order", "none left"])
def test_a_gateway_that_ended_in_order_or_long_ago_needs_nobody(fleet, trace):
    end = broke_off(fleet, ago_s=7200.0 if trace == "hours ago" else 60.0)
    if trace == "closed in order":
        end.unlink()
    if trace == "none left":
        (fleet.root / "tmp" / f"openclaw-{os.getuid()}" / "gateway.state.lock").unlink()
    assert not needs_person(look(fleet))


@pytest.mark.parametrize(
    ("version", "ago_s", "is_unknown"),
    [
        ("2026.5.18", 60.0, True),
        ("2026.5.18", 7200.0, False),
        ("2026.6.35", 60.0, True),
        ("2026.7.35", 60.0, True),
        ("2026.7.35", 7200.0, False),
        ("2026.4.5", 60.0, False),
    ],
)
def test_a_killed_gateway_leaves_unknown_what_was_cut_off_where_no_lock_would_show_it(
    fleet, version, ago_s, is_unknown
):
    """Also where a lock stands during each call: between two of them there is none."""
    fleet.config(meta={"lastTouchedVersion": version})
    fleet.session()
    config = str(fleet.root / "openclaw.json")
    fleet.gateway_lock().write_text(payload(dead_pid(), time.time() - 9000.0, configPath=config))
    for trace in (fleet.sessions() / "sessions.json", fleet.sessions()):
        os.utime(trace, (time.time() - ago_s,) * 2)
    snapshot = look(fleet, fleet.log)
    assert states(snapshot) == {"agent:main:main": State.UNKNOWN if is_unknown else State.IDLE}
    assert needs_person(snapshot) is is_unknown


def test_with_a_gateway_that_lives_an_idle_session_is_not_known_to_be_idle_without_a_log(fleet):
    fleet.session()
    config = str(fleet.root / "openclaw.json")
    with actor() as gateway:
        gateway.take(fleet.gateway_lock(), configPath=config)
        snapshot = look(fleet)
        assert states(snapshot) == {"agent:main:main": State.UNKNOWN}
        assert needs_person(snapshot)
        day_log(fleet, time.time())
        snapshot = look(fleet)
    assert states(snapshot) == {"agent:main:main": State.IDLE}
    assert not needs_person(snapshot)


def test_beside_a_local_run_without_a_log_the_idle_sessions_stay_idle(fleet):
    fleet.session("agent:main:calm")
    with actor() as holder:
        holder.take(fleet.session("agent:main:busy"))
        snapshot = look(fleet)
    assert states(snapshot) == {"agent:main:busy": State.UNKNOWN, "agent:main:calm": State.IDLE}


@pytest.mark.parametrize("age_s", [0.0, 3 * 3600.0])
def test_a_log_that_is_quiet_counts_as_read(fleet, age_s):
    os.utime(fleet.log, (time.time() - age_s,) * 2)
    with actor() as holder:
        holder.take(fleet.session())
        snapshot = look(fleet, fleet.log)
    assert states(snapshot) == {"agent:main:main": State.RUNNING}
    assert source_of(snapshot, SourceKind.LOG).state is SourceState.READ
    assert not needs_person(snapshot)


def test_before_the_first_line_of_a_day_the_log_of_yesterday_counts(fleet):
    now = time.time()
    day_log(fleet, now - 20 * 3600.0)
    with actor() as holder:
        holder.take(fleet.session())
        snapshot = look(fleet)
    assert states(snapshot) == {"agent:main:main": State.RUNNING}


def test_a_log_that_nobody_has_written_to_since_the_gateway_started_is_not_its_log(fleet):
    log = day_log(fleet, time.time() - 3600.0)
    config = str(fleet.root / "openclaw.json")
    with actor() as gateway:
        gateway.take(fleet.gateway_lock(), configPath=config)
        fleet.session()
        snapshot = look(fleet, now=time.time() + 120.0)
    source = source_of(snapshot, SourceKind.LOG)
    assert (source.where, source.state) == (str(log), SourceState.STALE)
    assert f"before the gateway (pid {gateway.pid}) started" in source.lost
    assert states(snapshot) == {"agent:main:main": State.UNKNOWN}


def test_a_file_that_is_no_log_file_is_refused_with_its_reason(fleet):
    with actor() as holder:
        holder.take(fleet.session())
        snapshot = look(fleet, "/dev/null")
    source = source_of(snapshot, SourceKind.LOG)
    assert (source.where, source.state) == ("/dev/null", SourceState.REFUSED)
    assert "not a regular file" in source.lost


def test_sessions_tell_their_own_sources_and_stand_on_a_host(fleet):
    with actor() as holder:
        holder.take(fleet.session())
        shown = snapshot_json(look(fleet, fleet.log))
    (session,) = shown["sessions"]
    kinds = {source["kind"]: source["state"] for source in session["sources"]}
    assert kinds == {
        "log": "read",
        "gateway": "not needed",
        "locks": "read",
        "store": "read",
        "processes": "read",
        "transcript": "not needed",
    }
    hosts = {item["host"] for part in ("roots", "sessions", "locks") for item in shown[part]}
    assert hosts == {shown["host"]}


def test_a_store_that_is_no_store_makes_its_own_sessions_unknown_and_no_others(fleet):
    with actor() as holder:
        holder.take(fleet.session("agent:main:main"))
        holder.take(fleet.session("agent:silas:main"))
        (fleet.sessions("silas") / "sessions.json").write_text("[")
        snapshot = look(fleet, fleet.log)
    by_agent = {session.agent: session.state for session in snapshot.sessions}
    assert by_agent == {"main": State.RUNNING, "silas": State.UNKNOWN}
    assert snapshot.roots[0].unseen


@pytest.mark.parametrize("store", ["/nowhere/sessions.json", "/nowhere/{agentId}/sessions.json"])
@pytest.mark.parametrize("lives", [True, False])
def test_a_store_that_a_living_gateway_must_have_elsewhere_makes_its_root_unseen(fleet, store, lives):
    """A path of a container: no session was seen, and all was green."""
    fleet.config(session={"store": store})
    with actor() as gateway:
        if lives:
            gateway.take(fleet.gateway_lock(), configPath=str(fleet.root / "openclaw.json"), port=1)
        snapshot = look(fleet, fleet.log)
    assert (snapshot.roots[0].unseen, needs_person(snapshot)) == (lives, lives)


def test_a_store_that_is_where_the_config_says_hides_nothing(fleet):
    store = fleet.root / "stores" / "{agentId}" / "sessions.json"
    (fleet.root / "stores" / "main").mkdir(parents=True)
    fleet.config(session={"store": str(store)})
    with actor() as gateway:
        gateway.take(fleet.gateway_lock(), configPath=str(fleet.root / "openclaw.json"), port=1)
        assert not look(fleet, fleet.log).roots[0].unseen


@pytest.mark.parametrize(
    "store", ["${NOWHERE_SET}/sessions.json", "data/sessions.json", "G:\\oc\\sessions.json"]
)
def test_a_store_whose_place_cannot_be_known_makes_its_root_unseen(fleet, store):
    fleet.config(session={"store": store})
    snapshot = look(fleet, fleet.log)
    assert snapshot.roots[0].unseen
    assert needs_person(snapshot)
    assert any(store in problem for problem in snapshot.roots[0].problems)


LINE = '{"0":"hello","time":"2026-04-06T10:00:00.000Z"}\n'


@pytest.mark.parametrize(
    ("text", "state"),
    [("", State.RUNNING), (LINE, State.RUNNING), ("root:x:0:0:root:/root:/bin/bash\n" * 9, State.UNKNOWN)],
)
def test_a_named_file_of_which_no_line_is_one_of_a_log_is_refused(fleet, text, state):
    fleet.log.write_text(text)
    with actor() as holder:
        holder.take(fleet.session())
        snapshot = look(fleet, fleet.log)
    assert states(snapshot) == {"agent:main:main": state}
    assert ("no log" in (source_of(snapshot, SourceKind.LOG).lost or "")) == (state is State.UNKNOWN)


def test_a_named_log_that_is_empty_at_first_and_then_filled_with_something_else_is_refused(fleet):
    collector = Collector.discover([str(fleet.root)], fleet.settings(), logs=[str(fleet.log)], env=fleet.env)
    with actor() as holder:
        holder.take(fleet.session())
        assert states(collector.look()) == {"agent:main:main": State.RUNNING}
        fleet.log.write_text("nothing of a log\n")
        assert states(collector.look()) == {"agent:main:main": State.UNKNOWN}
        fleet.log.write_text(LINE)
        assert states(collector.look()) == {"agent:main:main": State.RUNNING}
    collector.close()


def test_the_log_of_a_gateway_with_a_tmp_of_its_own_is_not_the_one_in_ours(fleet, monkeypatch):
    monkeypatch.setattr(places, "shares_our_mounts", lambda pid: False)
    day_log(fleet, time.time())
    fleet.session()
    config = str(fleet.root / "openclaw.json")
    with actor() as gateway:
        gateway.take(fleet.gateway_lock(), configPath=config)
        assert states(look(fleet)) == {"agent:main:main": State.IDLE}, "its /tmp is ours by device and inode"
        theirs = f"/proc/{gateway.pid}/root/tmp"
        stat = os.stat
        monkeypatch.setattr(os, "stat", lambda path, **more: stat("/" if path == theirs else path, **more))
        snapshot = look(fleet)
    source = source_of(snapshot, SourceKind.LOG)
    assert source.state is SourceState.STALE
    assert theirs in source.lost


def test_the_log_of_another_user_is_found_by_the_owner_of_the_root(fleet, monkeypatch):
    folder = fleet.home / "tmp" / "openclaw-4711"
    folder.mkdir(mode=0o700)
    log = folder / "openclaw-2026-04-06.log"
    log.touch()
    monkeypatch.setattr(places, "owner_of", lambda root: 4711)
    with actor() as holder:
        holder.take(fleet.session())
        snapshot = look(fleet)
        assert source_of(snapshot, SourceKind.LOG).state is SourceState.MISSING, "anybody may make that name"
        monkeypatch.setattr(places, "owner_of", lambda root: os.geteuid())
        folder.rename(folder.with_name(f"openclaw-{os.geteuid()}"))
        assert source_of(look(fleet), SourceKind.LOG).state is SourceState.READ


def test_a_log_that_is_not_followed_because_too_many_are_is_refused(fleet, monkeypatch):
    monkeypatch.setattr(tail, "MAX_FILES", 1)
    second = fleet.home / "second.log"
    for log in (fleet.log, second):
        log.write_text(LINE)
    with actor() as holder:
        holder.take(fleet.session())
        snapshot = look(fleet, fleet.log, second)
    logs = {s.where: s.state for s in snapshot.roots[0].sources if s.kind is SourceKind.LOG}
    assert logs == {str(fleet.log): SourceState.READ, str(second): SourceState.REFUSED}
    assert states(snapshot) == {"agent:main:main": State.UNKNOWN}


@pytest.mark.parametrize("version", ["2026.8.2", "2026.9.1", "2026.9.6"])
@pytest.mark.parametrize("has_log", [True, False])
def test_without_access_to_a_gateway_without_lock_files_its_root_is_unseen(fleet, version, has_log):
    migrate(fleet)
    fleet.config(meta={"lastTouchedVersion": version})
    config, folder = str(fleet.root / "openclaw.json"), fleet.root / "tmp" / f"openclaw-{os.getuid()}"
    folder.mkdir(parents=True, mode=0o700)
    with actor() as gateway:
        gateway.take(folder / "gateway.state.lock", configPath=config, stateDir=str(fleet.root), port=1)
        snapshot = look(fleet, *([fleet.log] if has_log else []))
    assert snapshot.roots[0].gateway.alive
    assert source_of(snapshot, SourceKind.GATEWAY).state is SourceState.REFUSED
    assert snapshot.roots[0].unseen
    assert needs_person(snapshot)
    assert (source_of(snapshot, SourceKind.LOG).lost is None) == has_log


def test_a_root_without_lock_files_and_without_a_gateway_misses_nothing(fleet):
    migrate(fleet)
    fleet.config(meta={"lastTouchedVersion": "2026.8.2"})
    snapshot = look(fleet)
    assert not needs_person(snapshot)
    assert source_of(snapshot, SourceKind.GATEWAY).state is SourceState.NOT_NEEDED


def test_a_log_of_nothing_but_empty_lines_is_one_that_nothing_was_written_to_yet(fleet):
    fleet.log.write_text("\n\n")
    with actor() as holder:
        holder.take(fleet.session())
        snapshot = look(fleet, fleet.log)
    assert (states(snapshot), needs_person(snapshot)) == ({"agent:main:main": State.RUNNING}, False)


def test_who_names_dev_null_has_no_log_and_is_told_so_only_where_something_can_run(fleet):
    lock = fleet.session()
    idle = look(fleet, os.devnull)
    assert (states(idle), needs_person(idle)) == ({"agent:main:main": State.IDLE}, False)
    with actor() as holder:
        holder.take(lock)
        held = look(fleet, os.devnull)
    assert (states(held), needs_person(held)) == ({"agent:main:main": State.UNKNOWN}, True)
