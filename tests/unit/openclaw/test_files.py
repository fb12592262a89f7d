from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from lockdeck.backend.model.locks import Presence
from lockdeck.backend.openclaw import files
from lockdeck.backend.openclaw.files import read_regular


def test_a_regular_file_is_read_whole_with_its_stat(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    path.write_bytes(b'{"pid": 1}')
    found = read_regular(str(path), 100)
    assert (found.presence, found.raw, found.problem) == (Presence.FILE, b'{"pid": 1}', None)
    assert found.stat is not None
    assert found.stat.st_ino == path.stat().st_ino


def test_a_file_of_exactly_the_cap_is_read_and_one_byte_more_is_not(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"x" * 10)
    assert read_regular(str(path), 10).presence is Presence.FILE
    found = read_regular(str(path), 9)
    assert found.presence is Presence.UNREADABLE
    assert "10 bytes" in str(found.problem)


def test_a_gigabyte_costs_no_more_than_the_cap(tmp_path: Path) -> None:
    path = tmp_path / "huge"
    with path.open("wb") as file:
        file.truncate(1 << 30)
    found = read_regular(str(path), 4096)
    assert found.presence is Presence.UNREADABLE
    assert len(found.raw) == 4096
    assert "1073741824" in str(found.problem)


@pytest.mark.parametrize("follow", [False, True])
def test_what_is_not_a_regular_file_is_named_and_never_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, follow: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "directory").mkdir()
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        for name in ("pipe", "directory", "loop", "socket"):
            found = read_regular(str(tmp_path / name), 100, follow=follow)
            assert found.presence is Presence.IRREGULAR, name
            assert name in str(found.problem)
            assert found.raw == b""
    device = read_regular("/dev/zero", 100, follow=follow)
    assert device.presence is Presence.IRREGULAR
    assert "character device" in str(device.problem)


def test_a_link_is_followed_only_where_that_was_asked_for(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"content")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    refused = read_regular(str(tmp_path / "link"), 100)
    assert refused.presence is Presence.IRREGULAR
    assert "symbolic link" in str(refused.problem)
    assert read_regular(str(tmp_path / "link"), 100, follow=True).raw == b"content"


def test_a_link_that_replaces_the_file_after_the_look_is_still_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "lock").write_bytes(b"lock")
    real_open = os.open

    def swapped(path: str, flags: int) -> int:
        (tmp_path / "lock").unlink()
        (tmp_path / "lock").symlink_to(tmp_path / "secret")
        return real_open(path, flags)

    monkeypatch.setattr(files.os, "open", swapped)
    found = read_regular(str(tmp_path / "lock"), 100)
    assert found.presence is Presence.IRREGULAR
    assert found.raw == b""


@pytest.mark.parametrize("name", ["absent", "file/below", "dangling"])
def test_nothing_there_is_absent(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    assert read_regular(str(tmp_path / name), 100, follow=True).presence is Presence.ABSENT


def test_impossible_paths_are_unreadable(tmp_path: Path) -> None:
    assert read_regular("a\0b", 100).presence is Presence.UNREADABLE
    assert read_regular(str(tmp_path / ("x" * 5000)), 100).presence is Presence.UNREADABLE


def test_a_busy_file_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"content")
    real_open, refusals = os.open, [OSError(11, "try again"), OSError(116, "stale handle")]

    def flaky(name: str, flags: int) -> int:
        if refusals:
            raise refusals.pop()
        return real_open(name, flags)

    monkeypatch.setattr(files.os, "open", flaky)
    assert read_regular(str(path), 100).raw == b"content"


def test_a_file_that_stays_busy_is_unreadable_not_absent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"content")
    tries = []

    def busy(name: str, flags: int) -> int:
        tries.append(name)
        raise OSError(16, "busy")

    monkeypatch.setattr(files.os, "open", busy)
    found = read_regular(str(path), 100)
    assert (found.presence, len(tries)) == (Presence.UNREADABLE, files.TRIES)
    assert found.stat is not None


def test_bytes_of_two_states_are_never_mixed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    real_read, writes = os.read, [b"a newer text", b"the newest text"]

    def read_while_written(descriptor: int, size: int) -> bytes:
        raw = real_read(descriptor, size)
        if writes:
            path.write_bytes(writes.pop(0))
        return raw

    monkeypatch.setattr(files.os, "read", read_while_written)
    assert read_regular(str(path), 100).raw in (b"a newer text", b"the newest text")


def test_without_permission_the_problem_says_so_and_the_stat_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"content")
    path.chmod(0)
    for directory in (tmp_path, *tmp_path.parents):
        if directory.stat().st_uid == os.getuid() and directory != Path("/"):
            directory.chmod(directory.stat().st_mode | 0o011)
    script = (
        "import os, sys\n"
        "from lockdeck.backend.openclaw.files import read_regular\n"
        "if os.getuid() == 0: os.setgid(65534); os.setuid(65534)\n"
        "found = read_regular(sys.argv[1], 100)\n"
        "print(found.presence, found.stat is not None, found.problem)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True
    )
    assert result.stdout.startswith("unreadable True")
    assert "Permission denied" in result.stdout
