"""One line of a log without what other programs put around it: the record or text that OpenClaw wrote."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterable

from msgspec import Struct

from lockdeck.backend.openclaw.log.framing.envelopes import Opened, is_own, open_docker, open_envelope
from lockdeck.backend.openclaw.log.framing.heads import Head, Heads
from lockdeck.backend.openclaw.log.framing.joins import goes_on
from lockdeck.backend.openclaw.log.framing.prefixes import OWN_TAG, Peeler
from lockdeck.backend.openclaw.log.framing.stamps import IN_UTC, Clock, read_clock, read_stamp, zone_of
from lockdeck.backend.openclaw.log.objects import Record, decode_object, decode_tslog, time_of
from lockdeck.backend.openclaw.log.values import SCAN_LIMIT

DEPTH = 5
"""Envelopes are opened no deeper than this."""
MOST_ZONES = 1000
"""So many writers of one stream have a zone of their own."""
APART_S = 2.0
"""A time of day that differs from the time around it by less (seconds) is the same moment, told less exactly."""
_TEXT_LIMIT = SCAN_LIMIT + 4096
_TSLOG = b'{"0"'
_LENIENT = json.JSONDecoder(strict=False)


Zone = tuple[tuple[str, ...], str]
"""Whose zone it is, and how it is written."""
_Witness = tuple[float | None, Clock | None, str, bool]
"""A moment (epoch seconds), a time of day that stands nearer, how the moment is written, and whether it tells no zone."""


class Unwrapped(Struct, frozen=True, gc=False):
    """What OpenClaw wrote: a JSON `record`, or else `text`; both where `openclaw logs` printed fields and message.

    `at` is the innermost whole time around it (epoch seconds), `stamp` how that is written, `clock` a time of day
    without its date that stands nearer to it. `zoneless`: the time tells no zone. `broken` says that it looked like JSON
    and was none. `more` follows on the same line: further records. `origins` are who wrote it, as what stands around it
    names them (a pod, a container, a host), the outermost first. `written_at` is the record's own time (epoch seconds);
    where it tells one, what stands around it may be left unread.
    """

    text: str = ""
    record: Record | None = None
    at: float | None = None
    clock: Clock | None = None
    broken: bool = False
    stamp: str = ""
    zoneless: bool = False
    more: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    written_at: float | None = None

    @property
    def own(self) -> bool:
        """Return whether it is in one of OpenClaw's own forms, so that a line which tells no event is none."""
        return OWN_TAG.match(self.text) is not None if self.record is None else is_own(self.record)

    @property
    def shaped(self) -> bool:
        """Return whether a log may have such a line: a record, a line of OpenClaw's, or one with a time in front."""
        return self.record is not None or self.own or self.at is not None or self.clock is not None

    @property
    def moment(self) -> float | None:
        """When the line was written, by what stands around it; None where no line tells a date."""
        if self.at is None or self.clock is None or self.clock.offset_s is None:
            return self.at
        near = self.clock.near(self.at)
        return self.at if abs(near - self.at) < APART_S else near


