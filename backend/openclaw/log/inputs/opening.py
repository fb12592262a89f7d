"""One input of a log, opened to be read once: a file, a pipe, or what this process was given on stdin."""

from __future__ import annotations

import os
import select
import stat
from collections.abc import Iterator
from contextlib import closing

from lockdeck.backend.openclaw.files import kind_of
from lockdeck.backend.openclaw.log.files import IrregularFileError, open_regular
from lockdeck.backend.openclaw.log.inputs.packing import Unpacker
from lockdeck.backend.openclaw.log.inputs.width import HEAD
from lockdeck.backend.openclaw.log.inputs.words import is_stdin

_BLOCK = 1 << 20
"""Bytes read at once."""


class OpenInput:
    """An input from where it stands to its end, unpacked; `close()` when done.

    `size` is how many bytes there are, None where only the end tells; `head` the first that were read, unpacked.
    `problem` says what was wrong with packed data.
    """

    def __init__(self, path: str) -> None:
        """Open what `path` names. Raises OSError: it can't be opened, or nothing can be read there."""
        self._descriptor = _open(path)
        status = os.fstat(self._descriptor)
        self.size = status.st_size if stat.S_ISREG(status.st_mode) else None
        self.done = 0
        self.head = b""
        self._unpacker = Unpacker()

    @property
    def problem(self) -> str | None:
        """Say what was wrong with packed data; None where nothing was."""
        return self._unpacker.problem

    def pieces(self) -> Iterator[bytes]:
        """Yield the bytes to the end, unpacked; `done` counts those read. Raises OSError."""
        while piece := self._read():
            self.done += len(piece)
            for unpacked in self._unpacker.feed(piece):
                if len(self.head) < HEAD:
                    self.head += unpacked[: HEAD - len(self.head)]
                yield unpacked
        yield from self._unpacker.finish()

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._descriptor)

    def _read(self) -> bytes:
        while True:
            try:
                return os.read(self._descriptor, _BLOCK)
            except BlockingIOError:  # somebody made the pipe non-blocking for all who share it
                select.select([self._descriptor], [], [])


def head_of(path: str, limit: int) -> bytes:
    """Return the first bytes of a regular file, unpacked, at most `limit`. Raises OSError."""
    with closing(OpenInput(path)) as source:
        return next(source.pieces(), b"")[:limit]


def _open(path: str) -> int:
    if is_stdin(path):
        status = os.fstat(0)
        _refuse(path, status, stat.S_ISDIR(status.st_mode) or stat.S_ISBLK(status.st_mode))
        return os.dup(0)
    try:
        status = os.stat(path)
    except ValueError as error:
        raise IrregularFileError(None, "not a possible path", path) from error
    if stat.S_ISREG(status.st_mode):
        return open_regular(path, follow=True)
    _refuse(path, status, not stat.S_ISFIFO(status.st_mode))
    # A pipe is waited for until somebody writes into it, as every other reader of pipes does.
    return os.open(path, os.O_RDONLY | os.O_CLOEXEC)


def _refuse(path: str, status: os.stat_result, refused: bool) -> None:
    if refused:
        raise IrregularFileError(None, f"it is {kind_of(status)}, not a file or a pipe", path)
