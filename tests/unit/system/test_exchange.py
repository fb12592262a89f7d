"""Swapping two names, on the real file systems of this machine."""

from __future__ import annotations

import errno
import os
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

from lockdeck.backend.system import exchange as module
from lockdeck.backend.system.exchange import ExchangeUnsupported, exchange, probe, rename_noreplace

pytestmark = pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="written for Linux file systems")


@pytest.fixture(params=["disk", "shm"])
def place(request, tmp_path):
    if request.param == "disk":
        yield tmp_path
        return
    if not os.access("/dev/shm", os.W_OK):
        pytest.skip("/dev/shm is not writable here")
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        yield Path(folder)


@contextmanager
def opened(folder):
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield handle
    finally:
        os.close(handle)


def test_two_names_swap_their_files(place):
    (place / "a").write_text("A")
    (place / "b").write_text("B")
    inodes = (place / "a").stat().st_ino, (place / "b").stat().st_ino
    with opened(place) as folder:
        exchange(folder, "a", folder, "b")
    assert ((place / "a").read_text(), (place / "b").read_text()) == ("B", "A")
    assert ((place / "b").stat().st_ino, (place / "a").stat().st_ino) == inodes


def test_names_swap_between_two_directories(place):
    for name in ("x", "y"):
        (place / name).mkdir()
        (place / name / "lock").write_text(name)
    with opened(place / "x") as one, opened(place / "y") as other:
        exchange(one, "lock", other, "lock")
    assert (place / "x/lock").read_text() == "y"
    assert (place / "y/lock").read_text() == "x"


def test_an_open_descriptor_follows_its_file_not_its_name(place):
    (place / "b").write_text("B")
    with open(place / "a", "w+") as holder, opened(place) as folder:
        exchange(folder, "a", folder, "b")
        assert os.fstat(holder.fileno()).st_ino == (place / "b").stat().st_ino


def test_a_missing_name_swaps_nothing(place):
    (place / "a").write_text("A")
    with opened(place) as folder, pytest.raises(FileNotFoundError) as caught:
        exchange(folder, "a", folder, "b")
    assert (caught.value.filename, caught.value.filename2) == ("a", "b")
    assert os.listdir(place) == ["a"]


def test_the_name_is_never_vacant_during_swaps(place):
    (place / "lock").write_text("A")
    (place / "decoy").write_text("B")
    stop, gaps, looks = threading.Event(), [], []

    def watch():
        while not stop.is_set():
            try:
                os.stat(place / "lock")
                looks.append(1)
            except FileNotFoundError as error:
                gaps.append(error)

    watcher = threading.Thread(target=watch)
    watcher.start()
    with opened(place) as folder:
        for _ in range(2000):
            exchange(folder, "lock", folder, "decoy")
    stop.set()
    watcher.join()
    assert looks
    assert gaps == []


def test_a_symlink_is_swapped_itself_not_its_target(place):
    (place / "victim").write_text("V")
    (place / "a").symlink_to("victim")
    (place / "b").write_text("B")
    with opened(place) as folder:
        exchange(folder, "a", folder, "b")
    assert os.readlink(place / "b") == "victim"
    assert (place / "victim").read_text() == "V"


def test_rename_noreplace_moves_to_a_free_name(place):
    (place / "a").write_text("A")
    with opened(place) as folder:
        rename_noreplace(folder, "a", folder, "c")
    assert os.listdir(place) == ["c"]


def test_rename_noreplace_never_replaces(place):
    (place / "a").write_text("A")
    (place / "b").write_text("B")
    with opened(place) as folder, pytest.raises(FileExistsError):
        rename_noreplace(folder, "a", folder, "b")
    assert ((place / "a").read_text(), (place / "b").read_text()) == ("A", "B")


@pytest.mark.parametrize("name", ["", ".", "..", "x/y", "/etc/passwd", "a\0b"])
def test_only_plain_names_are_taken(tmp_path, name):
    (tmp_path / "a").write_text("A")
    with opened(tmp_path) as folder:
        for call in (exchange, rename_noreplace):
            with pytest.raises(ValueError, match="plain file name"):
                call(folder, "a", folder, name)
    assert (tmp_path / "a").read_text() == "A"


def test_a_name_that_is_not_utf8_can_be_swapped(place):
    odd = os.fsdecode(b"\xff\xfe")
    (place / odd).write_text("A")
    (place / "b").write_text("B")
    with opened(place) as folder:
        exchange(folder, odd, folder, "b")
    assert (place / odd).read_text() == "B"


def test_the_probe_succeeds_and_leaves_nothing_behind(place):
    assert probe(str(place)) is None
    assert os.listdir(place) == []


def test_the_probe_says_why_a_directory_cannot_be_used(tmp_path):
    assert "can't be opened: No such file" in probe(str(tmp_path / "missing"))
    (tmp_path / "file").write_text("")
    assert "Not a directory" in probe(str(tmp_path / "file"))
    assert probe("/proc") is not None
    assert "can't be opened" in probe("a\0b")


@pytest.mark.parametrize("code", [errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP])
def test_a_file_system_that_refuses_is_unsupported_and_the_probe_cleans_up(tmp_path, monkeypatch, code):
    def refuse(*_):
        module.ctypes.set_errno(code)
        return -1

    monkeypatch.setattr(module, "_rename_call", lambda: (refuse, 2, 1))
    with opened(tmp_path) as folder, pytest.raises(ExchangeUnsupported) as caught:
        exchange(folder, "a", folder, "b")
    assert caught.value.errno == code
    assert "can't swap two names atomically" in probe(str(tmp_path))
    assert os.listdir(tmp_path) == []


def test_a_file_system_that_lies_about_the_swap_is_found_out(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_rename_call", lambda: (lambda *_: 0, 2, 1))
    assert "swapped nothing" in probe(str(tmp_path))


@pytest.mark.parametrize("calls", [{}, {"linux": ("no_such_call_anywhere", 2, 1)}])
def test_a_platform_without_the_call_is_unsupported(tmp_path, monkeypatch, calls):
    monkeypatch.setattr(module, "_CALLS", calls)
    module._rename_call.cache_clear()
    try:
        with opened(tmp_path) as folder, pytest.raises(ExchangeUnsupported):
            rename_noreplace(folder, "a", folder, "b")
    finally:
        module._rename_call.cache_clear()
