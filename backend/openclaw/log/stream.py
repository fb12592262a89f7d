"""OpenClaw's log, as typed events: one line, or one stream of pieces."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from itertools import count

import msgspec

from lockdeck.backend.model.moments import LogEnd, is_dated
from lockdeck.backend.model.pattern import late_pattern
from lockdeck.backend.model.runs.events import Event
from lockdeck.backend.openclaw.log.cuts import loses_value
from lockdeck.backend.openclaw.log.datings import Datings, Origins
from lockdeck.backend.openclaw.log.ends import ends_of
from lockdeck.backend.openclaw.log.framing.encodings import Decoding
from lockdeck.backend.openclaw.log.framing.joins import objects_in
from lockdeck.backend.openclaw.log.framing.pieces import Pieces
from lockdeck.backend.openclaw.log.framing.unwrap import Unwrapped, Unwrapper
from lockdeck.backend.openclaw.log.kinds import KINDS
from lockdeck.backend.openclaw.log.kinds.table import KindTable
from lockdeck.backend.openclaw.log.likeness import UNLIKE, Likeness, Unlike
from lockdeck.backend.openclaw.log.markers import Looked, Marks
from lockdeck.backend.openclaw.log.reading import leaves_unread, read_event
from lockdeck.backend.openclaw.log.records import Malformed, is_zoneless
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
KEPT_LINES = 400
"""So many last lines are kept: the end of each who writes a stream is looked for in them."""
_HOUR = late_pattern(rb"[^\n]{0,100}?\d\d:(?=\d\d:\d\d(?![:\d]))")
"""The begin of a line up to the hour of its clock."""
_NO_HOUR = b"\n"
_HEAD = 16_384
"""So many bytes of a line above are kept."""
_NO_TIME = Malformed.TIME
_Part = tuple[bytes, Unwrapped, Marks]


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

    Of the line of the event yielded last, `dated` says whether it told a time of its own, and `origins` who wrote it, as
    what stands around it names them.
    """

    __slots__ = (
        "_above",
        "_datings",
        "_feed",
        "_kinds",
        "_likeness",
        "_pieces",
        "_unwrapper",
        "dated",
        "origins",
    )

    def __init__(
        self, numbers: Iterator[int] | None = None, *, mid_line: bool = False, kinds: KindTable = KINDS
    ) -> None:
        """`numbers` tell streams apart that are read together: what has no date in two of them has no order."""
        self._datings = Datings(count() if numbers is None else numbers)
        self._above: Sequence[bytes] = ()
        self._kinds = kinds
        self.dated = True
        self.origins: Origins = ()
        self._feed = LineFeed(mid_line=mid_line)
        self._pieces = Pieces()
        self._unwrapper = Unwrapper()
        self._likeness = Likeness(kinds, self._unwrapper)

    def feed(self, piece: bytes, counts: LineCounts, at: float | None = None) -> Iterator[Event]:
        """Yield the events of all lines that `piece` completes.

        `at`: when these arrived (epoch seconds), None where they may have been there for any time.
        """
        self._datings.arrive(at)
        return self._events(self._feed.feed(piece, counts), counts)

    def next_file(self, head: bytes, counts: LineCounts) -> Iterator[Event]:
        """Go on with the next file of the same log, which begins with `head`; yield the event of a line before it.

        A line that the rotation has cut is whole again; where `head` begins a line the one before it has ended.
        """
        line = Decoding().feed(head).partition(b"\n")[0]
        lines = self._feed.next_file(counts, begins=_shaped([line]) or not line)
        return self._events(lines, counts)

    def finish(self, counts: LineCounts) -> Iterator[Event]:
        """Yield the event of a last line without newline: nothing more will come."""
        yield from self._events(self._feed.finish(counts), counts)
        yield from self._events(self._pieces.finish(), counts)

    @property
    def last_clocks(self) -> tuple[float, ...]:
        """The moments of the last clocks without a date, of each who writes."""
        return tuple(self._datings.clocks().values())

    def ends(self) -> dict[Origins, tuple[LogEnd, ...]]:
        """Return where the log ends, by who wrote it."""
        return ends_of([self._unwrapper.unwrap(line) for line in self._above], self._datings)

    def _events(self, lines: Sequence[bytes], counts: LineCounts) -> Iterator[Event]:
        if not lines:
            return
        text = b"\n".join(lines)
        looked = self._kinds.scan.look(text, lines)
        if looked.parts or self._pieces.wait:
            whole = self._pieces.join(lines)
            if whole is not lines:
                lines, text = whole, b"\n".join(whole)
                looked = self._kinds.scan.look(text, lines)
        counts.shaped = counts.shaped or _shaped(lines)
        odd = no_text(text, lines)
        counts.malformed += len(odd)
        yield from self._read(lines, looked, odd, counts)
        if len(lines) < KEPT_LINES:
            lines = [line[:_HEAD] for line in [*self._above, *lines][-KEPT_LINES:]]
        self._above = lines[-KEPT_LINES:]

    def _read(
        self, lines: Sequence[bytes], looked: Looked, odd: Set[int], counts: LineCounts
    ) -> Iterator[Event]:
        """Yield the events of the lines that hold a marker; let time pass with the others."""
        passed, like, datings = 0, self._likeness.read, self._datings
        for place, likely, shape in looked.concern:
            line = lines[place]
            event = UNLIKE if datings.follows or place in odd else like(line, shape)
            if type(event) is not Unlike:
                counts.relevant += 1
                if event is not None:
                    self.dated, self.origins = True, self._likeness.origins
                    yield event
                continue
            marks = self._kinds.scan.held(looked.heads[place], likely)
            counts.malformed -= bool(marks) and place in odd
            parts = self._parts(line, marks, counts) if marks else ()
            if not parts:
                continue
            counts.relevant += 1
            if datings.follows:
                self._pass_by(lines, passed, place)
            passed = place + 1
            for part in parts:
                told = self._read_part(part, lines, place, counts)
                if told is None:
                    counts.malformed += place in odd
                elif type(told) is not Malformed:
                    yield told
            self._likeness.learn(line, marks, shape)
        self._pass_by(lines, passed, len(lines))

    def _parts(self, line: bytes, marks: Marks, counts: LineCounts) -> Sequence[_Part]:
        """Return what stands on a line, one record after the other, with the markers that each of them holds."""
        if len(line) > MAX_LINE:
            counts.oversize += 1
            return ()
        unwrapped = self._unwrapper.unwrap(line)
        if not unwrapped.more:
            words = self._held(unwrapped, marks)
            return ((line, unwrapped, words),) if words else ()
        scan = self._kinds.scan
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

    def _read_part(
        self, part: _Part, lines: Sequence[bytes], place: int, counts: LineCounts
    ) -> Event | Malformed | None:
        """Return the event of what stands on a line, and count what could not be read, which is malformed then."""
        raw, line, marks = part
        event = read_event(line, marks, None, self._kinds)
        if event is _NO_TIME:
            event = self._dated(line, marks, lines, place)
        else:
            self.dated = True
            if self._datings.follows:
                self._datings.pass_by(line)
        if type(event) is Malformed or leaves_unread(raw, line, marks, self._kinds, event):
            counts.miss(raw[:SCAN_LIMIT].decode("utf-8", "replace"))
            event = Malformed.TEXT if event is None else event
        if event is None or type(event) is Malformed:
            return event
        counts.shaped = True
        if line.text or line.zoneless:
            counts.zoneless += is_zoneless(line)
            counts.cut += bool(line.text) and loses_value(line.text[:SCAN_LIMIT])
        self.origins = line.origins
        return event

    def _dated(
        self, line: Unwrapped, marks: Marks, lines: Sequence[bytes], place: int
    ) -> Event | Malformed | None:
        """Read a line that tells no date by what the lines around it tell."""
        if self._datings.needs_date(line):
            for above in [*self._above, *lines[max(0, place - LOOK_ABOVE) : place]][-LOOK_ABOVE:]:
                unwrapped = Unwrapper().unwrap(above[:_HEAD])
                if line.origins[: len(unwrapped.origins)] == unwrapped.origins:
                    self._datings.pass_by(unwrapped, line.origins)
        at = self._datings.moment_of(line)
        self.dated = line.clock is not None and is_dated(at)
        return read_event(line, marks, at, self._kinds)

    def _pass_by(self, lines: Sequence[bytes], first: int, end: int) -> None:
        """Let time pass with the lines that do not concern us, once a clock without a date does."""
        if not self._datings.follows:
            return
        hour = _NO_HOUR
        for place in range(first, end):
            line = lines[place]
            if line.startswith(hour) and place < end - 1:
                continue  # no midnight within one hour
            if len(line) <= MAX_LINE:
                unwrapped = self._unwrapper.unwrap(line)
                self._datings.pass_by(unwrapped)
                match = _HOUR.match(line) if unwrapped.clock is not None else None
                hour = match[0] if match is not None else hour


def _shaped(lines: Sequence[bytes]) -> bool:
    unwrapper, step = Unwrapper(), 1 + len(lines) // LOOK_FOR_SHAPE
    return any(unwrapper.unwrap(line).shaped for line in lines[::step] if b"\0" not in line)
