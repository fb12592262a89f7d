"""What stands before OpenClaw's own words, remembered by its shape: most lines of a stream begin like one above them.

Two beginnings that differ in digits alone have the same prefixes in the same places: no pattern of a prefix asks which digit
it is, but that of syslog's version.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from lockdeck.backend.openclaw.log.framing.prefixes import OWN_TAG, Peeled
from lockdeck.backend.openclaw.log.framing.stamps import IN_UTC, zone_of

_LONGEST = 300
"""So many bytes of a line are searched for where its head ends."""
_MOST = 1000
"""No more heads than so many are remembered."""
_RECORD, _TAG_END = b'{"0":', b"] "
_WORDS = frozenset(b"abcdefghijklmnopqrstuvwxyzBCEGHIKLPQRTUVWXYZ\xe2")
"""First bytes of a message that begin nothing else: no time, no tag, no record (`\\xe2`: an arrow or a check mark)."""
_SHAPE = bytes.maketrans(b"123456789", b"000000000")
_NO_SHAPE = (b"<", b"\x1b]")
"""Heads with one of these are not remembered: syslog's version is a digit, an escape may reach into the message."""


class Head(NamedTuple):
    """A head of some shape: the places at which OpenClaw's line begins, as a record or with a tag, and its message behind that.

    `times` are the places of the times, `between` are the places of what stands between the times. `origins` are those who wrote the line, as the head names
    them. `tells_zone`: of where, too.
    """

    begin: int
    message: int
    is_record: bool
    times: tuple[slice, ...]
    between: tuple[slice, ...]
    origins: tuple[str, ...] = ()
    tells_zone: bool = False


class _Shape(NamedTuple):
    """What heads of one shape have in common, and those that name their writer by what they hold beside times."""

    common: Head
    by_names: dict[bytes, Head]


class Heads:
    """Heads that were met before in one stream."""

    __slots__ = ("_shapes",)

    def __init__(self) -> None:
        self._shapes: dict[bytes, _Shape] = {}

    def of(self, line: bytes) -> Head | None:
        """Return what is remembered of a head like that of this line."""
        end = _end(line)
        shape = self._shapes.get(line[:end].translate(_SHAPE)) if end else None
        if shape is None or line.find(b"\x1b", end) >= 0:
            return None
        return shape.by_names.get(_names(line, shape.common)) if shape.by_names else shape.common

    def remember(self, line: bytes, peeled: Peeled) -> None:
        """Remember the head of a line from which prefixes were taken off."""
        end = _end(line)
        body = peeled.body.encode("utf-8", "replace")
        begin, head = len(line) - len(body), line[:end]
        if not 0 <= begin <= end or not head.isascii() or not line.endswith(body):
            return
        tag = OWN_TAG.match(peeled.body)
        if not (body.startswith(_RECORD) if tag is None else tag.end() == end - begin - 1):
            return
        places = _places(head[:begin], [time.encode() for time in peeled.times])
        if places is None or any(mark in head for mark in _NO_SHAPE):
            return
        if len(self._shapes) >= _MOST:
            self._shapes.clear()
        tells_zone = any(not time.endswith(IN_UTC) and zone_of(time) is not None for time in peeled.times)
        ends = [*(place.start for place in places), begin]
        between = tuple(map(slice, [0, *(place.stop for place in places)], ends))
        this = Head(begin, end, tag is None, places, between, peeled.origins, tells_zone)
        shape = self._shapes.setdefault(head.translate(_SHAPE), _Shape(this, {}))
        if peeled.origins and len(shape.by_names) < _MOST:
            shape.by_names[_names(line, this)] = this


def _names(line: bytes, head: Head) -> bytes:
    """Return a head without its times."""
    return b"".join(map(line.__getitem__, head.between))


def _end(line: bytes) -> int:
    """Return where the head of a line ends: before a record, or behind the tag of a message; 0 for neither."""
    end = line.find(_RECORD, 0, _LONGEST)
    if end >= 0:
        return end
    end = line.find(_TAG_END, 0, _LONGEST) + 2
    while end > 1 and line[end : end + 1] and line[end] not in _WORDS:
        end = line.find(_TAG_END, end, _LONGEST) + 2
    return end if end > 1 and line[end : end + 1] else 0


def _places(head: bytes, times: Sequence[bytes]) -> tuple[slice, ...] | None:
    """Return where the times stand; None where one of them may stand in two places."""
    places: list[slice] = []
    begin = 0
    for time in times:
        begin = head.find(time, begin)
        if begin < 0 or head.count(time) > sum(other.count(time) for other in times):
            return None
        places.append(slice(begin, begin + len(time)))
        begin += len(time)
    return tuple(places)
