"""Bounded reading of files that others write: it never blocks, never follows a planted link, never raises."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager

from msgspec import Struct

from lockdeck.backend.model.locks import Presence
from lockdeck.backend.system.text import SafeText, safe

TRIES = 3
"""How often a read is tried again when the system says "not now" or the file changes underneath."""

_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
_DIRECTORY = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_CLOEXEC
NO_LINKS = "it is reached through a link, and none is followed in a root that is not yours"
_NOT_NOW = frozenset({errno.EAGAIN, errno.EINTR, errno.EBUSY, errno.ESTALE})
_NOTHING_THERE = frozenset({errno.ENOENT, errno.ENOTDIR})
_NOT_A_FILE = frozenset({errno.ELOOP, errno.EMLINK, errno.ENXIO})
_KINDS = (
    (stat.S_ISLNK, "a symbolic link"),
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a character device"),
    (stat.S_ISBLK, "a block device"),
)


PATH_BYTES = 4096
"""No system call takes a longer path (`PATH_MAX` of Linux; macOS has less)."""


def is_possible_path(path: str) -> bool:
    """Return whether a word from outside can be a path at all: not too long, no NUL, nothing that can't be encoded."""
    try:
        length = len(path) if path.isascii() else len(os.fsencode(path))
        return "\0" not in path and 0 < length < PATH_BYTES
    except UnicodeEncodeError:
        return False


class FileRead(Struct, frozen=True):
    """One look at one path.

    `raw` is the whole content when `presence` is FILE, else empty (or the first `cap` bytes of a file that
    is too large). `stat` belongs to what was found, also where it could not be read. `problem` says in
    words why there is no content; None exactly when `presence` is FILE.
    """

    presence: Presence
    raw: bytes = b""
    stat: os.stat_result | None = None
    problem: SafeText | None = None


def read_regular(path: str, cap: int, *, follow: bool = False, below: str | None = None) -> FileRead:
    """Read a regular file of at most `cap` bytes.

    The bytes belong to one state of the file: it is read again while its size or ctime change underneath.
    `follow` allows `path` to be a symbolic link to a regular file (config and store files may be one; lock
    files never). `below` is a directory above `path`: none of the names below it may be a link then. Raises nothing.
    """
    outcome = FileRead(Presence.UNREADABLE, problem=safe(f"{path} changes faster than it can be read"))
    for _ in range(TRIES):
        try:
            with directory_of(path, below) as directory:
                steady = _read_once(path, cap, follow and below is None, directory)
        except OSError as error:
            outcome = _failed(path, error, below)
            if error.errno not in _NOT_NOW:
                return outcome
        except ValueError:
            return FileRead(Presence.UNREADABLE, problem=safe(f"{path!r} is not a possible path"))
        else:
            if steady is not None:
                return steady
    return outcome


@contextmanager
def directory_of(path: str, below: str | None) -> Iterator[int | None]:
    """Open the directory of `path` from `below` on, name by name, without following a link; None without `below`."""
    if below is None:
        yield None
        return
    descriptor = os.open(below, _DIRECTORY)
    try:
        for name in os.path.relpath(os.path.dirname(path), below).split(os.sep):
            if name == os.curdir:
                continue
            try:
                inner = os.open(name, _DIRECTORY | os.O_NOFOLLOW, dir_fd=descriptor)
            except NotADirectoryError:
                if stat.S_ISLNK(os.stat(name, dir_fd=descriptor, follow_symlinks=False).st_mode):
                    raise OSError(errno.ELOOP, NO_LINKS) from None
                raise
            os.close(descriptor)
            descriptor = inner
        yield descriptor
    finally:
        os.close(descriptor)


def _read_once(path: str, cap: int, follow: bool, directory: int | None) -> FileRead | None:
    """Read once; None when the file changed meanwhile. Raises OSError, and ValueError for a NUL in `path`."""
    name, at = (path, {}) if directory is None else (os.path.basename(path), {"dir_fd": directory})
    # Looking first keeps us from opening a pipe or a device: the opening alone can wake a writer.
    status = os.stat(name, follow_symlinks=follow, **at)
    if not stat.S_ISREG(status.st_mode):
        return _irregular(path, status)
    descriptor = os.open(name, _FLAGS if follow else _FLAGS | os.O_NOFOLLOW, **at)
    try:
        opened = os.fstat(descriptor)
        if not stat.S_ISREG(opened.st_mode):
            return _irregular(path, opened)
        raw = _drain(descriptor, cap + 1, opened.st_size)
        finished = os.fstat(descriptor)
    finally:
        os.close(descriptor)
    if (opened.st_size, opened.st_ctime_ns) != (finished.st_size, finished.st_ctime_ns):
        return None
    if len(raw) > cap:
        problem = safe(f"{path} has {finished.st_size} bytes, more than the {cap} that are read")
        return FileRead(Presence.UNREADABLE, raw[:cap], finished, problem)
    return FileRead(Presence.FILE, raw, finished)


def _drain(descriptor: int, limit: int, size: int) -> bytes:
    """Read to the end, at once where that is what a file's `size` says; whether it is the end still is looked at after."""
    chunks = [os.read(descriptor, min(limit, size + 1))]
    if len(chunks[0]) == size:
        return chunks[0]
    limit -= len(chunks[0])
    while limit > 0 and (chunk := os.read(descriptor, min(limit, 1 << 20))):
        chunks.append(chunk)
        limit -= len(chunk)
    return b"".join(chunks)


def kind_of(status: os.stat_result) -> str:
    """Name what stands at a path that is no regular file."""
    return next((name for is_kind, name in _KINDS if is_kind(status.st_mode)), "not a regular file")


def _irregular(path: str, status: os.stat_result) -> FileRead:
    problem = safe(f"{path} is {kind_of(status)}, not a regular file")
    return FileRead(Presence.IRREGULAR, stat=status, problem=problem)


def _failed(path: str, error: OSError, below: str | None) -> FileRead:
    if error.errno in _NOTHING_THERE:
        return FileRead(Presence.ABSENT, problem=safe(f"{path} does not exist"))
    reason = NO_LINKS if error.errno == errno.ELOOP and below is not None else error.strerror or error
    problem = safe(f"{path} can't be read: {reason}")
    if error.errno in _NOT_A_FILE:
        return FileRead(Presence.IRREGULAR, problem=problem)
    return FileRead(Presence.UNREADABLE, stat=_stat_or_none(path), problem=problem)


def _stat_or_none(path: str) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except OSError:
        return None
