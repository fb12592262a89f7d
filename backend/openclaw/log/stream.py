"""OpenClaw's log, as typed events: one line, or one stream of pieces."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lockdeck.backend.model.runs.events import Event
from lockdeck.backend.openclaw.log.framing.encodings import Decoding
from lockdeck.backend.openclaw.log.framing.pieces import Pieces
from lockdeck.backend.openclaw.log.framing.unwrap import Unwrapped, Unwrapper
from lockdeck.backend.openclaw.log.kinds import KINDS
from lockdeck.backend.openclaw.log.kinds.table import KindTable
from lockdeck.backend.openclaw.log.records import Malformed, read_record
from lockdeck.backend.openclaw.log.scan import (
    MAX_LINE,
    LineCounts,
    LineFeed,
    Marks,
    concerning,
    no_text,
)
from lockdeck.backend.openclaw.log.values import SCAN_LIMIT, last_clock

__all__ = ["EventStream", "LineCounts", "Malformed", "parse_line"]

LOOK_FOR_SHAPE = 1000
"""Lines of a block, spread over it, that are asked whether a log has such, until one has been found."""
LOOK_ABOVE = 50
"""Lines above one without a time that are searched for a time."""


def parse_line(line: bytes, at: float | None = None, kinds: KindTable = KINDS) -> Event | Malformed | None:
    """Read one line: an event, None when it does not concern us, or why it could not be read.

    `at` (epoch seconds) stands in for the time of a line that has none. Auth probes (run or session id
    starting with `probe-`) are not ours. Never raises.
    """
    marks = kinds.marks_of(line)
    return _read(Unwrapper().unwrap(line), marks, at, kinds) if marks else None


def _read(line: Unwrapped, marks: Marks, at: float | None, kinds: KindTable) -> Event | Malformed | None:
    record = read_record(line, at)
    if isinstance(record, Malformed):
        return record
    event = kinds.read(record, marks)
    if event is None or _is_probe(event):
        return None
    return event if record.trace_id is None else event.of_trace(record.trace_id)


class EventStream:
    """The bytes of one log, in order and in pieces of any size, into events.

    `dated`: whether the line of the event yielded last told a time of its own.
    """

    __slots__ = ("_clock", "_feed", "_kinds", "_pieces", "_unwrapper", "dated")

    def __init__(self, at: float, *, mid_line: bool = False, kinds: KindTable = KINDS) -> None:
        """`at` (epoch seconds) is the time of lines without one, until a line tells a time."""
        self._clock = at
        self._kinds = kinds
        self.dated = True
        self._feed = LineFeed(mid_line=mid_line)
        self._pieces = Pieces()
        self._unwrapper = Unwrapper()

    def feed(self, piece: bytes, counts: LineCounts, at: float | None = None) -> Iterator[Event]:
        """Yield the events of all lines that `piece` completes; `at` renews the stand-in time."""
        if at is not None:
            self._clock = at
        return self._events(self._pieces.join(self._feed.feed(piece, counts)), counts)

    def next_file(self, head: bytes, counts: LineCounts) -> Iterator[Event]:
        """Go on with the next file of the same log, which begins with `head`; yield the event of a line before it.

        A line that the rotation has cut is whole again; where `head` begins a line the one before it has ended.
        """
        line = Decoding().feed(head).partition(b"\n")[0]
        lines = self._feed.next_file(counts, begins=_shaped([line]) or not line)
        return self._events(self._pieces.join(lines), counts)

    def finish(self, counts: LineCounts) -> Iterator[Event]:
        """Yield the event of a last line without newline: nothing more will come."""
        lines = [*self._pieces.join(self._feed.finish(counts)), *self._pieces.finish()]
        return self._events(lines, counts)

    def _events(self, lines: Sequence[bytes], counts: LineCounts) -> Iterator[Event]:
        counts.shaped = counts.shaped or _shaped(lines)
        concern, odd = concerning(lines, self._kinds.markers), no_text(lines)
        counts.malformed += len(odd.difference(place for place, _ in concern))
        for place, marks in concern:
            line = lines[place]
            if len(line) > MAX_LINE:
                counts.oversize += 1
                continue
            counts.relevant += 1
            unwrapped = self._unwrapper.unwrap(line)
            event = _read(unwrapped, marks, None, self._kinds)
            self.dated = event is not Malformed.TIME
            if not self.dated:
                event = _read(unwrapped, marks, self._time_above(lines, place), self._kinds)
            if isinstance(event, Malformed) or (event is None and self._misses(line, unwrapped, marks)):
                counts.miss(line[:SCAN_LIMIT].decode("utf-8", "replace"))
            elif event is None and place in odd:
                counts.malformed += 1
            elif event is not None:
                counts.shaped = True
                yield event
        self._clock = self._time_above(lines, len(lines))

    def _misses(self, line: bytes, unwrapped: Unwrapped, marks: Marks) -> bool:
        """Return whether a line that gave no event holds the words of one, in a form that is none of OpenClaw's."""
        if unwrapped.own:
            return False
        event = self._kinds.quoted(line[:SCAN_LIMIT].decode("utf-8", "replace"), marks)
        return event is not None and not _is_probe(event)

    def _time_above(self, lines: Sequence[bytes], place: int) -> float:
        for line in reversed(lines[max(0, place - LOOK_ABOVE) : place]):
            written_at = last_clock(line[-1000:].decode("utf-8", "replace"))
            if written_at is not None:
                return written_at
        return self._clock


def _shaped(lines: Sequence[bytes]) -> bool:
    unwrapper, step = Unwrapper(), 1 + len(lines) // LOOK_FOR_SHAPE
    return any(unwrapper.unwrap(line).shaped for line in lines[::step] if b"\0" not in line)


def _is_probe(event: Event) -> bool:
    run_id, session_id = event.run_id, event.session_id
    return (run_id is not None and run_id.startswith("probe-")) or (
        session_id is not None and session_id.startswith("probe-")
    )
