"""File events of the kernel (inotify(7), Linux), and the sentence that says how a person raises a limit of it.

It is called directly: a wait for these events ends with them and costs nothing before. watchfiles (1.3.0) asks its own watch
after every step of its timer whether there was one, 120 times a second at a step of 8 ms, and is silent about a limit.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from typing import NamedTuple

from lockdeck.backend.system.procfs import LINUX

WATCHES, INSTANCES = "max_user_watches", "max_user_instances"
MODIFY, ATTRIB, MOVED_FROM, MOVED_TO, CREATE, DELETE = 0x2, 0x4, 0x40, 0x80, 0x100, 0x200
DELETE_SELF, MOVE_SELF, OVERFLOW, IGNORED = 0x400, 0x800, 0x4000, 0x8000
ONLY_DIRECTORY, ADD, IS_DIRECTORY, ONCE = 0x1000000, 0x20000000, 0x40000000, 0x80000000
_LIMITS = "/proc/sys/fs/inotify"
_HEAD = struct.Struct("iIII")
_AT_ONCE = 1 << 16


class FileEvent(NamedTuple):
    """One event: the watch it belongs to (-1: none), bits of what happened, and the name in a watched directory."""

    watch: int
    mask: int
    name: str


class Inotify:
    """One instance of the kernel's file events; never blocks. `close()` when done. Raises OSError."""

    def __init__(self) -> None:
        if not LINUX:
            raise OSError(errno.ENOSYS, "no inotify on this system")
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._handle = self._checked(self._libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK))

    def fileno(self) -> int:
        """Return the descriptor that is readable when there are events."""
        return self._handle

    def add(self, path: str, mask: int) -> int:
        """Watch a path; return the watch, the same one where what stands there is watched already."""
        return self._checked(
            self._libc.inotify_add_watch(self._handle, os.fsencode(path), ctypes.c_uint32(mask))
        )

    def remove(self, watch: int) -> None:
        """End a watch, if it has not ended."""
        self._libc.inotify_rm_watch(self._handle, watch)

    def read(self) -> list[FileEvent]:
        """Return the events since the last time."""
        events: list[FileEvent] = []
        while True:
            try:
                raw = os.read(self._handle, _AT_ONCE)
            except BlockingIOError:
                return events
            place = 0
            while place < len(raw):
                watch, mask, _, length = _HEAD.unpack_from(raw, place)
                place += _HEAD.size + length
                events.append(FileEvent(watch, mask, os.fsdecode(raw[place - length : place].rstrip(b"\0"))))

    def close(self) -> None:
        """End all watches."""
        os.close(self._handle)

    @staticmethod
    def _checked(answer: int) -> int:
        if answer < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        return answer


def reached_limit(error: OSError) -> str | None:
    """Return the sentence about the limit that an error of `Inotify` tells of; None where it is another error."""
    if error.errno == errno.ENOSPC:
        return _sentence(WATCHES)
    return _sentence(INSTANCES) if error.errno == errno.EMFILE and _may_open_files() else None


def _may_open_files() -> bool:
    """Return whether this process may open more files: the same error number stands for that limit, too."""
    try:
        descriptors = os.pipe()
    except OSError:
        return False
    for descriptor in descriptors:
        os.close(descriptor)
    return True


def _sentence(name: str) -> str:
    value = _value(name)
    now = "" if value is None else f" ({value})"
    raised = 1024 if value is None else max(1024, 4 * value)
    return f"the limit fs.inotify.{name}{now} is reached; raise it: sysctl fs.inotify.{name}={raised}"


def _value(name: str) -> int | None:
    try:
        with open(f"{_LIMITS}/{name}", encoding="ascii") as file:
            return int(file.read(32))
    except (OSError, ValueError):
        return None
