"""Lines that a wrapper has cut, spread or written as numbers: made whole before anything else is looked at.

Docker's json-file driver cuts a line after 16 KiB, CRI runtimes mark the parts of one with `P`, journald's export format
spreads an entry over several lines, and its JSON writes a coloured message as a list of bytes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import repeat
from operator import contains

import msgspec

from lockdeck.backend.model.pattern import late_pattern
from lockdeck.backend.openclaw.log.framing.envelopes import (
    ORIGIN_FIELDS,
    message_text,
    open_envelope,
)
from lockdeck.backend.openclaw.log.markers import shape_of
from lockdeck.backend.openclaw.log.objects import decode_object

MOST_BYTES = 1 << 20
"""A line put together from parts is cut off here (bytes)."""
MOST_PARTS = 16
"""So many lines are put together at once."""

_CRI = late_pattern(rb"(\S{20,40} (stdout|stderr) )([PF])(?::[\w:]{0,40})? ")
_CRI_PARTS = (b" stdout P", b" stderr P")
_DOCKER = b'{"log":"'
_DOCKER_WHOLE = b'\\n","stream"'
_NUMBERS, _WORDS = b'"MESSAGE":[', b'"MESSAGE":"'
IN_NUMBERS = (_NUMBERS, b'\\"MESSAGE\\":[')
"""A line of the journal that shows no words, since they are written as numbers: as it is, and inside a string."""
_ENTRY = (b"__CURSOR=", b"__REALTIME_TIMESTAMP=")
_FIELD = late_pattern(rb"([A-Z_][A-Z0-9_]{0,63})=(.*)", re.DOTALL)
_NAME = late_pattern(rb"[A-Z_][A-Z0-9_]{0,63}")
_KEPT = ORIGIN_FIELDS | {"MESSAGE", "__REALTIME_TIMESTAMP", "_SOURCE_REALTIME_TIMESTAMP"}
_BEGINS = tuple(map(shape_of, (_DOCKER, *_ENTRY)))
_CRI_SHAPES = tuple(map(shape_of, _CRI_PARTS))
_CRI_HEAD = 64
"""Parts of CRI's say so within so many first bytes (at most)."""


class Pieces:
    """Makes the lines of one stream whole; parts of stdout and stderr, and of several who write, are kept apart."""

    __slots__ = ("_binary", "_entry", "_parts")

    def __init__(self) -> None:
        self._parts: dict[bytes, bytearray] = {}
        self._entry: dict[str, str] | None = None
        self._binary: _Binary | None = None

    @property
    def wait(self) -> bool:
        """Return whether something is kept to which further lines belong."""
        return bool(self._parts) or self._entry is not None

    def join(self, lines: Sequence[bytes]) -> Sequence[bytes]:
        """Return whole lines; the very same sequence where nothing is cut or spread."""
        if not self.wait and _are_whole(lines):
            return lines
        return [whole for line in lines for whole in self._take(line)]

    def finish(self) -> list[bytes]:
        """Return what was never completed: nothing more will come."""
        rest = [bytes(parts) for parts in self._parts.values()]
        self._parts, self._binary = {}, None
        return rest + self._close()

    def _take(self, line: bytes) -> Sequence[bytes]:
        if self._entry is not None:
            return self._field(self._entry, line)
        if line.startswith(_ENTRY):
            self._entry = {}
            return self._field(self._entry, line)
        if line.startswith(_DOCKER):
            return self._docker(line)
        if line.startswith(b"{") and _NUMBERS in line:
            return [_with_text(line)]
        return self._cri(line)

    def _docker(self, line: bytes) -> Sequence[bytes]:
        if not self._parts and _DOCKER_WHOLE in line:
            return [line]
        record = decode_object(line)
        text = record.get("log") if record else None
        if record is None or not isinstance(text, str):
            return [line]
        opened = open_envelope(record)
        stream = repr((record.get("stream"), opened and opened.origins)).encode()
        if stream not in self._parts and len(self._parts) >= MOST_PARTS:
            return [line]
        parts = self._parts.setdefault(stream, bytearray())
        parts += text.encode("utf-8", "replace")[: MOST_BYTES - len(parts)]
        if not text.endswith("\n"):
            return []
        del self._parts[stream]
        return [msgspec.json.encode(record | {"log": parts.decode("utf-8", "replace")})]

    def _cri(self, line: bytes) -> Sequence[bytes]:
        match = _CRI.match(line)
        if match is None:
            return [line]
        stream, body = match[2], line[match.end() :]
        if match[3] == b"P":
            parts = self._parts.setdefault(stream, bytearray(match[1] + b"F "))
            parts += body[: max(0, MOST_BYTES - len(parts))]
            return []
        return [bytes(self._parts.pop(stream)) + body] if stream in self._parts else [line]

    def _field(self, entry: dict[str, str], line: bytes) -> Sequence[bytes]:
        """Take in one line of an entry of the export format."""
        if self._binary is not None:
            text = self._binary.take(line)
            if text is not None:
                self._keep(entry, self._binary.name, text)
                self._binary = None
            return []
        if not line.strip():
            return self._close()
        match = _FIELD.fullmatch(line)
        if match is not None:
            self._keep(entry, match[1].decode(), match[2].decode("utf-8", "replace"))
            return []
        if _NAME.fullmatch(line):
            self._binary = _Binary(line.decode())
            return []
        return [*self._close(), *self._take(line)]

    @staticmethod
    def _keep(entry: dict[str, str], name: str, text: str) -> None:
        if name in _KEPT:
            entry[name] = text

    def _close(self) -> list[bytes]:
        entry, self._entry = self._entry, None
        return [msgspec.json.encode(entry)] if entry and "MESSAGE" in entry else []


class _Binary:
    """A field of journald's export format that is no plain text: a length of 8 bytes, then so many bytes."""

    __slots__ = ("_bytes", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self._bytes = bytearray()

    def take(self, line: bytes) -> str | None:
        """Take in one line; return the text once all of it is there."""
        self._bytes += line
        size = int.from_bytes(self._bytes[:8], "little") if len(self._bytes) >= 8 else None
        if size is not None and (len(self._bytes) - 8 >= size or size > MOST_BYTES):
            return self._bytes[8 : 8 + min(size, MOST_BYTES)].decode("utf-8", "replace")
        self._bytes += b"\n"
        return None


def _are_whole(lines: Sequence[bytes]) -> bool:
    """Return whether all lines are objects of which none was cut or is written as numbers."""
    if not all(map(bytes.startswith, lines, repeat(b"{"))):
        return False
    docker = [line for line in lines if line.startswith(_DOCKER)]
    if docker and min(map(bytes.rfind, docker, repeat(_DOCKER_WHOLE))) < 0:
        return False
    others = lines if not docker else [line for line in lines if not line.startswith(_DOCKER)]
    unsure = [line for line in others if _WORDS not in line]
    return not any(map(contains, unsure, repeat(_NUMBERS)))


def may_be_part(shape: bytes) -> bool:
    """Return whether a line of this shape may be cut, spread or written as numbers."""
    return (
        shape.startswith(_BEGINS)
        or (shape.startswith(b"{") and shape_of(_NUMBERS) in shape)
        or any(mark in shape[:_CRI_HEAD] for mark in _CRI_SHAPES)
    )


def _with_text(line: bytes) -> bytes:
    """Return an entry of the journal with its message as text instead of a list of bytes."""
    record = decode_object(line) or {}
    text = message_text(record.get("MESSAGE"))
    return line if text is None else msgspec.json.encode(record | {"MESSAGE": text})
