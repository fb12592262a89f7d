"""A wait for a file ends with its change, whatever an editor does to it."""

from __future__ import annotations

import os
import threading

import pytest

from lockdeck.backend.system import inotify
from lockdeck.backend.system.procfs import LINUX
from lockdeck.backend.watch.wakeup import filewatch
from lockdeck.backend.watch.wakeup.bell import Bell
from lockdeck.backend.watch.wakeup.filewatch import FileWatch

PATIENCE_S = 30.0


class Waiter:
    """A thread that waits for changes of a file; `asleep` is set once it waits in the kernel."""

    def __init__(self, path, patch):
        self.changes = threading.Semaphore(0)
        self.asleep = threading.Event()
        self.sleeps = []
        wait = Bell.wait

        def noted(bell, seconds, *others):
            self.sleeps.append(seconds)
            self.asleep.set()
            return wait(bell, seconds, *others)

        patch.setattr(Bell, "wait", noted)
        self.watch = FileWatch(str(path))
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while self.watch.wait():
            self.changes.release()
        self.watch.close()

    def changed(self):
        return self.changes.acquire(timeout=PATIENCE_S)

    def end(self):
        self.watch.stop()
        self.thread.join(PATIENCE_S)
        return not self.thread.is_alive()


@pytest.fixture
def waiting(tmp_path, monkeypatch):
    waiters = []

    def at(path):
        waiter = Waiter(path, monkeypatch)
        assert waiter.asleep.wait(PATIENCE_S)
        waiters.append(waiter)
        return waiter

    yield at
    ended = [waiter.end() for waiter in waiters]
    assert all(ended)


@pytest.fixture(params=["events", "polled"])
def told_by(request, monkeypatch):
    """Once by the kernel and once where it tells nothing."""
    if request.param == "events" and not LINUX:
        pytest.skip("no file events of the kernel here")
    if request.param == "polled":

        def refused(_instance):
            raise OSError

        monkeypatch.setattr(inotify.Inotify, "__init__", refused)
        monkeypatch.setattr(filewatch, "POLL_S", 0.01)


def written(path, text="x"):
    path.write_text(text)


def replaced(path):
    beside = path.with_name("beside")
    beside.write_text("other")
    os.replace(beside, path)


def removed(path):
    path.unlink()


def closed_to_others(path):
    path.chmod(0o600)


@pytest.mark.usefixtures("told_by")
@pytest.mark.parametrize("change", [written, replaced, removed, closed_to_others])
def test_every_kind_of_change_ends_the_wait(tmp_path, waiting, change):
    path = tmp_path / "config.toml"
    path.write_text("before")
    path.chmod(0o644)
    waiter = waiting(path)
    change(path)
    assert waiter.changed()


@pytest.mark.usefixtures("told_by")
def test_a_file_that_is_made_together_with_its_folders_is_seen(tmp_path, waiting):
    path = tmp_path / "new" / "folder" / "config.toml"
    waiter = waiting(path)
    path.parent.mkdir(parents=True)
    path.write_text("x")
    assert waiter.changed()


@pytest.mark.usefixtures("told_by")
def test_a_file_behind_a_link_is_seen_and_so_is_a_link_that_leads_elsewhere(tmp_path, waiting):
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.toml").write_text(name)
    current = tmp_path / "current"
    current.symlink_to("first")
    path = tmp_path / "here" / "config.toml"
    path.parent.mkdir()
    path.symlink_to(current / "config.toml")
    waiter = waiting(path)
    (tmp_path / "first" / "config.toml").write_text("changed")
    assert waiter.changed()
    path.unlink()
    path.symlink_to(tmp_path / "second" / "config.toml")
    assert waiter.changed()


def test_what_happens_beside_the_file_ends_no_wait(tmp_path, waiting):
    path = tmp_path / "config.toml"
    waiter = waiting(path)
    for number in range(20):
        (tmp_path / f"other{number}").write_text("x")
    os.replace(tmp_path / "other0", path)
    assert waiter.changed()
    assert not waiter.changes.acquire(blocking=False)


@pytest.mark.skipif(not LINUX, reason="elsewhere it is polled")
def test_where_the_kernel_tells_of_changes_nothing_is_looked_at_for_a_minute(tmp_path, waiting):
    waiter = waiting(tmp_path / "config.toml")
    assert waiter.sleeps == [filewatch.HEAL_S]


def test_a_file_that_never_stands_still_is_looked_at_all_the_same(tmp_path, monkeypatch):
    path = tmp_path / "config.toml"
    watch, states = FileWatch(str(path)), iter(range(10**6))
    monkeypatch.setattr(filewatch, "SETTLE_S", 0.0)
    monkeypatch.setattr(filewatch, "traits", lambda _path: (next(states),))
    assert watch.wait()
    watch.close()


def test_one_that_was_stopped_waits_no_more(tmp_path):
    watch = FileWatch(str(tmp_path / "config.toml"))
    watch.stop()
    assert not watch.wait()
    watch.close()
    watch.stop()
    assert not watch.wait()
