"""File events as hints: the kernel's on Linux, watchfiles' on every system."""

from __future__ import annotations

import shutil
import threading
import time
from pathlib import Path

import pytest
import watchfiles

from lockdeck.backend.model.trust import Vouch
from lockdeck.backend.openclaw.roots.discovery import Root
from lockdeck.backend.system.procfs import LINUX
from lockdeck.backend.system.volumes import Mounts
from lockdeck.backend.watch.logs.paths import LogPaths
from lockdeck.backend.watch.root import WatchedRoot
from lockdeck.backend.watch.wakeup import inotify_hints, watchfiles_hints
from lockdeck.backend.watch.wakeup.bell import Bell
from lockdeck.backend.watch.wakeup.hints import hints_here
from lockdeck.backend.watch.wakeup.inotify_hints import InotifyHints
from lockdeck.backend.watch.wakeup.watched_paths import concerns_us
from lockdeck.backend.watch.wakeup.watchfiles_hints import WatchfilesHints
from tests.unit.fleetdir import FleetDir

DEADLINE_S = 20
linux = pytest.mark.skipif(not LINUX, reason="inotify is of Linux")
NO_LOGS = LogPaths()


@pytest.mark.parametrize(
    "name",
    [
        "a.jsonl.lock",
        "sessions.json",
        "openclaw.json",
        "openclaw-2026-04-06.log",
        "sessions",
        "silas",
        "sessions.json.lock",
    ],
)
def test_locks_stores_logs_and_directories_concern_us(name):
    assert concerns_us(name)


@pytest.mark.parametrize("name", ["a.jsonl", "sessions.json.1f.tmp", "a.trajectory.jsonl", "x.txt"])
def test_transcripts_and_temporary_files_do_not(name):
    assert not concerns_us(name)


@pytest.fixture
def fleet(tmp_path):
    fleet = FleetDir(tmp_path)
    fleet.session()
    return fleet


@pytest.fixture
def root(fleet):
    return looked_at(fleet)


def looked_at(fleet):
    root = WatchedRoot(Root(str(fleet.root), Vouch()), fleet.env)
    root.refresh()
    return root


class Watch:
    """A watch with its bell, as the collector has it."""

    def __init__(self, kind):
        self.bell = Bell()
        self.hints = InotifyHints() if kind == "inotify" else WatchfilesHints(self.bell.ring)

    def until(self, fits, what="what was waited for"):
        """Wait until something happened that fits; nothing is looked at while nothing rings."""
        found, deadline = set(), time.monotonic() + DEADLINE_S
        while True:
            happened = self.hints.take()
            found |= happened.directories
            if fits(found, happened.logged):
                return found
            left = deadline - time.monotonic()
            assert left > 0, f"not told: {what}"
            self.bell.wait(left, *self.hints.descriptors)


@pytest.fixture(params=[pytest.param("inotify", marks=linux), "watchfiles"])
def watch(request):
    watch = Watch(request.param)
    yield watch
    watch.hints.stop()
    thread = getattr(watch.hints, "_thread", None)
    if thread is not None:
        thread.join(DEADLINE_S)
        assert not watch.hints.live
    watch.bell.close()


@pytest.fixture
def standing(watch, root):
    """A watch over a root that stands, with its first telling taken."""
    watch.hints.keep([root], NO_LOGS)
    agents = f"{root.path}/agents"
    watch.until(lambda found, _: agents in found)
    return watch


def test_without_a_root_nothing_is_watched_and_nothing_wrong(watch):
    watch.hints.keep([], NO_LOGS)
    assert (watch.hints.live, watch.hints.problem) == (False, None)
    assert watch.hints.take().directories == frozenset()


def test_once_the_watch_stands_everything_is_worth_a_look(standing):
    assert standing.hints.live


def test_a_lock_names_its_directory(standing, fleet):
    folder = fleet.sessions()
    (folder / "a.jsonl").touch()
    (folder / "a.jsonl.lock").touch()
    assert standing.until(lambda found, _: str(folder) in found) == {str(folder)}


def test_a_new_directory_is_worth_a_look_where_it_appeared(standing, fleet):
    agents = fleet.root / "agents"
    (agents / "silas.two").mkdir()
    if isinstance(standing.hints, WatchfilesHints):
        (
            agents / "silas"
        ).mkdir()  # it does not say which names are directories': those with a dot pass for files
    assert standing.until(lambda found, _: str(agents) in found) == {str(agents)}


def test_a_directory_that_appeared_is_watched_from_the_next_look_on(standing, fleet, root):
    lock = fleet.session("agent:silas:main")
    root.refresh()
    standing.hints.keep([root], NO_LOGS)
    standing.until(lambda found, _: str(fleet.root / "agents") in found)
    lock.touch()
    standing.until(lambda found, _: str(lock.parent) in found, "the lock of a new agent")


@linux
def test_nothing_is_asked_of_the_system_where_the_same_stands(fleet, root, monkeypatch):
    hints = InotifyHints()
    hints.keep([root], NO_LOGS)
    hints.take()
    monkeypatch.setattr(inotify_hints.Inotify, "add", None)
    hints.keep([root], NO_LOGS)
    assert hints.live
    hints.stop()


