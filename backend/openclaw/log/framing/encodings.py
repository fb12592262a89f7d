"""Bytes of a log in whatever encoding: UTF-16, as PowerShell redirects write it, becomes UTF-8; byte order marks go."""

from __future__ import annotations

import codecs

_MARKS = ((codecs.BOM_UTF8, ""), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_SAMPLE = 16


class Decoding:
    """Makes UTF-8 of the pieces of one stream; a stream that is UTF-8 passes as it is."""

    __slots__ = ("_decoder", "_head", "_started")

    def __init__(self) -> None:
        self._decoder: codecs.IncrementalDecoder | None = None
        self._head = b""
        self._started = False

    def feed(self, piece: bytes) -> bytes:
        """Return the piece in UTF-8; the first few bytes are kept until there are enough to tell by."""
        if not self._started:
            piece, self._head = self._head + piece, b""
            if len(piece) < _SAMPLE:
                self._head = piece
                return b""
            piece = self._begin(piece)
        return piece if self._decoder is None else _utf8(self._decoder.decode(piece))

    def finish(self) -> bytes:
        """Return what was kept back: nothing more will come."""
        piece, self._head = self._head, b""
        if not self._started:
            piece = self._begin(piece)
        return piece if self._decoder is None else _utf8(self._decoder.decode(piece, True))

    def _begin(self, head: bytes) -> bytes:
        self._started = True
        for mark, encoding in _MARKS:
            if head.startswith(mark):
                self._use(encoding)
                return head[len(mark) :]
        even, odd = head[0:_SAMPLE:2], head[1:_SAMPLE:2]
        for encoding, high, low in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
            if len(head) >= _SAMPLE and not low.count(0) and high.count(0) >= len(high) - 1:
                self._use(encoding)
        return head

    def _use(self, encoding: str) -> None:
        self._decoder = codecs.getincrementaldecoder(encoding)("replace") if encoding else None


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "replace")
