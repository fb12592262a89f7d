"""A name that is not UTF-8 costs its own directory the file events, and nothing else."""

from __future__ import annotations

import os
import queue
import shutil

import pytest

from lockdeck.backend.settings.records import Settings
from lockdeck.backend.system.procfs import LINUX
from lockdeck.backend.watch.collector import Collector
from lockdeck.backend.watch.wakeup import wakeup
from lockdeck.backend.watch.wakeup.hints import Hints
from lockdeck.backend.watch.wakeup.watched_paths import single_directories, trees
from tests.unit.fleetdir import FleetDir, actor
from tests.unit.watch.test_collector import running, verdicts

pytestmark = pytest.mark.skipif(not LINUX, reason="macOS keeps no name that is not UTF-8")
DEADLINE_S = 20
NO_RESCAN = Settings(rescan_s=3600.0)


@pytest.fixture
def fleets(tmp_path):
    """Two roots, each with a session."""
    homes = [tmp_path / name for name in ("one", "two")]
    for home in homes:
        home.mkdir()
    return [FleetDir(home) for home in homes]


@pytest.fixture
def not_utf8(fleets):
    """A lock in the first root whose name is not UTF-8."""
    return os.fsencode(fleets[0].sessions()) + b"/\xff.jsonl.lock"


def watching(fleets):
    for fleet in fleets:
        fleet.session()
    given = [str(fleet.root) for fleet in fleets]
    logs = [str(fleet.log) for fleet in fleets]
    return Collector.discover(given, NO_RESCAN, logs=logs, env=fleets[0].env)


def create(name):
    os.close(os.open(name, os.O_CREAT | os.O_WRONLY, 0o600))


def modes(snapshot):
    return [root.watch for root in snapshot.roots]


def test_a_name_that_is_not_utf8_ends_a_watch_and_names_its_directory(fleets, not_utf8):
    found = queue.Queue()
    directory = str(fleets[0].sessions())
    hints = Hints([str(fleets[0].root)], found.put).start()
    found.get(timeout=DEADLINE_S)
    create(not_utf8)
    hints._thread.join(DEADLINE_S)
    assert (hints.not_utf8, hints.problem, hints.live) == (directory, None, True)
    assert found.get(timeout=DEADLINE_S) == {str(fleets[0].root)}


def test_a_path_that_is_not_utf8_ends_a_watch_without_a_traceback(tmp_path):
    path = os.fsdecode(os.fsencode(tmp_path) + b"/\xff")
    os.mkdir(path)
    hints = Hints([path], lambda _found: None).start()
    hints._thread.join(DEADLINE_S)
    assert (hints.not_utf8, hints.problem) == ("", None)


def test_directories_are_watched_alone_and_those_with_such_a_name_not_at_all(fleets, not_utf8):
    create(not_utf8)
    collector = watching(fleets)
    collector.look()
    roots = tuple(collector.roots.values())
    assert trees(roots).silent == {}
    watched = single_directories(roots, ())
    bad, good = (str(fleet.sessions()) for fleet in fleets)
    assert watched.silent == {bad: str(fleets[0].root)}
    assert bad not in watched.paths
    assert {good, str(fleets[1].root / "agents"), str(fleets[0].root / "agents" / "main")} <= set(
        watched.paths
    )
    assert good in single_directories(roots, {good}).silent
    collector.close()


def test_file_events_go_on_for_everything_else(fleets, not_utf8):
    with running(watching(fleets)) as until, actor() as holder:
        until(lambda s: modes(s) == ["live", "live"], "file events")
        create(not_utf8)
        snapshot = until(lambda s: modes(s) == ["polling", "live"], "one root polled, the other live")
        (problem,) = snapshot.roots[0].problems
        assert str(fleets[0].sessions()) in problem
        assert "not UTF-8" in problem
        lock = holder.take(fleets[1].session("agent:main:second"))
        until(lambda s: lock.name in verdicts(s), "a lock in the other root")
        lock = holder.take(fleets[0].session("agent:silas:main"))
        until(lambda s: lock.name in verdicts(s), "a lock of a new agent of the same root")
        lock = holder.take(fleets[0].session("agent:main:second"))
        until(lambda s: lock.name in verdicts(s), "a lock in the directory that is polled")


def test_when_the_name_is_gone_all_events_come_again(fleets, not_utf8, monkeypatch):
    monkeypatch.setattr(wakeup, "CHECK_S", 0.05)
    monkeypatch.setattr(wakeup, "SHUN_S", 0.05)
    with running(watching(fleets)) as until:
        until(lambda s: modes(s) == ["live", "live"], "file events")
        create(not_utf8)
        until(lambda s: modes(s) == ["polling", "live"], "a root that is polled")
        os.unlink(not_utf8)
        back = until(lambda s: modes(s) == ["live", "live"], "file events again")
        assert back.roots[0].problems == ()


def test_an_agent_whose_name_is_not_utf8_is_polled_and_shown(fleets):
    agents = os.fsencode(fleets[0].root / "agents")
    with running(watching(fleets)) as until:
        until(lambda s: modes(s) == ["live", "live"], "file events")
        os.makedirs(agents + b"/\xfe/sessions")
        create(agents + b"/\xfe/sessions/a.jsonl.lock")
        snapshot = until(lambda s: "a.jsonl.lock" in verdicts(s), "its lock")
        assert modes(snapshot)[1] == "live"
        shutil.rmtree(agents + b"/\xfe")
        until(lambda s: "a.jsonl.lock" not in verdicts(s), "its end")
