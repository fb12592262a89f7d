"""Packed logs as their bytes: gzip, xz, bzip2 and zstandard, known by their first bytes and not by a name.

Unpacks as it goes: however much a few bytes unpack to, no more than a piece of it is kept at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Protocol

from msgspec import Struct

PIECE = 1 << 20
"""Bytes unpacked at once."""
XZ_MEMORY = 256 << 20
"""Memory (bytes) that an xz file may ask for to be unpacked; `xz -9` asks for 65 MiB."""
NEEDS_ZSTD = 'it is packed with zstandard, which needs Python 3.14 or `pip install "lockdeck[zstd]"`'


class CannotUnpackError(OSError):
    """What is packed can't be unpacked here at all."""


class Decompressor(Protocol):
    """One packed stream, as `bz2`, `lzma` and `zstd` have it."""

    @property
    def eof(self) -> bool:
        """Return whether its end was reached."""

    @property
    def needs_input(self) -> bool:
        """Return whether nothing more comes without further packed bytes."""

    @property
    def unused_data(self) -> bytes:
        """Return what was fed beyond its end."""

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        """Unpack at most `max_length` bytes."""


class Packing(Struct, frozen=True):
    """One way to pack: its name, what such data begins with, how it is unpacked, and the command that does so."""

    name: str
    marks: tuple[bytes, ...]
    command: str
    start: Callable[[], Decompressor]


class _Gzip:
    """One member of a gzip file, in the shape of the other decompressors."""

    __slots__ = ("_full", "_inner", "_rest")

    def __init__(self) -> None:
        import zlib

        self._inner = zlib.decompressobj(wbits=31)
        self._rest = b""
        self._full = False

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._rest and not self._full and not self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        piece = self._inner.decompress(self._rest + data, max_length)
        self._rest = self._inner.unconsumed_tail
        # A piece of full length may leave more inside, although all bytes were taken in.
        self._full = len(piece) == max_length
        return piece


def _xz() -> Decompressor:
    import lzma

    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=XZ_MEMORY)


def _bzip2() -> Decompressor:
    import bz2

    return bz2.BZ2Decompressor()


def _zstd() -> Decompressor:
    module = _zstd_module()
    if module is None:
        raise CannotUnpackError(None, NEEDS_ZSTD)
    decompressor: Decompressor = module.ZstdDecompressor()
    return decompressor


def _zstd_module() -> ModuleType | None:
    from importlib import import_module

    for name in ("compression.zstd", "backports.zstd"):
        try:
            return import_module(name)
        except ImportError:
            continue
    return None


_ZSTD_SKIPPABLE = tuple(bytes([0x50 + kind]) + b"\x2a\x4d\x18" for kind in range(16))
_BZIP2 = tuple(
    b"BZh%d" % level + block for level in range(1, 10) for block in (b"1AY&SY", b"\x17\x72\x45\x38\x50\x90")
)
PACKINGS = (
    Packing("gzip", (b"\x1f\x8b\x08",), "zcat", _Gzip),
    Packing("xz", (b"\xfd7zXZ\0",), "xzcat", _xz),
    Packing("bzip2", _BZIP2, "bzcat", _bzip2),
    Packing("zstandard", (b"\x28\xb5\x2f\xfd", *_ZSTD_SKIPPABLE), "zstdcat", _zstd),
)
_ARCHIVES = {
    b"PK\x03\x04": "a zip archive",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!\x1a\x07": "a rar archive",
    b"\x04\x22\x4d\x18": "packed with lz4",
    b"\x1f\x9d": "packed with compress",
}
_TAR, _TAR_PLACE = b"ustar", 257
_MARKS = (*_ARCHIVES, *(mark for packing in PACKINGS for mark in packing.marks))
LONGEST_MARK = max(_TAR_PLACE + len(_TAR), *map(len, _MARKS))
"""So many first bytes (at most) tell whether data is packed."""


def packing_of(head: bytes) -> Packing | None:
    """Return how data that begins with `head` is packed; None for plain data."""
    return next((packing for packing in PACKINGS if head.startswith(packing.marks)), None)


