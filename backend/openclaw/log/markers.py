"""The lines that hold a marker, out of thousands at once.

Most lines of a gateway log are of no interest, so nothing is decoded before a marker was seen. Lines differ in ids,
numbers and times more than in words: with those blanked, most have a shape that was met before, of which it is known which
markers it may hold. Only new shapes are searched.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import compress
from typing import NamedTuple, cast

Marks = tuple[int, ...]
"""Indexes of the markers that a line holds."""

VARYING = b"0123456789abcdef-:.,\"'{}\\/_"
"""Bytes that tell no shapes apart: those of ids, numbers and times, and what JSON puts around words."""
_BLANKED = VARYING.replace(b"{", b"")
_SHAPE = bytes.maketrans(_BLANKED, b"0" * len(_BLANKED))
KEPT_BYTES = 1 << 20
"""Shapes are kept up to so many bytes, then learned anew."""

_OWN_FIELDS = ((b'"_meta":{"runtime"', 660), (rb"\"_meta\":{\"runtime\"", 900))
"""Where the numeric keys of a tslog line end: they stand first in all versions. Plain, and inside another JSON text.

Each with the length of what follows (bytes) from which on a second record may stand on the line: one alone has up to 654
in 2026.4.5, two have more than 800.
"""

_SAMPLE = 16_384
"""So many first bytes are asked first for the form that a block of lines is in."""


class Looked(NamedTuple):
    """What the shapes of lines tell: the `heads` of lines that hold their markers, and which lines may hold one.

    Of these, `concern` has the place, the markers that it may hold, and the shape, in order. `parts`: some of all lines may be
    parts of one.
    """

    heads: Sequence[bytes]
    concern: Sequence[tuple[int, Marks, bytes]]
    parts: bool


def shape_of(text: bytes) -> bytes:
    """Return a text with its varying bytes blanked: the shape of what stands in it stands in its own."""
    return text.translate(_SHAPE)


_OWN_SHAPES = tuple(shape_of(fields) for fields, _ in _OWN_FIELDS)


class MarkerScan:
    """Finds the markers in lines; remembers shapes of lines, within bounds.

    The shape of a marker stands in the shape of every line that holds it, so that no line is missed. `may_be_part` is asked
    of shapes: whether a line that begins so may be a part of one. Raises ValueError for a marker of nothing but varying
    bytes.
    """

    __slots__ = ("_markers", "_of_heads", "_of_lines")

    def __init__(
        self, markers: Sequence[bytes], may_be_part: Callable[[bytes], bool] = lambda _: False
    ) -> None:
        self._markers = tuple(markers)
        shapes = tuple(map(shape_of, markers))
        if not all(shape.strip(b"0{ ") for shape in shapes):
            raise ValueError("a marker needs a letter after f in the alphabet: ids are no markers")
        self._of_lines = _Shapes(shapes, may_be_part, _OWN_SHAPES)
        self._of_heads = _Shapes(shapes, may_be_part)

    def concerning(self, lines: Sequence[bytes]) -> list[tuple[int, Marks]]:
        """Return the places of the lines that hold a marker, in order, each with the markers it holds."""
        looked = self.look(b"\n".join(lines), lines)
        held = ((place, self.held(looked.heads[place], likely)) for place, likely, _ in looked.concern)
        return [(place, marks) for place, marks in held if marks]

    def look(self, text: bytes, lines: Sequence[bytes]) -> Looked:
        """Look which of the lines of a text may hold a marker, by their shapes."""
        heads, met = lines, None
        if _own_in(text[:_SAMPLE]) is None:
            met = self._of_lines.look(text)
        if met is None:
            heads = _heads_in(text, lines)
            met = self._of_heads.look(b"\n".join(heads))
        shapes, likely, parts = met or ([], [], False)
        return Looked(
            heads, list(compress(zip(range(len(likely)), likely, shapes, strict=True), likely)), parts
        )

    def held(self, head: bytes, likely: Marks) -> Marks:
        """Return those of some markers that a line holds."""
        markers = self._markers
        for index in likely:
            if markers[index] not in head:
                return () if len(likely) == 1 else self._held(head, likely)
        return likely

    def marks_of(self, line: bytes) -> Marks:
        """Return the indexes of the markers that one line holds."""
        return self._held(_heads_in(line, (line,))[0], range(len(self._markers)))

    def count(self, line: bytes, marks: Marks) -> int:
        """Return how often these markers stand in one line."""
        total = 0
        for index in marks:
            total += line.count(self._markers[index])
        return total

    def first(self, line: bytes, marks: Marks) -> int:
        """Return the place of the first of these markers in one line."""
        return max(0, min(line.find(self._markers[index]) for index in marks))

    def _held(self, head: bytes, indexes: Iterable[int]) -> Marks:
        return tuple(index for index in indexes if self._markers[index] in head)


class _Shapes:
    """Shapes that were met: the markers that such lines may hold, and those that may be parts; never one with a `refused` word."""

    __slots__ = ("_kept", "_likely", "_markers", "_may_be_part", "_parts", "_refused")

    def __init__(
        self, markers: Sequence[bytes], may_be_part: Callable[[bytes], bool], refused: Sequence[bytes] = ()
    ) -> None:
        self._markers = markers
        self._may_be_part = may_be_part
        self._refused = refused
        self._likely: dict[bytes, Marks] = {}
        self._parts: set[bytes] = set()
        self._kept = 0

    def look(self, text: bytes) -> tuple[list[bytes], list[Marks], bool] | None:
        """Return the shapes of the lines of a text, which markers each may hold, and whether some may be parts.

        None where one is refused.
        """
        if self._kept > KEPT_BYTES:
            self._likely, self._parts, self._kept = {}, set(), 0
        shapes = shape_of(text).split(b"\n")
        likely = list(map(self._likely.get, shapes))
        if None in likely:
            new = {shape for shape, marks in zip(shapes, likely, strict=True) if marks is None}
            if any(word in shape for word in self._refused for shape in new):
                return None
            self._learn(new)
            likely = list(map(self._likely.get, shapes))
        return shapes, cast("list[Marks]", likely), bool(self._parts) and not self._parts.isdisjoint(shapes)

    def _learn(self, shapes: Collection[bytes]) -> None:
        """Search shapes for markers, one search per marker over all of them."""
        text = b"\n".join(shapes)
        hits: dict[int, Marks] = {}
        for index, marker in enumerate(self._markers):
            start = text.find(marker)
            while start >= 0:
                begin = text.rfind(b"\n", 0, start)
                hits[begin] = (*hits.get(begin, ()), index)
                end = text.find(b"\n", start)
                start = text.find(marker, end) if end >= 0 else -1
        begin = -1
        for shape in shapes:
            self._likely[shape] = hits.get(begin, ())
            begin += len(shape) + 1
        self._parts.update(filter(self._may_be_part, shapes))
        self._kept += len(text)


def _own_in(text: bytes) -> tuple[bytes, int] | None:
    return next((fields for fields in _OWN_FIELDS if fields[0] in text), None)


def _heads_in(text: bytes, lines: Sequence[bytes]) -> Sequence[bytes]:
    """Return the lines without tslog's own fields, most of a JSON line; whole those with several records."""
    fields = _own_in(text[:_SAMPLE]) or _own_in(text)
    if fields is None:
        return lines
    own, long = fields
    long += len(own)
    return [
        line
        if (end := line.find(own)) < 0 or (len(line) - end >= long and line.find(own, end + 1) >= 0)
        else line[:end]
        for line in lines
    ]
