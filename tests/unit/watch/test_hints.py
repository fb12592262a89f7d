"""File events as hints."""

from __future__ import annotations

import queue

import pytest
import watchfiles

from lockdeck.backend.watch.wakeup.hints import Hints, _concerns_us

DEADLINE_S = 20


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
    assert _concerns_us(1, f"/r/agents/main/{name}")


@pytest.mark.parametrize("name", ["a.jsonl", "sessions.json.1f.tmp", "a.trajectory.jsonl", "x.txt"])
def test_transcripts_and_temporary_files_do_not(name):
    assert not _concerns_us(1, f"/r/agents/main/{name}")


def test_nothing_to_watch_needs_no_thread():
    hints = Hints((), lambda _found: None).start()
    assert not hints.live
    assert hints.problem is None
    hints.stop()


@pytest.fixture
def watching(tmp_path):
    """A watch on a directory that stands, and what it hands on."""
    (tmp_path / "main" / "sessions").mkdir(parents=True)
    found = queue.Queue()
    hints = Hints([str(tmp_path)], found.put).start()
    yield hints, found
    hints.stop()
    hints._thread.join(DEADLINE_S)
    assert not hints.live


def test_once_the_watch_stands_everything_is_worth_a_look(tmp_path, watching):
    hints, found = watching
    assert found.get(timeout=DEADLINE_S) == {str(tmp_path)}
    assert hints.live


def test_a_lock_below_a_watched_directory_names_its_directory(tmp_path, watching):
    _, found = watching
    found.get(timeout=DEADLINE_S)
    folder = tmp_path / "main" / "sessions"
    (folder / "a.jsonl").touch()
    (folder / "a.jsonl.lock").touch()
    assert found.get(timeout=DEADLINE_S) == {str(folder)}


def test_a_new_directory_is_worth_a_look_where_it_appeared(tmp_path, watching):
    _, found = watching
    found.get(timeout=DEADLINE_S)
    (tmp_path / "silas").mkdir()
    assert found.get(timeout=DEADLINE_S) == {str(tmp_path)}


def test_no_events_by_failure_is_a_problem_and_no_exception(tmp_path, monkeypatch):
    def failing(*_paths, **_options):
        raise OSError(28, "No space left on device (inotify watches)")
        yield

    monkeypatch.setattr(watchfiles, "watch", failing)
    hints = Hints([str(tmp_path)], lambda _found: None).start()
    hints._thread.join(DEADLINE_S)
    assert not hints.live
    assert "No space left" in hints.problem
    assert "polling instead" in hints.problem
