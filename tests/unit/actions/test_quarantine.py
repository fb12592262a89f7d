"""Released locks are kept with their evidence, also where the state folder is on another file system."""

from __future__ import annotations

import errno
import json
import os
import tempfile
from pathlib import Path

import pytest

from lockdeck.backend.actions.release import quarantine


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "lock").write_bytes(b"payload")
    fd = os.open(tmp_path, os.O_RDONLY)
    yield fd
    os.close(fd)


def test_the_inode_itself_is_moved(folder, tmp_path):
    before = os.stat(tmp_path / "lock").st_ino
    kept = quarantine.keep(str(tmp_path / "state"), folder, "lock", {"action": "a1"})
    assert os.stat(kept).st_ino == before
    assert not (tmp_path / "lock").exists()


def test_two_locks_of_one_action_do_not_overwrite_each_other(folder, tmp_path):
    one = quarantine.keep(str(tmp_path / "state"), folder, "lock", {"action": "a1"})
    (tmp_path / "lock").write_bytes(b"other")
    other = quarantine.keep(str(tmp_path / "state"), folder, "lock", {"action": "a1"})
    assert one != other
    assert Path(one).read_bytes() == b"payload"


@pytest.mark.skipif(not os.path.isdir("/dev/shm"), reason="needs a second file system")
def test_across_file_systems_the_bytes_are_copied_first(folder, tmp_path):
    with tempfile.TemporaryDirectory(dir="/dev/shm") as elsewhere:
        kept = quarantine.keep(elsewhere, folder, "lock", {"action": "a1"})
        assert Path(kept).read_bytes() == b"payload"
        assert os.stat(kept).st_mode & 0o777 == 0o600
        with open(kept.removesuffix(".lock") + ".json") as file:
            assert json.load(file) == {"action": "a1"}
    assert not (tmp_path / "lock").exists()


def test_when_it_cannot_be_kept_the_lock_stays(folder, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(quarantine, "_write", full)
    with pytest.raises(OSError, match="space"):
        quarantine.keep(str(tmp_path / "state"), folder, "lock", {"action": "a1"})
    assert (tmp_path / "lock").read_bytes() == b"payload"
