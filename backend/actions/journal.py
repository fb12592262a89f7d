"""The journal: what lockdeck did and refused to do, append-only, one JSON object a line, hash-chained.

Every line carries the SHA-256 of the line before it, so a changed, removed or inserted line shows.  What the
chain cannot show is a missing end: somebody who may write the file can cut off its last lines.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from msgspec import Struct

from lockdeck.backend.actions.journal_chain import (
    FIRST,
    REPAIR,
    Entry,
    JournalReading,
    Line,
    digest,
    parse_entry,
    read_chain,
    read_lines,
)
from lockdeck.backend.model.digest import sha256
from lockdeck.backend.model.moments import iso
from lockdeck.backend.model.wire import dumps
from lockdeck.backend.system.clocks import wall_time
from lockdeck.backend.system.folders import private_folder, state_dir

_PIECE = 1 << 16
_TURN_S = 30.0
MOST_BYTES = 1 << 30
"""A journal larger than this (bytes) is not written to any more."""


class _End(Struct, frozen=True):
    """The last line of a journal: what the next one names as its hash, its length, and whether it has its newline."""

    digest: str
    length: int
    whole: bool


class Journal:
    """One journal file.  Nothing is created before the first `append`."""

    def __init__(self, path: str, clock: Callable[[], float] = wall_time) -> None:
        """`path`: the file; `clock`: epoch seconds, stamped on every entry."""
        self.path = path
        self._clock = clock

    @property
    def folder(self) -> str:
        """Return the journal's own folder, which is the state folder of lockdeck."""
        return os.path.dirname(os.path.abspath(self.path))

    def append(self, kind: str, **facts: Any) -> Entry:
        """Add an entry and return it once it is on the disk; OSError when it can't be written.

        Processes take turns.  A line that a crash left unfinished is closed and named by a repair entry.  Nothing is
        written into a folder that is not ours (ForeignFolderError).
        """
        from filelock import FileLock

        with (
            private_folder(self.folder) as folder,
            FileLock(self.path + ".lock", timeout=_TURN_S, mode=0o600),
        ):
            name = os.path.basename(self.path)
            flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            file = os.open(name, flags, 0o600, dir_fd=folder)
            try:
                is_new = os.fstat(file).st_size == 0
                entry = self._append(file, kind, facts)
            finally:
                os.close(file)
            if is_new:
                os.fsync(folder)
            return entry

    def read(self) -> JournalReading:
        """Read the whole journal and check its chain; the newest `MOST_KEPT` entries are kept.

        A missing file is an empty journal, OSError when it can't be read.
        """
        return read_chain(self._lines())

    def walk(self, after: int = 0) -> Iterator[Entry]:
        """Yield every readable entry of an action, oldest first, in constant memory; those `after` so many bytes.

        What is read here is acted on: raises ForeignFolderError where the journal's folder is not ours, as `read`
        otherwise.
        """
        if not os.path.lexists(self.path):
            return
        with private_folder(self.folder):
            for line in self._lines(after):
                if (
                    isinstance(line, bytes)
                    and b'"action"' in line
                    and (entry := parse_entry(line)) is not None
                ):
                    yield entry

    @property
    def size(self) -> int:
        """Its bytes; 0 where there is none yet."""
        try:
            return os.lstat(self.path).st_size
        except FileNotFoundError:
            return 0

    def _lines(self, after: int = 0) -> Iterator[Line]:
        try:
            file = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return
        with open(file, "rb") as source:
            source.seek(after)
            yield from read_lines(source)

    def _append(self, file: int, kind: str, facts: Mapping[str, Any]) -> Entry:
        size, last = os.fstat(file).st_size, _end_of(file)
        try:
            previous = last.digest
            if not last.whole:
                previous = self._write(file, b"\n", REPAIR, {"tornBytes": last.length}, previous)
            entry = self._entry(kind, facts, previous)
            _write_all(file, _line(entry))
            os.fsync(file)
        except OSError:
            # A full disk leaves no half of an entry behind.
            with suppress(OSError):
                os.ftruncate(file, size)
            raise
        return entry

    def _write(self, file: int, lead: bytes, kind: str, facts: Mapping[str, Any], previous: str) -> str:
        line = _line(self._entry(kind, facts, previous))
        _write_all(file, lead + line)
        return digest(line)

    def _entry(self, kind: str, facts: Mapping[str, Any], previous: str) -> Entry:
        return {"at": iso(self._clock()), "kind": kind, **facts, "prev": previous}


def default_journal(clock: Callable[[], float] = wall_time) -> Journal:
    """Return the journal of this user. NoHomeError where there is no place for one."""
    return Journal(os.path.join(state_dir(), "journal.jsonl"), clock)


def _line(entry: Entry) -> bytes:
    return dumps(entry).encode() + b"\n"


def _end_of(file: int) -> _End:
    """Look at the last line, however long it is, in constant memory."""
    size = os.fstat(file).st_size
    if size > MOST_BYTES:
        raise OSError(errno.EFBIG, f"the journal has more than {MOST_BYTES >> 20} MiB: move it away")
    if size == 0:
        return _End(FIRST, 0, whole=True)
    whole = os.pread(file, 1, size - 1) == b"\n"
    end = size - whole
    start = _line_start(file, end)
    content = sha256()
    for at in range(start, end, _PIECE):
        content.update(os.pread(file, min(_PIECE, end - at), at))
    return _End(content.hexdigest() if end > start else FIRST, size - start, whole)


def _line_start(file: int, end: int) -> int:
    """Return where the line begins whose last byte is the one before `end`."""
    while end > 0:
        start = max(0, end - _PIECE)
        newline = os.pread(file, end - start, start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        end = start
    return 0


def _write_all(file: int, data: bytes) -> None:
    while data:
        data = data[os.write(file, data) :]
