"""The journal: what lockdeck did and refused to do, append-only, one JSON object a line, hash-chained.

Every line carries the SHA-256 of the line before it, so a changed, removed or inserted line shows.  What the
chain cannot show is a missing end: somebody who may write the file can cut off its last lines.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from lockdeck.backend.actions.journal_chain import (
    REPAIR,
    Entry,
    JournalReading,
    digest,
    parse_entry,
    read_chain,
)
from lockdeck.backend.model.wire import dumps, iso
from lockdeck.backend.system.clocks import wall_time
from lockdeck.backend.system.folders import state_dir

_TAIL = 1 << 16
_TURN_S = 30.0


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

        Processes take turns.  A line that a crash left unfinished is closed and named by a repair entry.
        """
        from filelock import FileLock

        make_private_folder(self.folder)
        with FileLock(self.path + ".lock", timeout=_TURN_S, mode=0o600):
            is_new = not os.path.lexists(self.path)
            flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            file = os.open(self.path, flags, 0o600)
            try:
                return self._append(file, kind, facts)
            finally:
                os.close(file)
                if is_new:
                    sync_folder(self.folder)

    def read(self) -> JournalReading:
        """Read the whole journal and check its chain; the newest `MOST_KEPT` entries are kept.

        A missing file is an empty journal, OSError when it can't be read.
        """
        return read_chain(self._lines())

    def walk(self) -> Iterator[Entry]:
        """Yield every readable entry, oldest first, in constant memory. As `read` otherwise."""
        return (entry for entry in map(parse_entry, self._lines()) if entry is not None)

    def _lines(self) -> Iterator[bytes]:
        try:
            file = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return
        with open(file, "rb") as source:
            yield from source

    def _append(self, file: int, kind: str, facts: Mapping[str, Any]) -> Entry:
        last = _last_line(file)
        if last.endswith(b"\n") or not last:
            previous = digest(last)
        else:
            previous = self._write(file, b"\n", REPAIR, {"tornBytes": len(last)}, digest(last))
        entry = self._entry(kind, facts, previous)
        _write_all(file, _line(entry))
        os.fsync(file)
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


def make_private_folder(path: str) -> None:
    """Create a folder that only its owner may enter, and its parents; no error when it exists."""
    os.makedirs(path, mode=0o700, exist_ok=True)


def sync_folder(path: str) -> None:
    """Bring a folder's names to the disk."""
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _line(entry: Entry) -> bytes:
    return dumps(entry).encode() + b"\n"


def _last_line(file: int) -> bytes:
    """Return the last line with its newline, or without one when it is unfinished; empty for no line."""
    size = os.fstat(file).st_size
    tail, start = b"", size
    while start > 0 and b"\n" not in tail[:-1]:
        length = min(_TAIL, start)
        start -= length
        tail = os.pread(file, length, start) + tail
    return tail[tail[:-1].rfind(b"\n") + 1 :]


def _write_all(file: int, data: bytes) -> None:
    while data:
        data = data[os.write(file, data) :]
