"""Bytes of a log into the few lines that concern us, fast and in bounded memory.

Most lines of a gateway log are of no interest, so nothing is decoded before a marker was seen, and markers
are searched in many lines at once: that is several times faster than asking every line.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

MAX_LINE = 1 << 20
"""A line longer than this (bytes) is counted as oversize and skipped."""

MARKERS = (
    b"embedded run ",  # start, done, timeout, agent end, failover decision, abort still streaming
    b"model fallback",  # decision, chain stopped, rotation caps ("escalating to model fallback")
    b"Trying next account",
    b"failure state updated",
    b"before failover",
    b": lane=",  # lane task error, lane wait exceeded
    b": session",  # stuck, stalled and long-running session; aborts
    b"session recovery",
    b"session lock",
    b"models failed",
    b"lock held for",
    b"file locked (",  # not just "timeout": every [model-fetch] line from 2026.5 on has a timeoutMs
    b"file lock stale (",
    b"session file owner after",
    b"idle-timeout",  # circuit breaker, same-model retry
    b"abort settle",
    b"compaction",
    b"retry-limit",
    b"same-model retry",
    b"active turn claim",
    b"changed while starting",
    b"gateway already running",
    b"gateway-lifecycle ownership",
    b"failed to start: ",  # a gateway whose lock or port is taken
    "✓ agent ".encode(),
    "✓ chat.send ".encode(),
)
"""Every line that can become an event holds at least one of these, in the JSON and in the console form."""

_OWN_FIELDS = b'"_meta":{"runtime"'
"""Where the numeric keys of a tslog line end: they stand first in all versions."""


class LineCounts(Struct):
    """What went through a reader.

    `relevant` lines held a marker, `malformed` lines are those of them that could not be understood and those
    that are no text, `oversize` lines were skipped. Other lines without a marker are only counted.
    """

    lines: int = 0
    relevant: int = 0
    malformed: int = 0
    oversize: int = 0
    bytes: int = 0


class LineFeed:
    """The bytes of one log, given in order in pieces of any size, as whole lines.

    Keeps a half-written last line until its end arrives; never keeps more than `MAX_LINE` bytes.
    """

    __slots__ = ("_pending", "_skipping")

    def __init__(self, *, mid_line: bool = False) -> None:
        """`mid_line`: the first piece starts inside a line, whose rest is not looked at."""
        self._pending = b""
        self._skipping = mid_line

    def feed(self, piece: bytes, counts: LineCounts) -> list[bytes]:
        """Return the lines that `piece` completes, without their newlines."""
        counts.bytes += len(piece)
        if self._skipping:
            end = piece.find(b"\n")
            if end < 0:
                return []
            self._skipping = False
            piece = piece[end + 1 :]
        *lines, rest = piece.split(b"\n")
        if lines and self._pending:
            lines[0] = self._pending + lines[0]
            self._pending = b""
        self._keep(self._pending + rest, counts)
        counts.lines += len(lines)
        return lines

    def finish(self, counts: LineCounts) -> list[bytes]:
        """Return the last line when it has no newline: nothing more will come."""
        rest, self._pending = self._pending, b""
        counts.lines += bool(rest)
        return [rest] if rest else []

    def _keep(self, rest: bytes, counts: LineCounts) -> None:
        if len(rest) <= MAX_LINE:
            self._pending = rest
            return
        counts.oversize += 1
        counts.lines += 1
        self._pending = b""
        self._skipping = True


def no_text(lines: Sequence[bytes]) -> set[int]:
    """Return the places of the lines that are no text: where a NUL stands, all that are not UTF-8 either."""
    if not any(b"\0" in line for line in lines):
        return set()
    return {place for place, line in enumerate(lines) if not _is_text(line)}


def _is_text(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return b"\0" not in line


def concerning(lines: Sequence[bytes]) -> list[int]:
    """Return the places of the lines that hold a marker, in order."""
    # One search per marker over all lines at once; tslog's own fields, most of a JSON line, are left out.
    told = b"\n".join([line.partition(_OWN_FIELDS)[0] for line in lines])
    hits = set()
    for marker in MARKERS:
        found = told.find(marker)
        while found >= 0:
            hits.add(told.rfind(b"\n", 0, found))
            end = told.find(b"\n", found)
            found = told.find(marker, end) if end >= 0 else -1
    places, place, before = [], 0, 0
    for hit in sorted(hits):
        place += told.count(b"\n", before, hit + 1)
        before = hit + 1
        places.append(place)
    return places