@linux
def test_a_root_that_was_replaced_is_watched_anew(fleet, root, tmp_path):
    watch = Watch("inotify")
    watch.hints.keep([root], NO_LOGS)
    watch.hints.take()
    fleet.root.rename(tmp_path / "away")
    shutil.copytree(tmp_path / "away", fleet.root)
    watch.hints.keep([looked_at(fleet)], NO_LOGS)
    assert str(fleet.sessions()) in watch.hints.take().directories
    (fleet.sessions() / "b.jsonl.lock").touch()
    watch.until(lambda found, _: found == {str(fleet.sessions())})
    watch.hints.stop()
    watch.bell.close()


@linux
def test_a_sessions_directory_that_was_replaced_is_watched_anew(fleet, root):
    watch = Watch("inotify")
    watch.hints.keep([root], NO_LOGS)
    watch.hints.take()
    shutil.rmtree(fleet.sessions())
    watch.until(lambda found, _: str(fleet.sessions()) in found)
    fleet.sessions().mkdir(exist_ok=True)
    watch.hints.keep([root], NO_LOGS)
    watch.hints.take()
    (fleet.sessions() / "b.jsonl.lock").touch()
    watch.until(lambda found, _: found == {str(fleet.sessions())})
    watch.hints.stop()
    watch.bell.close()


@linux
def test_where_the_kernel_lost_events_everything_is_worth_a_look(root, monkeypatch):
    hints = InotifyHints()
    hints.keep([root], NO_LOGS)
    every = hints.take().directories
    lost = inotify_hints.inotify.FileEvent(-1, inotify_hints.inotify.OVERFLOW, "")
    monkeypatch.setattr(inotify_hints.Inotify, "read", lambda _: [lost])
    assert hints.take().directories == every
    hints.stop()


class Logged:
    """A watch over the logs of a folder: one is followed, others may appear."""

    def __init__(self, folder: Path) -> None:
        self.watch = Watch("inotify")
        self.log = folder / "openclaw.log"
        self.log.touch()
        self.paths = LogPaths((str(self.log),), (str(self.log),), (str(folder),))
        self.watch.hints.keep([], self.paths)

    def logged(self):
        self.watch.until(lambda _, logged: logged, "a log")


@pytest.fixture
def logs(tmp_path):
    logs = Logged(tmp_path)
    yield logs
    logs.watch.hints.stop()
    logs.watch.bell.close()


@linux
def test_a_log_is_looked_at_once_more_after_it_was_armed_and_then_when_it_is_written_to(logs):
    assert not logs.watch.hints.arm(logs.paths)
    assert logs.watch.hints.arm(logs.paths)
    logs.log.write_text("a line\n")
    logs.logged()
    assert not logs.watch.hints.arm(logs.paths)


@linux
def test_a_log_that_is_written_to_all_the_time_rings_once(logs):
    logs.watch.hints.arm(logs.paths)
    with logs.log.open("a") as log:
        for _ in range(3):
            log.write("a line\n")
            log.flush()
        logs.logged()
        log.write("a line\n")
        log.flush()
    assert not logs.watch.hints.take().logged


@linux
@pytest.mark.parametrize(("name", "told"), [("openclaw-2026-04-07.log", True), ("notes.txt", False)])
def test_a_new_log_is_told_of_and_other_files_are_not(logs, name, told):
    logs.watch.hints.arm(logs.paths)
    (logs.log.parent / name).touch()
    logs.watch.bell.wait(DEADLINE_S, *logs.watch.hints.descriptors)
    assert logs.watch.hints.take().logged is told


@linux
def test_a_log_of_which_no_events_come_is_polled(logs, monkeypatch):
    monkeypatch.setattr(Mounts, "reach_others", lambda _mounts, _path: True)
    logs.watch.hints.keep([], LogPaths((str(logs.log),)))
    assert not logs.watch.hints.arm(logs.paths)
    assert not logs.watch.hints.arm(logs.paths)


@linux
def test_a_log_that_is_read_behind_its_writer_is_looked_at_again(logs):
    logs.watch.hints.arm(logs.paths)
    assert not logs.watch.hints.arm(LogPaths(logs.paths.files, behind=True))


def test_watchfiles_failure_is_a_problem_and_no_exception_and_is_tried_again(root, monkeypatch):
    def failing(*_paths, **_options):
        raise OSError(28, "No space left on device")
        yield

    monkeypatch.setattr(watchfiles_hints, "RETRY_S", 0.0)
    rung = threading.Event()
    hints = WatchfilesHints(rung.set)
    with monkeypatch.context() as patch:
        patch.setattr(watchfiles, "watch", failing)
        hints.keep([root], NO_LOGS)
        hints._thread.join(DEADLINE_S)
    assert not hints.live
    assert "No space left" in hints.problem
    assert "polling instead" in hints.problem
    assert rung.is_set()
    hints.keep([root], NO_LOGS)
    assert hints.live
    hints.stop()


def test_a_system_gets_the_watch_that_it_has(monkeypatch):
    for linux_here, kind in ((True, InotifyHints), (False, WatchfilesHints)):
        monkeypatch.setattr("lockdeck.backend.watch.wakeup.hints.LINUX", linux_here)
        assert isinstance(hints_here(lambda: None), kind)
