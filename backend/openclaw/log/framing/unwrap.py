"""One line of a log without what other programs put around it: the record or text that OpenClaw wrote."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from msgspec import Struct

from lockdeck.backend.openclaw.log.framing.envelopes import is_own, open_envelope
from lockdeck.backend.openclaw.log.framing.joins import goes_on
from lockdeck.backend.openclaw.log.framing.prefixes import OWN_TAG, Peeler
from lockdeck.backend.openclaw.log.framing.stamps import IN_UTC, Clock, read_clock, read_stamp, zone_of
from lockdeck.backend.openclaw.log.objects import decode_object, decode_tslog
from lockdeck.backend.openclaw.log.values import ISO, SCAN_LIMIT

DEPTH = 5
"""Envelopes are opened no deeper than this."""
APART_S = 2.0
"""A time of day that differs from the time around it by less (seconds) is the same moment, told less exactly."""
_TEXT_LIMIT = SCAN_LIMIT + 4096
_PLAIN = re.compile(rf"({ISO}) {{1,4}}(?={OWN_TAG.pattern})")
_LENIENT = json.JSONDecoder(strict=False)


class Unwrapped(Struct, frozen=True):
    """What OpenClaw wrote: a JSON `record`, or else `text`; both where `openclaw logs` printed fields and message.

    `at` is the innermost whole time around it (epoch seconds), `stamp` how that is written, `clock` a time of day
    without its date that stands nearer to it. `zoneless`: the time tells no zone. `broken` says that it looked like JSON
    and was none. `more` follows on the same line: further records.
    """

    text: str = ""
    record: Mapping[str, object] | None = None
    at: float | None = None
    clock: Clock | None = None
    broken: bool = False
    stamp: str = ""
    zoneless: bool = False
    more: tuple[str, ...] = ()

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

    A whole time without a zone is local where its writer runs: it is taken for one of the zone that lines above tell,
    else for one of this host's, and marked.
    """

    __slots__ = ("_offset", "_peeler", "_zone")

    def __init__(self) -> None:
        self._peeler = Peeler()
        self._zone: float | None = None
        self._offset = ""

    def unwrap(self, line: bytes) -> Unwrapped:
        """Return what a line carries. Never raises."""
        line = line.strip()
        if line.startswith(b"{"):
            record = decode_tslog(line) or decode_object(line)
            if record is not None:
                opened = open_envelope(record)
                return Unwrapped(record=record) if opened is None else self._open(opened.line, opened.at)
        text = line.decode("utf-8", "replace")
        plain = _PLAIN.match(text)
        if plain is not None and "\x1b" not in text:
            at, zoneless = self._moment(plain[1])
            return Unwrapped(text[plain.end() :], None, at, None, False, plain[1], zoneless)
        return self._open(text)

    def _open(self, text: str, at: float | None = None) -> Unwrapped:
        """Take prefixes and envelopes off a text; `at` is what an envelope around it has told."""
        of_day: Clock | None = None
        more: tuple[str, ...] = ()
        stamp, zoneless = "", False
        for _ in range(DEPTH):
            peeled = self._peeler.peel(text.strip())
            for time in peeled.times:
                moment, local = self._moment(time)
                if moment is None:
                    of_day = _fuller(of_day, read_clock(time))
                else:
                    at, of_day, stamp, zoneless = moment, None, time, local
            if not peeled.body.startswith("{"):
                return Unwrapped(peeled.body[:_TEXT_LIMIT], None, at, of_day, False, stamp, zoneless, more)
            record, rest = _decode(peeled.body)
            if record is None:
                return Unwrapped(peeled.body[:_TEXT_LIMIT], None, at, of_day, True, stamp, zoneless, more)
            if rest and (is_own(record) or goes_on(rest)):
                more, rest = (*more, rest), ""
            opened = open_envelope(record) if not rest else None
            if opened is None:
                return Unwrapped(rest, record, at, of_day, False, stamp, zoneless, more)
            if opened.at is not None:
                at, of_day, stamp, zoneless = opened.at, None, "", False
            text = opened.line
        return Unwrapped(text[:_TEXT_LIMIT], None, at, of_day, False, stamp, zoneless, more)

    def _moment(self, stamp: str) -> tuple[float | None, bool]:
        """Return the moment of a whole time, and whether it tells no zone and no line above does."""
        if stamp[-6:] == self._offset or stamp.endswith(IN_UTC):
            return read_stamp(stamp), False
        zone = zone_of(stamp)
        if zone is None:
            return read_stamp(stamp, self._zone), self._zone is None and stamp[4:5] == "-"
        self._zone, self._offset = zone, stamp[-6:]
        return read_stamp(stamp), False


def _fuller(outer: Clock | None, inner: Clock | None) -> Clock | None:
    """Return the inner of two clocks, unless the outer one tells month and day and the inner doesn't."""
    if inner is None or (outer is not None and outer.day is not None and inner.day is None):
        return outer
    return inner


def _decode(text: str) -> tuple[dict[str, object] | None, str]:
    """Decode the JSON object that a text begins with, and return what follows it, as `openclaw logs` prints it."""
    record = decode_tslog(text) or decode_object(text.encode("utf-8", "replace"))
    if record is not None:
        return record, ""
    try:
        value, end = _LENIENT.raw_decode(text)
    except (ValueError, RecursionError):
        return None, ""
    return (value, text[end:].strip()) if isinstance(value, dict) else (None, "")
