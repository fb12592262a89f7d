"""The limits of inotify (Linux): whether another file watch is to be had, and how a person raises the limit.

watchfiles (1.3.0) says nothing when the limit of watches is reached: it watches what it got and is silent about the rest.
"""

from __future__ import annotations

import ctypes
import errno
import os

from lockdeck.backend.system.procfs import LINUX

WATCHES, INSTANCES = "max_user_watches", "max_user_instances"
_LIMITS = "/proc/sys/fs/inotify"
_CLOEXEC = os.O_CLOEXEC
_IN_DELETE_SELF = 0x400


def reached_limit(path: str) -> str | None:
    """Return the sentence about the limit that keeps one more directory from being watched; None where none does.

    Tries it: an instance of its own with one watch on `path`, closed at once. None too where that can't be tried.
    """
    if not LINUX:
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    instance = libc.inotify_init1(_CLOEXEC)
    if instance < 0:
        return _sentence(INSTANCES) if ctypes.get_errno() == errno.EMFILE and _may_open_files() else None
    try:
        watch = libc.inotify_add_watch(instance, os.fsencode(path), _IN_DELETE_SELF)
        return _sentence(WATCHES) if watch < 0 and ctypes.get_errno() == errno.ENOSPC else None
    finally:
        os.close(instance)


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
