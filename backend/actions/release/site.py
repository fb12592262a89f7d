"""The site of a release: a lock's name, the sessions directory it is in, and our work folder beside it.

The work folder is hidden, `.lockdeck-<action>`: same file system, no name that OpenClaw, its doctor or a
dashboard counts.  It holds:

    lock   the stand-in's lock; after `take`, the lock that stood at the name
    draft  the stand-in's lock before it is ready
    slot   an empty directory; after `freeze`, what stood at the name then, if anything
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum

from msgspec import Struct

from lockdeck.backend.actions.release.standin import is_lock_of
from lockdeck.backend.openclaw.locks.lockfile import work_folder_name

LOCK = "lock"
SLOT = "slot"
DRAFT = "draft"
_PAYLOAD_LIMIT = 65536
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

StepHook = Callable[[str], None]
"""Called with a name between any two system calls that change something: where tests kill us."""


def no_hook(_name: str) -> None:
    """Do nothing between two system calls."""


class FileKind(StrEnum):
    """The kinds of things that stand at a name."""

    NOTHING = "nothing"
    STAND_IN = "stand-in"
    DIRECTORY = "directory"
    LOCK = "lock"


class Site(Struct, frozen=True):
    """The open sessions directory, our open folder in it, and the lock's name. `path` is for messages."""

    path: str
    directory: int
    work_folder: int
    name: str
    action: str
    step: StepHook


def make_work_folder(path: str, action: str) -> None:
    """Make the folder of an action beside the lock at a path; FileExistsError when it is there."""
    os.mkdir(os.path.join(os.path.dirname(path), work_folder_name(action)), 0o700)


@contextmanager
def open_site(path: str, action: str, step: StepHook) -> Iterator[Site]:
    """Open the folder of an action; FileNotFoundError when it (or the sessions directory) is not there."""
    parent, name = os.path.split(path)
    directory = os.open(parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        work_folder = os.open(work_folder_name(action), _DIRECTORY, dir_fd=directory)
        try:
            yield Site(path, directory, work_folder, name, action, step)
        finally:
            os.close(work_folder)
    finally:
        os.close(directory)


def kind_at(site: Site, folder: int, name: str) -> FileKind:
    """Say what stands at a name; whatever is neither ours nor a directory counts as a lock."""
    while True:
        try:
            status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            return FileKind.NOTHING
        if stat.S_ISDIR(status.st_mode):
            return FileKind.DIRECTORY
        with opened(folder, name) as fd:
            if fd is not None:
                return FileKind.STAND_IN if is_lock_of(read_all(fd), site.action) else FileKind.LOCK
        if _stands(folder, name, status):
            return FileKind.LOCK
        # What stood there a moment ago has gone: look again, for nothing may stand there now.


def _stands(folder: int, name: str, status: os.stat_result) -> bool:
    try:
        return os.path.samestat(os.stat(name, dir_fd=folder, follow_symlinks=False), status)
    except FileNotFoundError:
        return False


@contextmanager
def opened(folder: int, name: str) -> Iterator[int | None]:
    """Open a regular file for reading; None when there is none or it may not be read."""
    try:
        fd = os.open(name, _FILE, dir_fd=folder)
    except OSError:
        yield None
        return
    try:
        yield fd if stat.S_ISREG(os.fstat(fd).st_mode) else None
    finally:
        os.close(fd)


def read_all(fd: int) -> bytes:
    """Return the bytes of an open lock file, at most 64 KiB and one byte of it."""
    return os.pread(fd, _PAYLOAD_LIMIT + 1, 0)


def is_file(folder: int, name: str, fd: int) -> bool:
    """Return whether the file at a name is the open one."""
    try:
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return os.path.samestat(status, os.fstat(fd))