def why_packed(head: bytes) -> str | None:
    """Say how data that begins with `head` is packed, and what unpacks it; None for plain data."""
    packing = packing_of(head)
    return (
        _archive(head)
        if packing is None
        else f"it is packed with {packing.name}: unpack it first ({packing.command})"
    )


def _archive(head: bytes) -> str | None:
    if head.startswith(_TAR, _TAR_PLACE) and b"\0" in head[:_TAR_PLACE]:
        return "it is a tar archive: unpack it first (tar -xf)"
    return next(
        (f"it is {kind}: unpack it first" for mark, kind in _ARCHIVES.items() if head.startswith(mark)), None
    )


class Unpacker:
    """The bytes of one input, in pieces of any size, unpacked where they are packed.

    `problem` says what was wrong with packed data; what could be unpacked before counts.
    """

    __slots__ = ("_begun", "_decompressor", "_head", "_packing", "_settled", "problem")

    def __init__(self) -> None:
        self.problem: str | None = None
        self._head = b""
        self._settled = False
        self._begun = False
        self._packing: Packing | None = None
        self._decompressor: Decompressor | None = None

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """Yield what `piece` unpacks to. Raises CannotUnpackError."""
        if not self._settled:
            piece, self._head = self._head + piece, b""
            if any(mark.startswith(piece) for mark in _MARKS if len(piece) < len(mark)):
                self._head = piece
                return
            self._settle(piece)
        if self._packing is None:
            yield piece
        elif self.problem is None:
            yield from self._unpack(piece)

    def finish(self) -> Iterator[bytes]:
        """Yield what was kept to tell by it; with packed data, see to it that its end has come."""
        head, self._head = self._head, b""
        if head and not self._settled:
            yield head
        if self._packing is not None and self.problem is None:
            if head:
                self.problem = f"bytes after its {self._packing.name} data are left out"
            elif self._decompressor is not None:
                self.problem = (
                    f"is cut off: its {self._packing.name} data has no end; what could be unpacked counts"
                )

    def _settle(self, head: bytes) -> None:
        archive = _archive(head)
        if archive is not None:
            raise CannotUnpackError(None, archive)
        self._settled = True
        self._packing = packing_of(head)
        if self._packing is not None:
            self._decompressor = self._packing.start()

    def _look_inside(self, piece: bytes) -> None:
        """See to it that what was packed is no archive, and not packed again."""
        inside = None if self._begun else why_packed(piece)
        if inside is not None:
            raise CannotUnpackError(None, f"inside, {inside}")
        self._begun = True

    def _unpack(self, packed: bytes) -> Iterator[bytes]:
        while True:
            if self._decompressor is None:
                packed = self._between(packed)
                if self._decompressor is None:
                    return
            try:
                piece = self._decompressor.decompress(packed, PIECE)
            except _errors() as error:
                self.problem = f"is damaged: {error}; what could be unpacked before counts"
                return
            packed = b""
            if piece:
                self._look_inside(piece)
                yield piece
            if self._decompressor.eof:
                packed, self._decompressor = self._decompressor.unused_data, None
                if not packed:
                    return
            elif self._decompressor.needs_input:
                return

    def _between(self, packed: bytes) -> bytes:
        """Take in what follows a whole stream: another one, zeros that fill a tape, or what is no packed data."""
        packed = (self._head + packed).lstrip(b"\0")
        self._head = b""
        packing = packing_of(packed)
        if packing is not None:
            self._packing, self._decompressor = packing, packing.start()
        elif any(mark.startswith(packed) for mark in _MARKS):
            self._head = packed
        elif packed and self._packing is not None:
            self.problem = f"bytes after its {self._packing.name} data are left out"
        return packed


def _errors() -> tuple[type[Exception], ...]:
    """Return with what the libraries say that something is damaged."""
    import lzma
    import zlib

    zstd_error: type[Exception] = getattr(_zstd_module(), "ZstdError", OSError)
    return (OSError, EOFError, zlib.error, lzma.LZMAError, zstd_error)
