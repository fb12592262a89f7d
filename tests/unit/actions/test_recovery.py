"""Recovery: what an interrupted release left behind is put right, once, by whoever comes first."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from watchfiles import watch

from lockdeck.backend.actions.journal import Journal
from lockdeck.backend.actions.release import release as release_module
from lockdeck.backend.actions.release import restore as restore_module
from lockdeck.backend.actions.release import swap as swap_module
from lockdeck.backend.actions.release.entries import unfinished_actions
from lockdeck.backend.actions.release.recovery import recover
from lockdeck.backend.actions.release.site import (
    FileKind,
    kind_at,
    no_hook,
    open_site,
)
from lockdeck.backend.actions.release.swap import freeze, furnish, take, thaw_with
from lockdeck.backend.actions.turns import turn
from tests.unit.fleetdir import lockdeck
from tests.unit.releasing import Root, end

pytestmark = pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc")


class Crash(BaseException):
    """Ends a release at once, as nothing that it handles would."""


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setattr(release_module, "run_stand_in", NoWatchman)
    return Root(tmp_path)


class NoWatchman:
    """A stand-in that recovers nothing, so that the next start has to."""

    def __init__(self, _journal, _account=None):
        self.pid, self.start_ticks = os.getpid(), None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None


def crash_at(step):
    def stop(name):
        if name == step:
            raise Crash

    return stop


def interrupted(root, step):
    with pytest.raises(Crash):
        pytest.fail(str(root.release(on_step=crash_at(step)).sentences))


def mended(root):
    return recover(root.journal, wait=root.waits.append)


BEFORE_THE_TAKE = (
    "begun",
    "folder made",
    "slot made",
    "draft made",
    "draft written",
    "swap tried",
    "stand-in made",
)


@pytest.mark.parametrize("step", [*BEFORE_THE_TAKE, "taken", "frozen"])
def test_a_release_cut_off_before_it_was_done_leaves_the_lock_as_it_was(root, step):
    raw = root.write()
    inode = os.stat(root.lock).st_ino
    interrupted(root, step)
    assert len(mended(root)) == 1
    assert root.lock.read_bytes() == raw
    assert os.stat(root.lock).st_ino == inode
    assert root.names() == ["one.jsonl", "one.jsonl.lock"]


@pytest.mark.parametrize("step", ["taken", "frozen"])
def test_a_sessions_directory_that_is_away_for_a_while_ends_no_action(root, step):
    raw = root.write()
    interrupted(root, step)
    folder = root.lock.parent
    away = folder.rename(folder.with_name("away"))
    assert "could not be put right" in mended(root)[0]
    away.rename(folder)
    assert len(mended(root)) == 1
    assert root.lock.read_bytes() == raw
    assert root.names() == ["one.jsonl", "one.jsonl.lock"]


def test_a_name_that_goes_between_two_looks_is_vacant(root, monkeypatch):
    root.write()

    @contextlib.contextmanager
    def vanishing(folder, name):
        os.unlink(name, dir_fd=folder)
        yield None

    monkeypatch.setattr("lockdeck.backend.actions.release.site.opened", vanishing)
    with open_site(str(root.lock), "0", no_hook, make=True) as site:
        assert kind_at(site, site.directory, site.name) is FileKind.NOTHING


@pytest.mark.parametrize("step", ["vacated", "swept lock", "swept slot", "folder removed"])
def test_a_release_cut_off_after_it_was_done_stays_done(root, step):
    raw = root.write()
    interrupted(root, step)
    assert len(mended(root)) == 1
    assert root.names() == ["one.jsonl"]
    quarantine = os.path.join(root.journal.folder, "quarantine")
    kept = [name for name in os.listdir(quarantine) if name.endswith(".lock")]
    assert len(kept) == 1
    with open(os.path.join(quarantine, kept[0]), "rb") as file:
        assert file.read() == raw


@pytest.mark.parametrize(
    "words",
    [("journal", "--read-only"), ("release", "LOCK", "--dry-run"), ("release", "LOCK", "--read-only")],
)
def test_a_command_that_may_change_nothing_recovers_nothing(root, tmp_path, words):
    root.write()
    interrupted(root, "taken")
    before = root.names()
    env = {"HOME": str(tmp_path), "LOCKDECK_STATE_DIR": root.journal.folder}
    lockdeck(*(root.lock if word == "LOCK" else word for word in words), env=env)
    assert root.names() == before
    assert len(mended(root)) == 1


def test_recovering_twice_does_nothing_more(root):
    root.write()
    interrupted(root, "taken")
    mended(root)
    entries = root.journal.read().entries
    assert mended(root) == []
    assert root.journal.read().entries == entries
    assert unfinished_actions(lambda: entries) == ([], 0)


def test_nothing_to_recover_needs_no_journal(root):
    assert mended(root) == []
    assert not os.path.exists(root.journal.folder)


def test_a_release_that_another_lockdeck_is_doing_is_left_to_it(root):
    root.write()
    interrupted(root, "taken")
    before = root.names()
    with turn(root.journal.folder, str(root.sessions), 0):
        told = mended(root)
    assert "another lockdeck is at work" in told[0]
    assert root.names() == before


def test_a_stand_in_that_openclaw_reclaimed_and_left_means_released(root):
    root.write()
    interrupted(root, "taken")
    root.lock.unlink()
    mended(root)
    assert root.names() == ["one.jsonl"]


def test_a_stand_in_that_openclaw_replaced_by_a_live_lock_means_released(root):
    root.write()
    interrupted(root, "taken")
    root.lock.unlink()
    holder = root.hold()
    try:
        mended(root)
        assert os.path.samestat(os.stat(f"/proc/{holder.pid}/fd/3"), os.stat(root.lock))
        assert root.names() == ["one.jsonl", "one.jsonl.lock"]
    finally:
        end(holder)


def displaced_live_lock(root, monkeypatch):
    """A release that took out a live lock by a lost race and was killed at once."""
    root.write()
    holders = []

    def late(site):
        root.lock.unlink()
        holders.append(root.hold())
        take(site)

    monkeypatch.setattr(swap_module, "take", late)
    interrupted(root, "taken")
    return holders[0]


def test_a_displaced_live_lock_goes_back_to_its_name(root, monkeypatch):
    holder = displaced_live_lock(root, monkeypatch)
    try:
        mended(root)
        assert os.path.samestat(os.stat(f"/proc/{holder.pid}/fd/3"), os.stat(root.lock))
        assert root.names() == ["one.jsonl", "one.jsonl.lock"]
    finally:
        end(holder)


def test_a_displaced_lock_whose_holder_is_gone_does_not_come_to_stay(root, monkeypatch):
    end(displaced_live_lock(root, monkeypatch))
    mended(root)
    assert root.names() == ["one.jsonl"]


def test_a_live_lock_that_can_not_go_back_is_kept_until_it_is_let_go(root, monkeypatch):
    holder = displaced_live_lock(root, monkeypatch)
    root.lock.unlink()
    newer = root.hold()
    told = mended(root)
    assert "newer lock" in told[0]
    assert os.path.samestat(os.stat(f"/proc/{newer.pid}/fd/3"), os.stat(root.lock))
    assert len(unfinished_actions(root.journal.walk)[0]) == 1
    end(holder)
    mended(root)
    assert unfinished_actions(root.journal.walk)[0] == []
    assert root.names() == ["one.jsonl", "one.jsonl.lock"]
    end(newer)


def test_a_frozen_name_holds_against_everything_that_handles_locks(root, tmp_path):
    root.write()
    with open_site(str(root.lock), "a1", no_hook, make=True) as site:
        furnish(site, b'{"lockdeck": "a1"}')
        assert freeze(site) is FileKind.LOCK
        with pytest.raises(FileExistsError):
            os.open(root.lock, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        with pytest.raises(IsADirectoryError):
            os.unlink(root.lock)
        with pytest.raises(OSError, match="directory"):
            os.rename(root.transcript, root.lock)
        thaw_with(site, "slot")
        assert kind_at(site, site.directory, site.name) is FileKind.LOCK


def test_the_begin_entry_of_a_hostile_journal_leads_nowhere():
    entries = [
        {"kind": "release-begin", "action": "../../etc", "path": "/x/y.jsonl.lock"},
        {"kind": "release-begin", "action": 7, "path": "/x/y.jsonl.lock"},
        {"kind": "release-begin", "action": "a1", "path": None},
    ]
    assert unfinished_actions(lambda: entries) == ([], 0)


DYING = """
import os, signal, sys
from pathlib import Path
from tests.ownprocesses import narrow_to_the_starters
from tests.unit.releasing import Root
narrow_to_the_starters()
root = Root(Path(sys.argv[1]))
root.write()
root.release(on_step=lambda name: os.kill(os.getpid(), signal.SIGKILL) if name == "taken" else None)
"""


def test_the_stand_in_of_a_killed_lockdeck_puts_the_lock_back_by_itself(tmp_path):
    """Nobody starts lockdeck again here: the file system tells when the watchman is done."""
    state = tmp_path / "state"
    state.mkdir()
    killed = subprocess.run([sys.executable, "-c", DYING, str(tmp_path)], cwd=os.getcwd(), check=False)
    assert killed.returncode == -9
    journal = Journal(str(state / "journal.jsonl"))
    for _ in watch(state, yield_on_timeout=True, rust_timeout=50, step=10, debounce=20):
        if not unfinished_actions(journal.walk)[1]:
            break
    sessions = tmp_path / "root" / "agents" / "main" / "sessions"
    assert sorted(os.listdir(sessions)) == ["one.jsonl", "one.jsonl.lock"]
    assert b"lockdeck" not in (sessions / "one.jsonl.lock").read_bytes()


def test_entries_that_make_no_sense_stop_nothing(root):
    entries = [
        {"action": "ab", "kind": [], "path": "/x"},
        {"action": "cd", "kind": "release-begin", "path": "/x\0y"},
    ]
    assert [entry["action"] for entry in unfinished_actions(lambda: entries)[0]] == ["cd"]
    for number, path in enumerate(("/x\0y/one.jsonl.lock", "/x\ud800/one.jsonl.lock")):
        root.journal.append("release-begin", action=f"cd{number}", path=path)
    assert all("could not be put right" in sentence for sentence in mended(root))


def test_a_lock_that_can_not_be_opened_may_be_held_and_what_is_no_file_can_not(root, monkeypatch):
    @contextlib.contextmanager
    def shut(*_: object) -> Iterator[None]:
        yield None

    root.write()
    (root.sessions / "link.lock").symlink_to("nowhere")
    monkeypatch.setattr(restore_module, "opened", shut)
    folder = os.open(root.sessions, os.O_RDONLY)
    try:
        held = [
            restore_module._is_held(folder, name, lambda _: None)
            for name in (root.lock.name, "link.lock", "gone")
        ]
    finally:
        os.close(folder)
    assert held == [True, False, False]
