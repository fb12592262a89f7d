"""A release works in folders that nobody but us can change, through descriptors, and leaves nothing behind."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from lockdeck.backend.actions import journal as journal_module
from lockdeck.backend.actions.journal import Journal
from lockdeck.backend.actions.release import quarantine
from lockdeck.backend.actions.release import release as release_module
from lockdeck.backend.actions.release.entries import MOST_AT_ONCE
from lockdeck.backend.actions.release.records import Status
from lockdeck.backend.actions.release.recovery import recover
from lockdeck.backend.actions.turns import turn
from lockdeck.backend.system.folders import ForeignFolderError, private_folder
from tests.secondowner import UID, give_away, needs_root
from tests.unit.fleetdir import lockdeck
from tests.unit.releasing import Root

pytestmark = pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc")


@pytest.fixture
def root(tmp_path):
    return Root(tmp_path)


@pytest.fixture
def victim(tmp_path):
    path = tmp_path / "victim"
    path.write_text("precious")
    path.chmod(0o755)
    return path


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


class Crash(BaseException):
    """Ends a release at once."""


class NoWatchman:
    """A stand-in that recovers nothing."""

    def __init__(self, _journal, _account=None):
        self.pid, self.start_ticks = os.getpid(), None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None


def cut_off(root, monkeypatch, step):
    monkeypatch.setattr(release_module, "run_stand_in", NoWatchman)

    def stop(name):
        if name == step:
            raise Crash

    with pytest.raises(Crash):
        root.release(on_step=stop)
    (folder,) = root.sessions.glob(".lockdeck-*")
    return folder


def test_a_link_that_goes_to_the_quarantine_is_never_followed(root, victim):
    (root.sessions / "link").symlink_to(victim)
    folder = os.open(root.sessions, os.O_RDONLY)
    try:
        kept = quarantine.keep(root.journal.folder, folder, "link", {"action": "a1"})
    finally:
        os.close(folder)
    assert os.path.islink(kept)
    assert mode(victim) == 0o755


def test_a_file_with_a_second_name_keeps_its_mode(root, victim):
    os.link(victim, root.sessions / "second")
    folder = os.open(root.sessions, os.O_RDONLY)
    try:
        quarantine.keep(root.journal.folder, folder, "second", {"action": "a1"})
    finally:
        os.close(folder)
    assert mode(victim) == 0o755


def test_a_recovery_that_sweeps_a_planted_link_changes_nothing_that_it_leads_to(root, victim, monkeypatch):
    root.write()
    (cut_off(root, monkeypatch, "taken") / "planted").symlink_to(victim)
    recover(root.journal)
    assert mode(victim) == 0o755
    assert root.names() == ["one.jsonl", "one.jsonl.lock"]


@pytest.mark.parametrize("world", [0o777, 0o1777])
def test_in_a_sessions_directory_that_others_may_write_nothing_is_released(root, world):
    raw = root.write()
    root.sessions.chmod(world)
    outcome = root.release()
    assert outcome.status is Status.REFUSED
    assert f"others may write {root.sessions}" in " ".join(outcome.sentences)
    assert "chmod go-w" in " ".join(outcome.sentences)
    assert root.lock.read_bytes() == raw


def test_a_directory_that_others_may_write_since_the_proof_gets_nothing_of_ours(root, monkeypatch):
    raw = root.write()
    journaled = root.journal.append

    def opened_meanwhile(kind, **facts):
        root.sessions.chmod(0o777)
        return journaled(kind, **facts)

    monkeypatch.setattr(root.journal, "append", opened_meanwhile)
    outcome = root.release()
    assert outcome.status is Status.REFUSED
    assert root.names() == ["one.jsonl", "one.jsonl.lock"]
    assert root.lock.read_bytes() == raw
    root.sessions.chmod(0o755)  # the watchman, which goes on until all is in order, ends


@needs_root
def test_in_a_directory_of_another_user_nothing_is_released_or_recovered(root, monkeypatch):
    raw = root.write()
    folder = cut_off(root, monkeypatch, "stand-in made")
    os.chown(root.sessions, UID, -1)
    (told,) = recover(root.journal)
    assert "could not be put right" in told
    assert f"(uid {UID})" in told or f"uid {UID}" in told
    assert folder.exists()
    assert root.lock.read_bytes() == raw
    outcome = root.release()
    assert outcome.status is Status.REFUSED


@needs_root
def test_a_work_folder_that_another_user_put_in_place_of_ours_is_not_recovered_in(root, monkeypatch, victim):
    root.write()
    folder = cut_off(root, monkeypatch, "taken")
    folder.rename(root.sessions / "aside")
    folder.mkdir()
    (folder / "lock").symlink_to(victim)
    give_away(folder)
    (told,) = recover(root.journal)
    assert "could not be put right" in told
    assert mode(victim) == 0o755


@needs_root
def test_a_journal_in_a_state_folder_of_another_user_makes_us_do_nothing(root, monkeypatch, victim):
    raw = root.write()
    folder = cut_off(root, monkeypatch, "taken")
    give_away(Path(root.journal.folder))
    with pytest.raises(ForeignFolderError, match="acts on nothing"):
        recover(root.journal)
    assert folder.exists()
    (folder / "lock").rename(root.lock)
    assert root.lock.read_bytes() == raw
    outcome = root.release()
    assert outcome.status is Status.REFUSED
    assert "LOCKDECK_STATE_DIR" in outcome.sentences[0]


@needs_root
def test_the_command_line_refuses_a_state_folder_of_another_user_in_words(root, tmp_path):
    raw = root.write()
    state = tmp_path / "theirs"
    state.mkdir()
    (state / "journal.jsonl").write_text("{}\n")
    give_away(state)
    env = {"HOME": str(tmp_path), "LOCKDECK_STATE_DIR": str(state)}
    done = lockdeck("release", root.lock, "--release-id", root.plan().release_id, env=env)
    told = done.stderr if isinstance(done.stderr, str) else done.stderr.decode()
    assert done.returncode == 3
    assert "LOCKDECK_STATE_DIR" in told
    assert root.lock.read_bytes() == raw
    assert sorted(os.listdir(state)) == ["journal.jsonl"]


def test_the_state_folder_is_shut_for_others_from_the_first_action_on(tmp_path):
    state = tmp_path / "fresh" / "state"
    with turn(str(state), str(tmp_path), 0):
        pass
    assert [mode(path) for path in (state.parent, state, state / "turns")] == [0o700] * 3


def test_a_state_folder_that_others_may_enter_is_shut(tmp_path):
    state = tmp_path / "state"
    state.mkdir(mode=0o755)
    Journal(str(state / "journal.jsonl")).append("refused")
    assert mode(state) == 0o700


def test_a_link_in_place_of_a_folder_of_ours_is_refused(tmp_path, victim):
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "turns").symlink_to(tmp_path)
    with pytest.raises(OSError, match="turns"), private_folder(str(tmp_path / "state"), "turns"):
        pytest.fail("it was opened")


def test_a_sessions_directory_that_is_exchanged_meanwhile_keeps_nothing_of_ours(root):
    raw = root.write()
    away = root.sessions.with_name("away")

    def exchange(name):
        if name == "folder made":
            root.sessions.rename(away)
            root.sessions.mkdir()

    root.release(on_step=exchange)
    assert list(root.sessions.iterdir()) == []
    assert not list(away.glob(".lockdeck-*"))
    kept = [*away.glob("*.lock"), *Path(root.journal.folder, "quarantine").glob("*.lock")]
    assert [path.read_bytes() for path in kept] == [raw]


def test_a_folder_that_can_not_be_opened_after_it_was_made_is_not_left(root, monkeypatch):
    root.write()
    real = os.open

    def no_more(path, *more, **options):
        if str(path).startswith(".lockdeck-"):
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return real(path, *more, **options)

    monkeypatch.setattr(os, "open", no_more)
    assert root.release().status is Status.FAILED
    monkeypatch.undo()
    assert root.names() == ["one.jsonl", "one.jsonl.lock"]


def test_a_full_state_disk_leaves_no_piece_of_a_copy(root, monkeypatch):
    """Across file systems the bytes are copied: what could not be written whole is not there."""
    raw = root.write()
    monkeypatch.setattr(release_module, "run_stand_in", NoWatchman)
    rename, in_quarantine = os.rename, Path(root.journal.folder, "quarantine")

    def elsewhere(old, new, **folders):
        if str(new).endswith(".lock"):
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        return rename(old, new, **folders)

    def until_full(_lock):
        yield raw[:10]
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "rename", elsewhere)
    monkeypatch.setattr(quarantine, "_pieces", until_full)
    outcome = root.release()
    assert outcome.status is Status.FAILED
    assert list(in_quarantine.iterdir()) == []
    monkeypatch.undo()
    recover(root.journal)
    assert [path.read_bytes() for path in in_quarantine.glob("*.lock")] == [raw]
    assert root.names() == ["one.jsonl"]


def test_of_very_many_unfinished_entries_some_are_put_right_and_the_rest_is_counted(root, monkeypatch):
    os.makedirs(root.journal.folder, mode=0o700)
    with open(root.journal.path, "a") as file:
        file.writelines(
            f'{{"kind":"release-begin","action":"a{number}","path":"/none/{number}.jsonl.lock"}}\n'
            for number in range(3000)
        )
    parsed, parse = [], journal_module.parse_entry
    monkeypatch.setattr(journal_module, "parse_entry", lambda line: parsed.append(1) or parse(line))
    told = recover(root.journal)
    assert len(told) == MOST_AT_ONCE + 1
    assert told[-1] == f"{3000 - MOST_AT_ONCE} more interrupted releases are left for the next start"
    assert len(parsed) < 3 * 3000


@needs_root
@pytest.mark.parametrize("linked", [True, False])
def test_in_the_home_of_another_that_sudo_has_kept_root_makes_no_folder(root, tmp_path, linked):
    raw = root.write()
    home, outside = tmp_path / "home of another", tmp_path / "ours"
    home.mkdir()
    outside.mkdir()
    if linked:
        (home / ".local").symlink_to(outside)
    give_away(home)
    env = {"HOME": str(home), "SUDO_UID": str(UID)}
    done = lockdeck("release", root.lock, "--release-id", root.plan().release_id, env=env)
    assert done.returncode == 3
    assert b"LOCKDECK_STATE_DIR" in done.stdout + done.stderr
    assert b"sudo -H" in done.stdout + done.stderr
    assert list(outside.iterdir()) == []
    assert [path.name for path in home.iterdir()] == [".local"] * linked
    assert root.lock.read_bytes() == raw


@needs_root
def test_a_folder_that_another_makes_first_in_a_directory_of_all_gets_nothing_of_ours(tmp_path, monkeypatch):
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    make = os.mkdir

    def slower(name, *more, **options):
        make(shared / "a", 0o755)
        give_away(shared / "a")
        make(name, *more, **options)

    monkeypatch.setattr(os, "mkdir", slower)
    with pytest.raises(ForeignFolderError), private_folder(str(shared / "a" / "state")):
        pytest.fail("it was opened")
    assert list((shared / "a").iterdir()) == []


def test_missing_folders_are_made_behind_a_link_of_ours(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "disk")
    with private_folder(str(tmp_path / "link" / "a" / "state")):
        pass
    assert mode(tmp_path / "disk" / "a" / "state") == 0o700
