"""Bytes of a log in whatever encoding: UTF-16, as PowerShell redirects write it, becomes UTF-8; byte order marks go.

Who appends to a log may write it in another encoding than who began it: each line is read by its own bytes.
"""

from __future__ import annotations

import codecs

from lockdeck.backend.model.pattern import late_pattern

MOST_HELD = 1 << 20
"""So many bytes (at most) are kept until a line in UTF-16 has its end."""
_MARKS = {"utf-8": codecs.BOM_UTF8, "utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}
_ENDS = {"utf-16-le": (b"\n\0", b"\r\0"), "utf-16-be": (b"\0\n", b"\0\r")}
_LINE_END = late_pattern(rb"[\r\n]")
_BEGIN = 4
_LINE_BEGUN = late_pattern(rb"[\r\n]([^\r\n]+)\Z")
_SAMPLE = 64
"""So many first bytes (at most) tell in what encoding a line is."""


class Decoding:
    """Makes UTF-8 of the pieces of one stream; a stream that is UTF-8 passes as it is, but for a mark in front."""

    __slots__ = ("_encoding", "_held", "_plain", "_started")

    def __init__(self) -> None:
        self._held = b""
        self._encoding = "utf-8"
        self._plain = True
        self._started = False

    def feed(self, piece: bytes) -> bytes:
        """Return the piece in UTF-8; where there is UTF-16, what belongs to no whole line yet is kept."""
        piece, self._held = self._held + piece if self._held else piece, b""
        if not self._started and len(piece) < len(codecs.BOM_UTF8):
            self._held = piece
            return b""
        self._begin(piece)
        if self._plain:
            if b"\0" not in piece:
                return self._without_mark(self._hold_begin(piece))
            self._plain = False
        return self._lines(piece)

    def finish(self) -> bytes:
        """Return what was kept back: nothing more will come."""
        self._begin(self._held)
        rest, self._held = self._held, b""
        return self._without_mark(rest) if self._plain else _text(rest, _of_head(rest, self._encoding))

    def _begin(self, head: bytes) -> None:
        if not self._started and head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            self._plain = False

    def _hold_begin(self, piece: bytes) -> bytes:
        """Keep the very first bytes of a last line, which may be of one in UTF-16."""
        match = _LINE_BEGUN.search(piece, len(piece) - _BEGIN)
        if match is None:
            return piece
        self._held = match[1]
        return piece[: match.start(1)]

    def _without_mark(self, piece: bytes) -> bytes:
        began, self._started = self._started, True
        return piece if began else piece.removeprefix(codecs.BOM_UTF8)

    def _lines(self, raw: bytes) -> bytes:
        """Return the lines that are whole; keep the rest."""
        self._started = True
        texts, begin = [], 0
        for match in _LINE_END.finditer(raw):
            place = match.start()
            if place < begin:
                continue
            encoding = _of_head(raw[begin : min(place, begin + _SAMPLE)], self._encoding)
            end = place + 1
            if encoding == "utf-16-le":
                if end == len(raw):
                    break  # nobody knows yet whether its other byte follows
                end += 1
            if encoding != "utf-8" and ((end - begin) % 2 or raw[end - 2 : end] not in _ENDS[encoding]):
                continue
            texts.append(_text(raw[begin:end], encoding))
            begin, self._encoding = end, encoding
        if len(raw) - begin > MOST_HELD:
            cut = begin + (len(raw) - begin & ~1)
            texts.append(_text(raw[begin:cut], _of_head(raw[begin : begin + _SAMPLE], self._encoding)))
            begin = cut
        self._held = raw[begin:]
        return b"".join(texts)


def _text(line: bytes, encoding: str) -> bytes:
    """Return a line in UTF-8, without a mark in front."""
    line = line.removeprefix(_MARKS[encoding])
    return line if encoding == "utf-8" else line.decode(encoding, "replace").encode("utf-8", "replace")


def _of_head(head: bytes, before: str) -> str:
    """Return the encoding that the first bytes of a line tell; `before` is that of the line above."""
    marked = next((encoding for encoding, mark in _MARKS.items() if head.startswith(mark)), None)
    if marked is not None:
        return marked
    even, odd = head[0::2], head[1::2]
    if b"\0" in head:
        for encoding, high, low in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
            if not low.count(0) and 2 * high.count(0) >= len(high):
                return encoding
    if before != "utf-8" and not _is_utf_8(head):
        return before
    return "utf-8"


def _is_utf_8(head: bytes) -> bool:
    """Return whether the first bytes of a line are UTF-8, of which a last character may be cut off."""
    if b"\0" in head or not head:
        return False
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return True
