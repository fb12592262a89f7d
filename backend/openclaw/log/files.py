"""Opening files that grow: regular ones only, never blocking, never waking the writer of a pipe."""

from __future__ import annotations

import os
import stat


class IrregularFileError(OSError):
    """The path leads to no regular file."""


def open_regular(path: str | os.PathLike[str], *, follow: bool = False, directory: int | None = None) -> int:
    """Open a regular file for reading and return its descriptor; `follow` allows a symbolic link.

    `directory` is an open one that a relative path begins at.

    Raises OSError when it can't be opened, IrregularFileError (an OSError) when it is no regular file or
    `path` is no possible path.
    """
    try:
        # Looking first: opening a pipe or a device can already have an effect.
        _demand_regular(os.stat(path, follow_symlinks=follow, dir_fd=directory), path)
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
        descriptor = os.open(path, flags if follow else flags | os.O_NOFOLLOW, dir_fd=directory)
    except ValueError as error:
        raise IrregularFileError(None, "not a possible path", os.fspath(path)) from error
    try:
        _demand_regular(os.fstat(descriptor), path)
    except IrregularFileError:
        os.close(descriptor)
        raise
    return descriptor


def read_end(descriptor: int, limit: int) -> tuple[bytes, os.stat_result]:
    """Read the last `limit` bytes of an open file, without a line that began before; and its stat."""
    status = os.fstat(descriptor)
    start = max(0, status.st_size - limit)
    # One byte more tells whether the window begins at the start of a line.
    raw = os.pread(descriptor, min(limit, status.st_size) + 1, max(0, start - 1))
    if start:
        cut = raw.find(b"\n")
        raw = raw[cut + 1 :] if cut >= 0 else b""
    return raw, status


def _demand_regular(status: os.stat_result, path: str | os.PathLike[str]) -> None:
    if stat.S_ISLNK(status.st_mode):
        raise IrregularFileError(None, "it is a symbolic link, and none is followed there", os.fspath(path))
    if not stat.S_ISREG(status.st_mode):
        raise IrregularFileError(None, "not a regular file", os.fspath(path))
