"""OpenClaw's log, as typed events: one line, or one stream of pieces."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice

import msgspec

from lockdeck.backend.model.moments import is_dated
from lockdeck.backend.model.runs.events import Event
from lockdeck.backend.openclaw.log.dating import Dating
from lockdeck.backend.openclaw.log.framing.encodings import Decoding
from lockdeck.backend.openclaw.log.framing.joins import objects_in
from lockdeck.backend.openclaw.log.framing.pieces import Pieces
from lockdeck.backend.openclaw.log.framing.unwrap import Unwrapped, Unwrapper
from lockdeck.backend.openclaw.log.kinds import KINDS
from lockdeck.backend.openclaw.log.kinds.table import KindTable
from lockdeck.backend.openclaw.log.markers import Marks
from lockdeck.backend.openclaw.log.reading import leaves_unread, read_event
from lockdeck.backend.openclaw.log.records import Malformed, is_zoneless, whole_time
from lockdeck.backend.openclaw.log.scan import (
    MAX_LINE,
    LineCounts,
    LineFeed,
    no_text,
)
from lockdeck.backend.openclaw.log.values import SCAN_LIMIT

__all__ = ["EventStream", "LineCounts", "Malformed", "parse_line"]

LOOK_FOR_SHAPE = 1000
"""Lines of a block, spread over it, that are asked whether a log has such, until one has been found."""
LOOK_ABOVE = 50
"""Lines above a first one without a date that are searched for a date."""
_HOUR = re.compile(rb"[^\n]{0,100}?\d\d:(?=\d\d:\d\d(?![:\d]))")
"""The begin of a line up to the hour of its clock."""
_NO_HOUR = b"\n"
_HEAD = 16_384
"""So many bytes of a line above are kept."""


def parse_line(line: bytes, at: float | None = None, kinds: KindTable = KINDS) -> Event | Malformed | None:
    """Read one line: an event, None when it does not concern us, or why it could not be read.

    `at` (epoch seconds) stands in for the time of a line that has none. Auth probes (run or session id
    starting with `probe-`) are not ours. Never raises.
    """
    marks = kinds.scan.marks_of(line)
    unwrapped = Unwrapper().unwrap(line) if marks else Unwrapped()
    if marks and marks[-1] in kinds.hidden:
        marks = _marks_within(unwrapped, kinds)
    return read_event(unwrapped, marks, at, kinds) if marks else None


def _marks_within(line: Unwrapped, kinds: KindTable) -> Marks:
    """Return the markers in what a line carries whose own words were written as numbers."""
    text = line.text.encode("utf-8", "replace") if line.record is None else msgspec.json.encode(line.record)
    return tuple(mark for mark in kinds.scan.marks_of(text) if mark not in kinds.hidden)


class EventStream:
    """The bytes of one log, in order and in pieces of any size, into events.

    `dated`: whether the line of the event yielded last told a time of its own.
    """

    __slots__ = ("_above", "_dating", "_feed", "_kinds", "_pieces", "_unwrapper", "dated")

    def __init__(self, number: int = 0, *, mid_line: bool = False, kinds: KindTable = KINDS) -> None:
        """`number` tells streams apart that are read together: what has no date in two of them has no order."""
        self._dating = Dating(number)
        self._above: list[bytes] = []
        self._kinds = kinds
        self.dated = True
        self._feed = LineFeed(mid_line=mid_line)
        self._pieces = Pieces()
        self._unwrapper = Unwrapper()

    def feed(self, piece: bytes, counts: LineCounts, at: float | None = None) -> Iterator[Event]:
        """Yield the events of all lines that `piece` completes.

        `at`: when these arrived (epoch seconds), None where they may have been there for any time.
        """
        self._dating.arrive(at)
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

    @property
    def last_clock(self) -> float | None:
        """The moment of the last clock without a date."""
        return self._dating.moment

    def last_moments(self) -> Iterator[float]:
        """Yield the last moments that lines of the stream tell: with a date, and without."""
        if self.last_clock is not None:
            yield self.last_clock
        times = (whole_time(self._unwrapper.unwrap(line)) for line in reversed(self._above))
        yield from islice((time[0] for time in times if time is not None), 1)

    def _events(self, lines: Sequence[bytes], counts: LineCounts) -> Iterator[Event]:
        counts.shaped = counts.shaped or _shaped(lines)
        concern, odd = self._kinds.scan.concerning(lines), no_text(lines)
        counts.malformed += len(odd.difference(place for place, _ in concern))
        passed = 0
        for place, marks in concern:
            line = lines[place]
            if len(line) > MAX_LINE:
                counts.oversize += 1
                continue
            parts = self._parts(line, marks)
            if not parts:
                continue
            counts.relevant += 1
            if self._dating.follows:
                self._pass_by(lines, passed, place)
            passed = place + 1
            for part, unwrapped, held in parts:
                event = self._event(unwrapped, held, lines, place)
                if isinstance(event, Malformed) or leaves_unread(part, unwrapped, held, self._kinds, event):
                    counts.miss(part[:SCAN_LIMIT].decode("utf-8", "replace"))
                elif event is None and place in odd:
                    counts.malformed += 1
                if event is not None and not isinstance(event, Malformed):
                    counts.shaped = True
                    counts.zoneless += is_zoneless(unwrapped)
                    yield event
        self._pass_by(lines, passed, len(lines))
        self._above = [line[:_HEAD] for line in [*self._above, *lines[-LOOK_ABOVE:]][-LOOK_ABOVE:]]

    def _parts(self, line: bytes, marks: Marks) -> list[tuple[bytes, Unwrapped, Marks]]:
        """Return what stands on a line, one record after the other, with the markers that each of them holds."""
        unwrapped, scan = self._unwrapper.unwrap(line), self._kinds.scan
        if not unwrapped.more:
            words = self._held(unwrapped, marks)
            return [(line, unwrapped, words)] if words else []
        line = line.strip().removesuffix(unwrapped.more[0].encode("utf-8", "replace"))
        texts = [text.encode("utf-8", "replace") for more in unwrapped.more for text in objects_in(more)]
        parts = [(line, unwrapped, self._held(unwrapped, scan.marks_of(line)))]
        for place, held in scan.concerning(texts):
            inner = self._unwrapper.unwrap(texts[place])
            parts.append((texts[place], inner, self._held(inner, held)))
        return [part for part in parts if part[2]]

    def _held(self, line: Unwrapped, marks: Marks) -> Marks:
        """Return the markers of a line; those of its words where these were written as numbers."""
        return _marks_within(line, self._kinds) if marks and marks[-1] in self._kinds.hidden else marks

    def _event(
        self, line: Unwrapped, marks: Marks, lines: Sequence[bytes], place: int
    ) -> Event | Malformed | None:
        event = read_event(line, marks, None, self._kinds)
        if event is not Malformed.TIME:
            self.dated = True
            if self._dating.follows:
                self._dating.pass_by(line)
            return event
        if line.clock is not None and self._dating.needs_date:
            for above in [*self._above, *lines[max(0, place - LOOK_ABOVE) : place]][-LOOK_ABOVE:]:
                self._dating.pass_by(Unwrapper().unwrap(above[:_HEAD]))
        at = self._dating.moment_of(line)
        self.dated = line.clock is not None and is_dated(at)
        return read_event(line, marks, at, self._kinds)

    def _pass_by(self, lines: Sequence[bytes], first: int, end: int) -> None:
        """Let time pass with the lines that do not concern us, once a clock without a date does."""
        if not self._dating.follows:
            return
        hour = _NO_HOUR
        for place in range(first, end):
            line = lines[place]
            if line.startswith(hour) and place < end - 1:
                continue  # no midnight within one hour
            if len(line) <= MAX_LINE:
                unwrapped = self._unwrapper.unwrap(line)
                self._dating.pass_by(unwrapped)
                match = _HOUR.match(line) if unwrapped.clock is not None else None
                hour = match[0] if match is not None else hour


def _shaped(lines: Sequence[bytes]) -> bool:
    unwrapper, step = Unwrapper(), 1 + len(lines) // LOOK_FOR_SHAPE
    return any(unwrapper.unwrap(line).shaped for line in lines[::step] if b"\0" not in line)
