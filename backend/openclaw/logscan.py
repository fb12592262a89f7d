"""Bytes of a log into the few lines that concern us, fast and in bounded memory.

Most lines of a gateway log are of no interest, so nothing is split or decoded before a marker was seen:
`bytes.find` over a whole block is many times faster than looking at lines one by one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

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
    b"timeout",  # session file locked (timeout …), circuit breaker, compaction, same-model retry, settle
    b"during compaction",
    b"retry-limit",
    b"same-model retry",
)
"""Every line that can become an event holds at least one of these, in the JSON and in the console form."""


@dataclass(slots=True)
class LineCounts:
    """What went through a reader.

    `relevant` lines held a marker, `malformed` ones of these could not be understood, `oversize` lines were
    skipped. Lines without a marker are only counted.
    """

    lines: int = 0
    relevant: int = 0
    malformed: int = 0
    oversize: int = 0
    bytes: int = 0


class LineFeed:
    """The bytes of one log, given in order in pieces of any size, as blocks of whole lines.

    Keeps a half-written last line until its end arrives; never keeps more than `MAX_LINE` bytes.
    """

    __slots__ = ("_pending", "_skipping")

    def __init__(self, *, mid_line: bool = False) -> None:
        """`mid_line`: the first piece starts inside a line, whose rest is not looked at."""
        self._pending = b""
        self._skipping = mid_line

    def feed(self, piece: bytes, counts: LineCounts) -> bytes:
        """Return the whole lines that `piece` completes, each with its newline."""
        counts.bytes += len(piece)
        if self._skipping:
            end = piece.find(b"\n")
            if end < 0:
                return b""
            self._skipping = False
            piece = piece[end + 1 :]
        cut = piece.rfind(b"\n") + 1
        if not cut:
            self._keep(self._pending + piece, counts)
            return b""
        block = self._pending + piece[:cut] if self._pending else piece[:cut]
        self._keep(piece[cut:], counts)
        counts.lines += block.count(b"\n")
        return block

    def finish(self, counts: LineCounts) -> bytes:
        """Return the last line when it has no newline: nothing more will come."""
        rest, self._pending = self._pending, b""
        counts.lines += bool(rest)
        return rest

    def _keep(self, rest: bytes, counts: LineCounts) -> None:
        if len(rest) <= MAX_LINE:
            self._pending = rest
            return
        counts.oversize += 1
        counts.lines += 1
        self._pending = b""
        self._skipping = True


def concerning(block: bytes, counts: LineCounts) -> Iterator[tuple[int, bytes]]:
    """Yield start and bytes of every line of the block that holds a marker, in order, without its newline."""
    spans: dict[int, int] = {}
    for marker in MARKERS:
        found = block.find(marker)
        while found >= 0:
            start = block.rfind(b"\n", 0, found) + 1
            end = block.find(b"\n", found)
            end = len(block) if end < 0 else end
            spans[start] = end
            found = block.find(marker, end)
    for start in sorted(spans):
        if spans[start] - start > MAX_LINE:
            counts.oversize += 1
            continue
        counts.relevant += 1
        yield start, block[start : spans[start]]
