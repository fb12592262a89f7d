"""One root followed through time."""

from __future__ import annotations

import json
import os
import shutil
import time

import pytest

from lockdeck.backend.model.locks import Proof, Verdict
from lockdeck.backend.model.needs import lock_needs_person
from lockdeck.backend.model.trust import Vouch
from lockdeck.backend.openclaw.locks.lockfile import CUT_OFF_S
from lockdeck.backend.openclaw.roots.discovery import Root
from lockdeck.backend.system.procfs import LINUX
from lockdeck.backend.watch.gateway_feed.latest import NO_NEWS
from lockdeck.backend.watch.locks import WatchedLocks
from lockdeck.backend.watch.root import WatchedRoot
from lockdeck.backend.watch.sources import sources_of
from tests.unit.fleetdir import PAST, FleetDir, actor, aged, payload

LINUX_ONLY = pytest.mark.skipif(not LINUX, reason="who has a file open is seen on Linux only")


@pytest.fixture
def fleet(tmp_path):
    return FleetDir(tmp_path)


@pytest.fixture
def root(fleet):
    return WatchedRoot(Root(str(fleet.root), Vouch(own_namespace=True)), fleet.env)


def view_of(root):
    """The root with its sources, as a snapshot shows it."""
    return root.view(live=True, sources=sources_of(root, (), NO_NEWS, time.time()))


def test_directories_are_kept_while_they_stand_and_leave_with_their_agent(fleet, root):
    fleet.sessions("main")
    fleet.sessions("silas")
    root.refresh()
    main = root.directories[str(fleet.sessions("main"))]
    shutil.rmtree(fleet.root / "agents" / "silas")
    root.refresh()
    assert list(root.directories.values()) == [main]
    assert root.directories[str(fleet.sessions("main"))] is main


def test_a_config_that_changes_is_read_again(fleet, root):
    root.refresh()
    assert root.version is None
    fleet.config(meta={"lastTouchedVersion": "2026.4.5"})
    root.refresh()
    assert str(root.version) == "2026.4.5"
    (fleet.root / "openclaw.json").write_text("{broken")
    root.refresh()
    assert any("openclaw.json" in problem for problem in root.view(live=True).problems)
    assert root.version is None


def test_a_release_that_was_cut_off_is_a_problem_and_one_at_work_is_none(fleet, root):
    folder = fleet.sessions("main") / ".lockdeck-0123456789ab"
    folder.mkdir()
    root.refresh()
    (directory,) = root.directories.values()
    directory.refresh()
    now = folder.stat().st_mtime
    root.take_gateway_locks((), now + CUT_OFF_S - 1)
    assert (view_of(root).problems, view_of(root).unseen) == ((), False)
    root.take_gateway_locks((), now + CUT_OFF_S + 1)
    seen = view_of(root)
    assert seen.unseen
    assert seen.problems[0].startswith(f"{folder} is left from a release by lockdeck that was cut off")
    folder.rmdir()
    directory.refresh()
    root.take_gateway_locks((), now + 2 * CUT_OFF_S)
    assert not view_of(root).unseen


def test_what_a_version_is_exposed_to_is_said(fleet, root):
    root.refresh()
    assert root.exposures() == ()
    fleet.config(meta={"lastTouchedVersion": "2026.4.5"})
    root.refresh()
    assert any("62351" in note for note in root.exposures())


def test_a_network_file_system_is_polled_even_while_events_come(root):
    root.refresh()
    assert root.view(live=True).watch == "live"
    root.network = True
    assert root.view(live=True).watch == "polling"


def test_the_chain_of_an_agent_follows_config_and_credentials(fleet, root):
    fleet.sessions()
    fleet.config(agents={"defaults": {"model": {"primary": "atlas/large", "fallbacks": ["cygnus/small"]}}})
    root.refresh()
    assert [(c.provider, c.model) for c in root.chain_for("main").candidates] == [
        ("atlas", "large"),
        ("cygnus", "small"),
    ]
    assert root.chain_for("main") is root.chain_for("main")


def gateway_lock(fleet, process, **changes):
    facts = json.loads(
        payload(process.pid, configPath=str(fleet.root / "openclaw.json"), startTime=process.ticks)
    )
    path = fleet.gateway_lock()
    path.write_text(json.dumps({**facts, **changes}))
    return path


