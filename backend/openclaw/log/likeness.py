"""Lines like one that was read: those that differ from it in ids, times and milliseconds alone tell the same of their own.

A log tells few things many times over. What a line tells is learned once, by reading it with other ids, times and
milliseconds in their places; lines like it are then compared with it, and read in these places alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import pairwise
from operator import itemgetter
from typing import TYPE_CHECKING, Final, final

from msgspec import Struct

from lockdeck.backend.model.pattern import late_pattern
from lockdeck.backend.model.runs.events import Event
from lockdeck.backend.openclaw.log.cuts import loses_value
from lockdeck.backend.openclaw.log.datings import Origins
from lockdeck.backend.openclaw.log.framing.unwrap import Unwrapper, Zone
from lockdeck.backend.openclaw.log.kinds.table import KindTable
from lockdeck.backend.openclaw.log.markers import Marks
from lockdeck.backend.openclaw.log.reading import leaves_unread, read_event
from lockdeck.backend.openclaw.log.records import Malformed, whole_time
from lockdeck.backend.openclaw.log.values import SCAN_LIMIT, ident

if TYPE_CHECKING:
    from random import Random

MOST = 1024
"""So many lines (at most) are remembered."""
EACH = 32
"""One line is learned for each so many that were read: learning one takes as long as 14 to 20 of these."""
_MOST_PLACES = 40
_SEEDS = (1, 2)
"""Of what is put into the places of a line to learn what it tells."""

_PLACES = late_pattern(
    rb"(?<![\w.:+-])(?:(?P<time>20\d\d-\d\d-\d\d[T ]\d\d:\d\d:\d\d\.(?:\d{3}){1,3})(?P<zone>Z|[+-]\d\d:\d\d)"
    rb"|(?:(?P<id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{16}(?:[0-9a-f]{16})?|[0-9a-f]{8}\xe2\x80\xa6[0-9a-f]{4})"
    rb"|sha256:(?P<hash>[0-9a-f]{12}))(?![\w-]))"
    rb"|(?<=[a-z] )(?P<clock>[ \d]\d \d\d:\d\d:\d\d(?:\.\d{6})?)(?= )"
    rb'|(?:(?<=Ms=)|(?<=Ms":)|(?<=Ms\\":))(?P<ms>[1-9]\d{1,14})(?![\w.])'
)
"""What may differ between lines that are alike: no reader asks which id or time it is, or how many milliseconds."""
_IDS = ("id", "hash")
_NUMBERS = ("time", "clock", "ms")
_HEX, _DIGIT = late_pattern(rb"[0-9a-f]"), late_pattern(rb"\d")
_ANY_HEX = bytes.maketrans(b"123456789abcdef", b"0" * 15)
_ANY_DIGIT = bytes.maketrans(b"123456789", b"0" * 9)
_NO_ZERO = b"1"


@final
class Unlike:
    """Said of a line that is like none that was learned."""


UNLIKE: Final = Unlike()
_Cut = Callable[[bytes], tuple[bytes, ...]]
_Reader = Callable[[bytes], object]


class _Nothing(Struct, frozen=True):
    """What a line tells that tells no event: when it was written, so that nothing else has to date it."""

    at: float


class _Slot(Struct, frozen=True):
    """A place of a line in which others may differ; `zone` is what stands behind a time."""

    kind: str
    span: slice
    zone: str

    def reader(self) -> _Reader:
        """Return what a reader makes of what stands there; a time that no calendar holds raises ValueError."""
        zone = self.zone
        if self.kind == "time":
            return lambda text: datetime.fromisoformat(text.decode() + zone).timestamp()
        if self.kind == "ms":
            return int
        return _read_hash if self.kind == "hash" else _read_id

    def other(self, text: bytes, chance: Random) -> bytes:
        """Return something else that may stand there, as long as that."""
        if self.kind == "ms":
            return b"%d" % chance.randint(10 ** (len(text) - 1), 10 ** len(text) - 1)
        if self.kind == "clock":
            return _DIGIT.sub(lambda _: b"%d" % chance.randrange(10), text)
        if self.kind != "time":
            return _HEX.sub(lambda _: b"%x" % chance.randrange(16), text)
        day = b"20%02d-%02d-%02d" % (chance.randint(1, 98), chance.randint(1, 12), chance.randint(1, 28))
        clock = b"%02d:%02d:%02d" % (chance.randint(0, 23), chance.randint(0, 59), chance.randint(0, 59))
        # Nanoseconds are cut off by some readers and rounded by others.
        fraction = b"%03d999999" % chance.randint(1, 998)
        return b"%b%b%b.%b" % (day, text[10:11], clock, fraction[: len(text) - 20])


def _read_id(text: bytes) -> str | None:
    return ident(text.decode())


def _read_hash(text: bytes) -> str | None:
    return ident(f"sha256:{text.decode()}")


class _Learned(Struct, frozen=True):
    """A line that was learned: what has to be the same in lines like it, and the event that they tell.

    In `places` stand ids, from `numbers` on times and milliseconds, these from `ms` on. `read` are the fields of the event
    that are read, each from one of the places. `zone` is the one that the line tells: where the line above told another, that
    is to be learned.
    """

    compare: _Cut
    same: tuple[bytes, ...]
    places: _Cut
    numbers: int
    ms: int
    form: bytes
    event: Callable[..., Event] | None
    fields: tuple[object, ...]
    read: tuple[tuple[int, int, _Reader], ...]
    origins: Origins
    zone: Zone | None

    def told(self, line: bytes) -> Event | Unlike | None:
        """Return what a line tells; UNLIKE where it is unlike this one."""
        if self.compare(line) != self.same:
            return UNLIKE
        texts = self.places(line)
        if _form(texts, self.numbers) != self.form or min(texts[self.ms : -1], default=_NO_ZERO) < _NO_ZERO:
            return UNLIKE
        fields = [*self.fields]
        try:
            for field, place, read in self.read:
                fields[field] = read(texts[place])
        except ValueError:
            return UNLIKE
        return None if self.event is None else self.event(*fields)


def _form(texts: Sequence[bytes], numbers: int) -> bytes:
    """Return what all ids and numbers have in common that may stand in these places."""
    return b" ".join(texts[:numbers]).translate(_ANY_HEX) + b"|".join(texts[numbers:]).translate(_ANY_DIGIT)


class Likeness:
    """What was learned of the lines of one stream. `origins` are those of the line that was read last."""

    __slots__ = ("_kinds", "_learned", "_met", "_read", "_tried", "_unwrapper", "origins")

    def __init__(self, kinds: KindTable, unwrapper: Unwrapper) -> None:
        self._kinds = kinds
        self._unwrapper = unwrapper
        self._learned: dict[tuple[bytes, int], _Learned | None] = {}
        self._met: set[tuple[bytes, int]] = set()
        self._read = self._tried = 0
        self.origins: Origins = ()

    def read(self, line: bytes, shape: bytes) -> Event | Unlike | None:
        """Return what a line of this shape tells, None for nothing; UNLIKE where it has to be read."""
        learned = self._learned.get((shape, len(line)))
        if learned is None or (learned.zone is not None and learned.zone != self._unwrapper.zone):
            return UNLIKE
        self.origins = learned.origins
        return learned.told(line)

    def learn(self, line: bytes, marks: Marks, shape: bytes) -> None:
        """Learn what a line tells that had to be read, when one like it comes the second time."""
        self._read += 1
        key = shape, len(line)
        if key not in self._met:
            if len(self._met) >= MOST:
                self._met, self._learned = set(), {}
            self._met.add(key)
        elif self._learned.get(key, UNLIKE) is not None and self._tried < self._read // EACH:
            self._tried += 1
            self._learned[key] = self._like(line, marks)

    def _like(self, line: bytes, marks: Marks) -> _Learned | None:
        """Return what lines like this one tell; None where they may tell what does not stand in their places."""
        places = list(map(_place, _PLACES.finditer(line)))
        if not 0 < len(places) <= _MOST_PLACES:
            return None
        from random import Random

        lines = [line, *(_with_others(line, places, Random(seed)) for seed in _SEEDS)]  # noqa: S311
        tellings = [self._told(each, marks) for each in lines]
        first = tellings[0]
        if first is None or any(telling is None or telling[1:] != first[1:] for telling in tellings):
            return None
        ends = [0, *(end for place in places for end in (place.span.start, place.span.stop)), len(line)]
        compare = itemgetter(*(slice(*ends) for ends in list(pairwise(ends))[::2]))
        places.sort(key=lambda place: (*_IDS, *_NUMBERS).index(place.kind))
        try:
            read = _fields_read(lines, [telling[0] for telling in tellings if telling], places)
        except ValueError:  # a time that is none
            read = None
        if read is None:
            return None
        kinds, telling = [place.kind for place in places], first[0]
        cut = itemgetter(*(place.span for place in places), slice(0, 0))
        numbers = sum(kind in _IDS for kind in kinds)
        return _Learned(
            compare=compare,
            same=compare(line),
            places=cut,
            numbers=numbers,
            ms=len(kinds) - kinds.count("ms"),
            form=_form(cut(line), numbers),
            event=type(telling) if isinstance(telling, Event) else None,
            fields=tuple(getattr(telling, name) for name in telling.__struct_fields__),
            read=tuple((field, place, places[place].reader()) for field, place in read.items()),
            origins=first[1],
            zone=first[2],
        )

    def _told(self, line: bytes, marks: Marks) -> tuple[Event | _Nothing, Origins, Zone | None] | None:
        """Return what a line tells by itself, who wrote it, and in which zone; None where it needs others, or is to be counted."""
        unwrapper = Unwrapper()
        unwrapped = unwrapper.unwrap(line)
        if unwrapped.more or marks[-1] in self._kinds.hidden:
            return None
        whole, is_own = whole_time(unwrapped), unwrapped.written_at is not None
        if whole is None or not (is_own or (unwrapped.clock is None and not unwrapped.zoneless)):
            return None
        event = read_event(unwrapped, marks, None, self._kinds)
        if isinstance(event, Malformed) or leaves_unread(line, unwrapped, marks, self._kinds, event):
            return None
        if event is None:
            return _Nothing(whole[0]), unwrapped.origins, unwrapper.zone
        return (
            None if loses_value(unwrapped.text[:SCAN_LIMIT]) else (event, unwrapped.origins, unwrapper.zone)
        )


def _place(match: re.Match[bytes]) -> _Slot:
    kind = next(kind for kind in (*_IDS, *_NUMBERS) if match[kind] is not None)
    return _Slot(kind, slice(*match.span(kind)), (match["zone"] or b"").decode())


def _with_others(line: bytes, places: Sequence[_Slot], chance: Random) -> bytes:
    raw = bytearray(line)
    for place in places:
        raw[place.span] = place.other(line[place.span], chance)
    return bytes(raw)


def _fields_read(
    lines: Sequence[bytes], tellings: Sequence[Event | _Nothing], places: Sequence[_Slot]
) -> dict[int, int] | None:
    """Return from which place each field is read in which these tellings differ; None where one is read in another way."""
    if len(set(map(type, tellings))) > 1:
        return None
    read: dict[int, int] = {}
    for field, name in enumerate(tellings[0].__struct_fields__):
        values = [getattr(telling, name) for telling in tellings]
        if any(value != values[0] for value in values):
            sources = [
                number
                for number, place in enumerate(places)
                if list(map(place.reader(), [line[place.span] for line in lines])) == values
            ]
            if len(sources) != 1:
                return None
            read[field] = sources[0]
    return read
