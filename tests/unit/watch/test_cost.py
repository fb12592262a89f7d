"""What a look costs: what changed, and where nothing did next to nothing. Calls of functions repeat; times would not."""

from __future__ import annotations

import itertools
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import pytest

from lockdeck.backend.model.fleet import State
from lockdeck.backend.openclaw.locks import examination
from lockdeck.backend.openclaw.roots.place import RootPlaces
from lockdeck.backend.openclaw.roots.sessionsdirs import SessionsDir
from lockdeck.backend.settings.records import Settings
from lockdeck.backend.system.patience import PatientCalls
from lockdeck.backend.watch import directory
from lockdeck.backend.watch.collector import LONGEST_RESCAN_S, Collector
from lockdeck.backend.watch.quietlocks import SEARCH_S
from lockdeck.backend.watch.sessions.builder import SessionBuilder
from tests.bench.fleet import Fleet, furnish, locked

STUCK_AFTER_S = 400.0
"""A hold without progress for so long (seconds) is stuck."""
LONG_AGO_S = 60.0
"""Files this old (seconds) are not read twice while they stand as they are."""


class Watch:
    """A collector whose steps are made in this thread, and its clock."""

    def __init__(self, fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(
            PatientCalls, "run_all", lambda _, calls: {key: call() for key, call in calls.items()}
        )
        self.now = time.time()
        self.collector = Collector.discover(
            [str(fleet.root)],
            Settings(),
            logs=[str(fleet.log)],
            env=fleet.environment,
            clock=lambda: self.now,
        )

    def look(self, dirty: set[str] | None = None, *, after_s: float = 3.0) -> int:
        """Look at what is dirty, or at everything; return the calls of Python functions that it took."""
        self.now += after_s
        with counted() as calls:
            self.collector._look(dirty)
        return calls[0]


@contextmanager
def counted() -> Iterator[list[int]]:
    calls = [0]

    def add(_frame: FrameType, what: str, _argument: object) -> None:
        calls[0] += what == "call"

    sys.setprofile(add)
    try:
        yield calls
    finally:
        sys.setprofile(None)


@contextmanager
def watched(
    home: Path, agents: int, monkeypatch: pytest.MonkeyPatch, held: int = 1
) -> Iterator[tuple[Watch, Fleet]]:
    fleet = furnish(home, 5 * agents, agents=agents, snapshot_bytes=0)
    with locked(fleet, agents, held):
        for path in fleet.root.rglob("*"):
            stamp = os.lstat(path).st_mtime - LONG_AGO_S
            os.utime(path, (stamp, stamp))
        watch = Watch(fleet, monkeypatch)
        try:
            yield watch, fleet
        finally:
            watch.collector.close()


def test_a_first_look_at_three_times_the_agents_costs_three_times_as_much(tmp_path, monkeypatch):
    costs = []
    for agents in (20, 60):
        with watched(tmp_path / str(agents), agents, monkeypatch) as (watch, _):
            costs.append(watch.look())
    assert costs[1] < 3.5 * costs[0]


def test_a_full_look_at_locks_that_stand_as_before_builds_and_judges_nothing(tmp_path, monkeypatch):
    with watched(tmp_path, 8, monkeypatch) as (watch, _):
        # The second look asks how long what it builds stands; after it nothing is left to settle.
        for _ in range(3):
            watch.look()
        built, read = [], []
        build, read_lock = SessionBuilder.build, examination.read_lock
        monkeypatch.setattr(SessionBuilder, "build", lambda *args: built.append(args) or build(*args))
        monkeypatch.setattr(examination, "read_lock", lambda *args: read.append(args) or read_lock(*args))
        before = watch.collector._locks.views.copy()
        watch.look()
        assert not built
        assert not read
        assert all(views is before[path] for path, views in watch.collector._locks.views.items())


def test_a_directory_whose_times_tell_nothing_is_listed_again_after_a_while(tmp_path, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(directory.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(directory, "_quiet_times", lambda _path: (1,))
    home = directory.WatchedDirectory(SessionsDir(str(tmp_path), "main", str(tmp_path / "sessions.json")))
    home.refresh()
    home.refresh()
    (tmp_path / "one.jsonl.lock").touch()
    home.refresh()
    assert home.locks == (), "its times are believed for a while"
    now[0] += directory.LISTED_S
    home.refresh()
    assert home.locks == (str(tmp_path / "one.jsonl.lock"),)


def test_processes_are_searched_again_only_after_a_while_or_when_a_lock_went(tmp_path, monkeypatch):
    with watched(tmp_path, 8, monkeypatch) as (watch, fleet):
        for _ in range(3):
            watch.look()
        searches, search = [], examination.scan_all
        monkeypatch.setattr(examination, "scan_all", lambda inodes: searches.append(inodes) or search(inodes))
        watch.look()
        assert not searches
        gone = next(path for path in map(Path, fleet.locks.values()) if path.exists())
        gone.unlink()
        watch.look({str(gone.parent)})
        assert not searches
        watch.look()
        assert len(searches) == 1
        watch.look()
        watch.now += SEARCH_S
        watch.look()
        assert len(searches) >= 2


def test_an_event_costs_the_same_whatever_else_is_watched(tmp_path, monkeypatch):
    costs = []
    for agents in (5, 40):
        with watched(tmp_path / str(agents), agents, monkeypatch) as (watch, fleet):
            watch.look()
            folder = str(Path(next(iter(fleet.locks.values()))).parent)
            watch.look({folder}, after_s=0.1)
            costs.append(watch.look({folder}, after_s=0.1))
    assert costs[1] < 1.5 * costs[0]


def test_an_event_costs_the_same_however_many_sessions_are_stuck(tmp_path, monkeypatch):
    costs = []
    for agents in (5, 200):
        with watched(tmp_path / str(agents), agents, monkeypatch, held=agents) as (watch, fleet):
            watch.look()
            watch.look(after_s=STUCK_AFTER_S)
            fleet_now = watch.collector.look()
            assert sum(view.state is State.STUCK for view in fleet_now.sessions) == agents
            folder = str(Path(next(iter(fleet.locks.values()))).parent)
            watch.look({folder}, after_s=0.0)
            costs.append(watch.look({folder}, after_s=0.0))
    assert costs[1] < 1.5 * costs[0]


def test_the_places_of_locks_are_made_once_for_each_listing(tmp_path):
    folder, root = tmp_path / "sessions", RootPlaces(str(tmp_path), "files", own_namespace=True)
    folder.mkdir()
    home = directory.WatchedDirectory(SessionsDir(str(folder), "main", str(folder / "sessions.json")))
    for name in ("one.jsonl.lock", "two.jsonl.lock"):
        (folder / name).touch()
        home.refresh()
        places = home.lock_places(root)
        assert [place.path for place in places] == list(home.locks)
        home.refresh()
        assert home.lock_places(root) is places
    assert len(places) == 2
    assert {
        place.era for place in home.lock_places(RootPlaces(str(tmp_path), "sqlite", own_namespace=True))
    } == {"sqlite"}


@pytest.mark.parametrize(("took_s", "gap_s"), [(0.01, 3.0), (0.6, 6.0), (100.0, LONGEST_RESCAN_S)])
def test_the_more_a_full_look_costs_the_less_often_it_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, took_s: float, gap_s: float
) -> None:
    used_s = itertools.count(0.0, took_s)
    watching = Watch(furnish(tmp_path, 4), monkeypatch).collector
    watching._wakeup.watch(watching._roots.all, watching._sources.logs.paths)
    monkeypatch.setattr(time, "process_time", lambda: next(used_s))
    watching.look()
    assert watching._rescan_s() == pytest.approx(gap_s)
    watching.close()