def look_at(root):
    """One full look at a root and its locks."""
    root.refresh()
    WatchedLocks().look(root, [], {}, time.time(), full=True)
    return {view.record.path: view.judgement for view in root.gateway_locks}


@LINUX_ONLY
def test_a_gateway_is_alive_only_as_the_very_process_that_took_its_lock(fleet, root):
    fleet.config(gateway={"port": 18789})
    with actor() as process:
        path = gateway_lock(fleet, process)
        assert look_at(root)[str(path)].verdict is Verdict.LEAKED
        assert (root.gateway.pid, root.gateway.port, root.gateway.alive) == (process.pid, 18789, True)
        assert root.gateway_started_at is not None
        gateway_lock(fleet, process, startTime=process.ticks - 1)
        assert look_at(root)[str(path)].verdict is Verdict.RECYCLED
        assert root.gateway.alive is False
        gateway_lock(fleet, process, port=19001)
        look_at(root)
        assert (root.gateway.port, root.gateway.alive) == (19001, True)
    assert look_at(root)[str(path)].verdict is Verdict.DEAD
    assert (root.gateway.alive, root.gateway_started_at) == (False, None)


@LINUX_ONLY
def test_a_gateway_at_work_has_its_lock_open(fleet, root):
    fleet.config()
    with actor() as process:
        path = gateway_lock(fleet, process)
        text = path.read_text()
        path.unlink()
        process.take(path, text)
        judgement = look_at(root)[str(path)]
        assert (judgement.verdict, judgement.holder.proof, judgement.releasable) == (
            Verdict.HELD,
            Proof.FD,
            False,
        )
        assert root.view(live=True).problems == ()
        process.unlink(path)
        judgement = look_at(root)[str(path)]
        assert (judgement.verdict, root.gateway.pid, root.gateway.alive) == (
            Verdict.REMOVED,
            process.pid,
            True,
        )
        assert "a second gateway could start beside it" in root.view(live=True).problems[0]


@LINUX_ONLY
def test_a_lock_taken_over_from_a_gateway_that_lives_means_two_gateways(fleet, root):
    fleet.config()
    with actor() as first, actor() as second:
        path = gateway_lock(fleet, second)
        text = path.read_text()
        path.unlink()
        first.unlink(first.take(path))
        second.take(path, text)
        look_at(root)
        assert (root.gateway.pid, root.gateway.alive) == (second.pid, True)
        (problem,) = root.view(live=True).problems
        assert problem == (
            f"pid {first.pid} took this root's gateway lock before pid {second.pid} did and still runs: "
            "two gateways serve it"
        )
        (view,) = root.gateway_locks
        assert lock_needs_person(view)
        assert any(
            f"pid {first.pid}" in reason and "was deleted" in reason for reason in view.judgement.reasons
        )


def test_a_gateway_of_another_config_is_not_ours(fleet, root):
    fleet.config()
    with actor() as process:
        gateway_lock(fleet, process, configPath="/elsewhere/openclaw.json")
        look_at(root)
        assert root.gateway is None


def test_a_takeover_that_was_cut_off_is_told(fleet, root):
    fleet.config()
    folder = fleet.root / "tmp" / f"openclaw-{os.getuid()}"
    folder.mkdir(parents=True)
    guard = folder / "gateway.state.lock.reclaim"
    guard.mkdir()
    aged(guard, 60)
    (folder / "gateway.state.lock.sqlite").write_bytes(b"SQLite format 3\0")
    assert look_at(root) == {}
    (problem,) = root.view(live=True).problems
    assert "gateway.state.lock.reclaim" in problem
    assert "openclaw#138657" in problem


def test_other_locks_are_places_with_the_agent_their_path_names(fleet, root):
    (fleet.root / "agents" / "silas" / "agent").mkdir(parents=True)
    (fleet.root / "agents" / "silas" / "agent" / "auth-profiles.json.lock").write_text(payload(1, PAST))
    (fleet.root / "x.lock").touch()
    root.refresh()
    assert [(place.agent, place.kind.value) for place in root.other_places()] == [
        ("silas", "auth"),
        (None, "other"),
    ]
