"""The lines of a journal, and the chain of hashes that ties each to the one before it."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, BinaryIO

from msgspec import Struct, field

from lockdeck.backend.model.digest import sha256

Entry = Mapping[str, Any]
FIRST = "0" * 64
"""What the first line names as the hash of the line before it."""
REPAIR = "repair"
MOST_KEPT = 20_000
"""So many entries are kept in memory; the chain of older ones is checked all the same."""

LONGEST_LINE = 4 << 20
"""No entry of ours has so many bytes: what is longer is no entry, and is not kept in memory."""


class LongLine(Struct, frozen=True):
    """A line that is too long to be an entry: what the next line names as its hash, and whether it has an end."""

    digest: str
    ended: bool


Line = bytes | LongLine


class JournalReading(Struct, frozen=True):
    """The newest readable entries, oldest first.

    `broken_at` is the number (from 1) of the first line that does not follow from the one before it, and
    `problem` says why; both None when the chain holds.  `notes` tell of lines that a crash left unfinished, and of
    entries too old to be kept.
    """

    entries: tuple[Entry, ...]
    broken_at: int | None = None
    problem: str | None = None
    notes: tuple[str, ...] = ()


def read_lines(source: BinaryIO) -> Iterator[Line]:
    """Yield the lines of a journal, each with its newline where it has one, in bounded memory."""
    while line := source.readline(LONGEST_LINE):
        yield line if line.endswith(b"\n") or len(line) < LONGEST_LINE else _long_line(source, line)


def _long_line(source: BinaryIO, piece: bytes) -> LongLine:
    content = sha256()
    while piece:
        content.update(piece.removesuffix(b"\n"))
        if piece.endswith(b"\n"):
            return LongLine(content.hexdigest(), ended=True)
        piece = source.readline(LONGEST_LINE)
    return LongLine(content.hexdigest(), ended=False)


def read_chain(lines: Iterable[Line], limit: int = MOST_KEPT) -> JournalReading:
    """Read a journal's lines, each with its newline, and check their chain.  Never raises."""
    chain, entries, count = _Chain(), deque[Entry](maxlen=limit), 0
    for line in lines:
        entry = chain.follow(line)
        if entry is not None:
            entries.append(entry)
            count += 1
    if count > limit:
        chain.notes.append(f"the newest {limit} of {count} entries are shown")
    if chain.torn is not None:
        chain.breaks(chain.torn, "is no journal entry")
    broken_at, problem = chain.broken or (None, None)
    return JournalReading(tuple(entries), broken_at, problem, tuple(chain.notes))


class _Chain(Struct):
    """The state of a chain that is followed. `torn`: the number of the last line, if it was no entry; only a repair explains that."""

    number: int = 0
    previous: str = FIRST
    torn: int | None = None
    broken: tuple[int, str] | None = None
    notes: list[str] = field(default_factory=list)

    def follow(self, line: Line) -> Entry | None:
        """Take up the next line; return its entry, if it is one."""
        self.number += 1
        if not (line.ended if isinstance(line, LongLine) else line.endswith(b"\n")):
            self.notes.append(f"line {self.number} is unfinished: a crash while it was written")
            return None
        torn, entry = self.torn, parse_entry(line)
        self.torn = self.number if entry is None else None
        if torn is not None and entry is not None and entry.get("kind") == REPAIR:
            self.notes.append(f"line {torn} was left unfinished by a crash")
        elif torn is not None and entry is not None:
            self.breaks(torn, "is no journal entry")
        if entry is not None and entry.get("prev") != self.previous:
            self.breaks(self.number, "does not follow from the line before it")
        self.previous = line.digest if isinstance(line, LongLine) else digest(line)
        return entry

    def breaks(self, number: int, problem: str) -> None:
        """Note where the chain is broken first."""
        self.broken = self.broken or (number, f"line {number} {problem}")


def digest(line: bytes) -> str:
    """Return what the next line names as the hash of this one."""
    content = line.removesuffix(b"\n")
    return sha256(content).hexdigest() if content else FIRST


def parse_entry(line: Line) -> Entry | None:
    """Read one line; None for what is no entry."""
    if isinstance(line, LongLine):
        return None
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) else None
