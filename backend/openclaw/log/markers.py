"""The lines that hold a marker, out of thousands at once.

Most lines of a gateway log are of no interest, so nothing is decoded before a marker was seen. Lines differ in ids,
numbers and times more than in words: without those, most have a shape that was met before, of which it is known which
markers it may hold. Only new shapes are searched.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import compress

Marks = tuple[int, ...]
"""Indexes of the markers that a line holds."""

VARYING = b"0123456789abcdef-:.,\"'{}\\/_"
"""Bytes that are left out of a shape: those of ids, numbers and times, and what JSON puts around words."""
KEPT_BYTES = 1 << 20
"""Shapes are kept up to so many bytes, then learned anew."""

_OWN_FIELDS = ((b'"_meta":{"runtime"', 660), (rb"\"_meta\":{\"runtime\"", 900))
"""Where the numeric keys of a tslog line end: they stand first in all versions. Plain, and inside another JSON text.

Each with the length of what follows (bytes) from which on a second record may stand on the line: one alone has up to 654
in 2026.4.5, two have more than 800.
"""

_SAMPLE = 16_384
"""So many first bytes are asked first for the form that a block of lines is in."""


class MarkerScan:
    """Finds the markers in lines; remembers shapes of lines, within bounds.

    A marker without its varying bytes stands in the shape of every line that holds it, so that no line is missed.
    Raises ValueError for a marker of nothing but varying bytes.
    """

    __slots__ = ("_kept", "_likely", "_markers", "_shapes")

    def __init__(self, markers: Sequence[bytes]) -> None:
        self._markers = tuple(markers)
        self._shapes = tuple(marker.translate(None, VARYING) for marker in markers)
        if not all(shape.strip() for shape in self._shapes):
            raise ValueError("a marker needs a letter after f in the alphabet: ids are no markers")
        self._likely: dict[bytes, Marks] = {}
        self._kept = 0

    def concerning(self, lines: Sequence[bytes]) -> list[tuple[int, Marks]]:
        """Return the places of the lines that hold a marker, in order, each with the markers it holds."""
        return self.concerning_in(b"\n".join(lines), lines)

    def concerning_in(self, text: bytes, lines: Sequence[bytes]) -> list[tuple[int, Marks]]:
        """Return the same for the lines of a `text` that is there already."""
        if self._kept > KEPT_BYTES:
            self._likely, self._kept = {}, 0
        heads = _heads_in(text, lines)
        words = text if heads is lines else b"\n".join(heads)
        shapes = words.translate(None, VARYING).split(b"\n")
        likely = list(map(self._likely.get, shapes))
        if None in likely:
            self._learn({shape for shape, marks in zip(shapes, likely, strict=True) if marks is None})
            likely = list(map(self._likely.get, shapes))
        concern, markers = [], self._markers
        for place, marks in compress(enumerate(likely), likely):
            head, indices = heads[place], marks or ()
            for index in indices:
                if markers[index] not in head:
                    indices = () if len(indices) == 1 else self._held(head, indices)
                    break
            if indices:
                concern.append((place, indices))
        return concern

    def marks_of(self, line: bytes) -> Marks:
        """Return the indexes of the markers that one line holds."""
        return self._held(heads_of((line,))[0], range(len(self._markers)))

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

    def _learn(self, shapes: Collection[bytes]) -> None:
        """Search shapes for markers, one search per marker over all of them."""
        text = b"\n".join(shapes)
        hits: dict[int, Marks] = {}
        for index, marker in enumerate(self._shapes):
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
        self._kept += len(text)


def heads_of(lines: Sequence[bytes]) -> Sequence[bytes]:
    """Return the lines without tslog's own fields, most of a JSON line; whole those with several records."""
    return _heads_in(b"\n".join(lines), lines)


def _heads_in(text: bytes, lines: Sequence[bytes]) -> Sequence[bytes]:
    own, long = next(
        (fields for part in (text[:_SAMPLE], text) for fields in _OWN_FIELDS if fields[0] in part), (None, 0)
    )
    if own is None:
        return lines
    long += len(own)
    return [
        line
        if (end := line.find(own)) < 0 or (len(line) - end >= long and line.find(own, end + 1) >= 0)
        else line[:end]
        for line in lines
    ]