class Unwrapper:
    """Takes the wrappers off the lines of one stream.

    A whole time without a zone is local where its writer runs: it is taken for one of the zone that lines of the same
    writer tell above, else for one of this host's, and marked.
    """

    __slots__ = ("_heads", "_last", "_peeler", "_zones")

    def __init__(self) -> None:
        self._peeler = Peeler()
        self._heads = Heads()
        self._zones: dict[tuple[str, ...], float] = {}
        self._last: Zone | None = None

    @property
    def zone(self) -> Zone | None:
        """The zone that was told last; None before one was."""
        return self._last

    def unwrap(self, line: bytes) -> Unwrapped:
        """Return what a line carries. Never raises."""
        line = line.strip()
        if line.startswith(_TSLOG) and (tslog := decode_tslog(line)) is not None:
            return Unwrapped("", tslog, written_at=time_of(tslog))
        if not line.startswith(b"{"):
            if line.startswith(codecs.BOM_UTF8):
                return self.unwrap(line[len(codecs.BOM_UTF8) :])
            return self._by_head(line) or self._open(line.decode("utf-8", "replace"), line)
        opened = open_docker(line)
        if opened is not None:
            return self._carried(opened)
        record = decode_object(line)
        if record is None:
            return self._open(line.decode("utf-8", "replace"))
        opened = open_envelope(record)
        if opened is None:
            return Unwrapped("", record, written_at=time_of(record))
        return self._carried(opened)

    def _carried(self, envelope: Opened) -> Unwrapped:
        """Take off what stands around the line in an envelope."""
        text, origins = envelope.line, envelope.origins
        if text.startswith('{"0"'):
            record = decode_tslog(text)
            if record is not None:
                written_at = time_of(record)
                at = envelope.at if written_at is None else None
                return Unwrapped("", record, at, origins=origins, written_at=written_at)
        at, text = envelope.at, text.rstrip("\r\n")
        line = _printable(text)
        return self._by_head(line, at, origins) or self._open(text, line, at, origins)

    def _by_head(
        self, line: bytes, at: float | None = None, origins: tuple[str, ...] = ()
    ) -> Unwrapped | None:
        """Take off a head that is remembered; None where none is."""
        head = self._heads.of(line)
        if head is None:
            return None
        body = line[head.begin :]
        if head.origins:
            origins += head.origins
        record, text, written_at = None, "", None
        if head.is_record:
            record = decode_tslog(body)
            if record is None:
                return None
            written_at = time_of(record)
            if written_at is not None and not head.tells_zone:
                return Unwrapped("", record, origins=origins, written_at=written_at)
        else:
            text = body.decode("utf-8", "replace").rstrip()[:_TEXT_LIMIT]
        at, of_day, stamp, zoneless = self._around(line, head, origins, at)
        return Unwrapped(text, record, at, of_day, False, stamp, zoneless, (), origins, written_at)

    def _open(
        self, text: str, line: bytes = b"", at: float | None = None, origins: tuple[str, ...] = ()
    ) -> Unwrapped:
        """Take prefixes and envelopes off a text; `at` and `origins` are what an envelope around it has told.

        Where it is a whole `line`, its head is remembered.
        """
        more: tuple[str, ...] = ()
        witness: _Witness = (at, None, "", False)
        for depth in range(DEPTH):
            peeled = self._peeler.peel(text.strip())
            if line and not depth:
                self._heads.remember(line, peeled)
            if peeled.origins:
                origins += peeled.origins
            witness = self._witness(peeled.times, origins, witness)
            at, of_day, stamp, zoneless = witness
            if not peeled.body.startswith("{"):
                return Unwrapped(
                    peeled.body[:_TEXT_LIMIT], None, at, of_day, False, stamp, zoneless, more, origins
                )
            record, rest = _decode(peeled.body)
            if record is None:
                return Unwrapped(
                    peeled.body[:_TEXT_LIMIT], None, at, of_day, True, stamp, zoneless, more, origins
                )
            if rest and (is_own(record) or goes_on(rest)):
                more, rest = (*more, rest), ""
            opened = open_envelope(record) if not rest else None
            if opened is None:
                own = time_of(record)
                return Unwrapped(rest, record, at, of_day, False, stamp, zoneless, more, origins, own)
            at = opened.at
            if at is not None:
                witness = at, None, "", False
            text, origins = opened.line, origins + opened.origins
        at, of_day, stamp, zoneless = witness
        return Unwrapped(text[:_TEXT_LIMIT], None, at, of_day, False, stamp, zoneless, more, origins)

    def _around(self, line: bytes, head: Head, origins: tuple[str, ...], at: float | None) -> _Witness:
        """Return what the times in the head of a line tell, beside what an envelope around it has told."""
        if len(head.times) == 1:
            time = line[head.times[0]].decode()
            if time.endswith(IN_UTC) or (origins, time[-6:]) == self._last:
                moment = read_stamp(time)
                if moment is not None:
                    return moment, None, time, False
        return self._witness([line[place].decode() for place in head.times], origins, (at, None, "", False))

    def _witness(self, times: Iterable[str], origins: tuple[str, ...], outer: _Witness) -> _Witness:
        """Return what the times around a line tell, by what stands around them."""
        at, of_day, stamp, zoneless = outer
        for time in times:
            moment, local = self._moment(time, origins)
            if moment is None:
                of_day = _fuller(of_day, read_clock(time))
            else:
                at, of_day, stamp, zoneless = moment, None, time, local
        return at, of_day, stamp, zoneless

    def _moment(self, stamp: str, origins: tuple[str, ...]) -> tuple[float | None, bool]:
        """Return the moment of a whole time, and whether it tells no zone and no line of its writer above does."""
        if stamp.endswith(IN_UTC) or (origins, offset := stamp[-6:]) == self._last:
            return read_stamp(stamp), False
        zone = zone_of(stamp)
        if zone is None:
            known = self._zones.get(origins)
            return read_stamp(stamp, known), known is None and stamp[4:5] == "-"
        if len(self._zones) < MOST_ZONES or origins in self._zones:
            self._zones[origins], self._last = zone, (origins, offset)
        return read_stamp(stamp), False


def _printable(text: str) -> bytes:
    """Return a carried text as a line whose head can be remembered; nothing where it holds controls."""
    return text.encode("utf-8", "replace") if text.isprintable() else b""


def _fuller(outer: Clock | None, inner: Clock | None) -> Clock | None:
    """Return the inner of two clocks, unless the outer one tells month and day and the inner doesn't."""
    if inner is None or (outer is not None and outer.day is not None and inner.day is None):
        return outer
    return inner


def _decode(text: str) -> tuple[Record | None, str]:
    """Decode the JSON object that a text begins with, and return what follows it, as `openclaw logs` prints it."""
    record = decode_tslog(text) or decode_object(text.encode("utf-8", "replace"))
    if record is not None:
        return record, ""
    try:
        value, end = _LENIENT.raw_decode(text)
    except (ValueError, RecursionError):
        return None, ""
    return (value, text[end:].strip()) if isinstance(value, dict) else (None, "")
