"""Bytes of a log into whole lines, in bounded memory, and the counts of what was read."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

from msgspec import Struct

from lockdeck.backend.model.pattern import late_pattern
from lockdeck.backend.model.words import times
from lockdeck.backend.openclaw.log.framing.encodings import Decoding
from lockdeck.backend.system.text import SafeText, safe

MAX_LINE = 1 << 20
"""A line longer than this (bytes) is counted as oversize and skipped."""

NO_LOG_FILE = "no log: no line has a time or a tag in front, or is a record"
"""Said of what is not `LineCounts.of_log`."""

_LONE_RETURN = late_pattern(rb"\r(?!\r*\n)")
PREVIEW = 160
"""Characters of a line that could not be read that are shown."""


class LineCounts(Struct):
    """Counts of what went through a reader.

    `relevant` lines held a marker, `malformed` lines are those of them that could not be understood and those
    that are no text, `oversize` lines were skipped. Other lines without a marker are only counted. `unread` are the
    malformed ones that look like OpenClaw's, the first of them shown in `first_unread`. `shaped` says that a line
    has the shape of a log's. Of the events told, `zoneless` have a time without a zone: it is taken for one of this host.
    `cut` ones lost a value where somebody cut the line to a width.
    """

    lines: int = 0
    relevant: int = 0
    malformed: int = 0
    oversize: int = 0
    bytes: int = 0
    unread: int = 0
    zoneless: int = 0
    cut: int = 0
    first_unread: SafeText = SafeText("")
    shaped: bool = False

    def add(self, counts: LineCounts) -> None:
        """Take in what was counted elsewhere, later."""
        self.lines += counts.lines
        self.relevant += counts.relevant
        self.malformed += counts.malformed
        self.oversize += counts.oversize
        self.bytes += counts.bytes
        self.unread += counts.unread
        self.zoneless += counts.zoneless
        self.cut += counts.cut
        self.first_unread = self.first_unread or counts.first_unread
        self.shaped = self.shaped or counts.shaped

    def miss(self, text: str) -> None:
        """Count a line that looks like OpenClaw's and could not be read."""
        self.malformed += 1
        self.unread += 1
        self.first_unread = self.first_unread or safe(text.strip(), PREVIEW)

    @property
    def of_log(self) -> bool:
        """Return whether lines of which none told an event can be those of a log: text, and in the shape of one."""
        return not self.lines or self.unread > 0 or (self.shaped and 2 * self.malformed <= self.lines)

    def zoneless_sentence(self) -> str | None:
        """Say how many times are taken for local ones of this host; None where all tell their zone."""
        if not self.zoneless:
            return None
        verb = "tells" if self.zoneless == 1 else "tell"
        return f"{times(self.zoneless, 'line')} {verb} a time without a zone: taken for one of this machine's zone"

    def cut_sentence(self) -> str | None:
        """Say how many lines were cut to a width; None where all are whole."""
        if not self.cut:
            return None
        verb = "was" if self.cut == 1 else "were"
        return (
            f"{times(self.cut, 'line')} {verb} cut to a width: values that were cut are not read; "
            "show the log without a pager and in full"
        )

    def unread_sentence(self) -> str | None:
        """Say how many lines could not be read although they look like OpenClaw's; None where all were."""
        if not self.unread:
            return None
        verb = "looks" if self.unread == 1 else "look"
        return (
            f"{times(self.unread, 'line')} {verb} like OpenClaw's and could not be read; "
            f"the first: {self.first_unread}"
        )


class LineFeed:
    """The bytes of one log, given in order in pieces of any size, as whole lines.

    Keeps a half-written last line until its end arrives; never keeps more than `MAX_LINE` bytes. Lines come in UTF-8,
    whatever the encoding, and a carriage return alone ends one too.
    """

    __slots__ = ("_decoding", "_pending", "_returned", "_skipping")

    def __init__(self, *, mid_line: bool = False) -> None:
        """`mid_line`: the first piece starts inside a line, whose rest is not looked at."""
        self._decoding = Decoding()
        self._pending = b""
        self._returned = b""
        self._skipping = mid_line

    def feed(self, piece: bytes, counts: LineCounts) -> list[bytes]:
        """Return the lines that `piece` completes, without their newlines."""
        counts.bytes += len(piece)
        return self._split(self._decoding.feed(piece), counts)

    def finish(self, counts: LineCounts) -> list[bytes]:
        """Return the last line when it has no newline: nothing more will come."""
        lines = self._split(self._decoding.finish(), counts)
        rest, self._pending, self._returned = self._pending, b"", b""
        counts.lines += bool(rest)
        return [*lines, rest] if rest else lines

    def next_file(self, counts: LineCounts, *, begins: bool) -> list[bytes]:
        """Return the lines that are whole where another file of the same log follows; one that `begins` ends them all."""
        lines = self._split(self._decoding.finish(), counts)
        self._decoding = Decoding()
        if begins:
            lines += self.finish(counts)
            self._skipping = False
        return lines

    def _split(self, piece: bytes, counts: LineCounts) -> list[bytes]:
        if self._returned or b"\r" in piece:
            piece, self._returned = self._returned + piece, b""
            if piece.endswith(b"\r"):  # the next piece may begin with its newline
                piece, self._returned = piece[:-1], b"\r"
            piece = _LONE_RETURN.sub(b"\n", piece)
        if self._skipping:
            end = piece.find(b"\n")
            if end < 0:
                return []
            self._skipping = False
            piece = piece[end + 1 :]
        lines, rest = _lines_of(piece)
        if lines and self._pending:
            lines[0] = self._pending + lines[0]
            self._pending = b""
        self._hold_back(self._pending + rest, counts)
        counts.lines += len(lines)
        return lines

    def _hold_back(self, rest: bytes, counts: LineCounts) -> None:
        if len(rest) <= MAX_LINE:
            self._pending = rest
            return
        counts.oversize += 1
        counts.lines += 1
        self._pending = b""
        self._skipping = True


def _lines_of(piece: bytes) -> tuple[list[bytes], bytes]:
    """Return the lines of a piece, and what follows the last newline. A reader finds ends of lines faster than a split does."""
    end = piece.rfind(b"\n") + 1
    return [line[:-1] for line in BytesIO(piece[:end])], piece[end:]


def no_text(text: bytes, lines: Sequence[bytes]) -> set[int]:
    """Return the places of the lines of `text` that are none: where a NUL stands, all that are not UTF-8 either."""
    if b"\0" not in text:
        return set()
    return {place for place, line in enumerate(lines) if not _is_text(line)}


def _is_text(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return b"\0" not in line
