"""The bytes of one picture and of what changed in it since, packed as one stream and cut into messages."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from lockdeck.backend.hosts.frames import FrameError

PIECE = 512 * 1024
"""A message is at most so long (bytes); a nats-server takes twice as much unless it is told otherwise."""
MOST_UNPACKED = 64 << 20
"""A message that becomes more than this (bytes) is none of ours."""
_STEP = 1 << 20


class StreamPacker:
    """Packs a stream of bytes. What is given at once can be unpacked at once."""

    def __init__(self) -> None:
        self._stream = zlib.compressobj(6)

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """Yield what packs these bytes, in messages."""
        packed = self._stream.compress(data) + self._stream.flush(zlib.Z_SYNC_FLUSH)
        for start in range(0, len(packed), PIECE):
            yield packed[start : start + PIECE]


class StreamUnpacker:
    """Unpacks what a StreamPacker has packed, piece by piece and in its order."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj()

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """Yield the bytes of a piece, a bounded part at a time. Raises FrameError for what was packed by nobody."""
        unpacked, more = 0, True
        while more:
            try:
                part = self._stream.decompress(piece, _STEP)
            except zlib.error as error:
                raise FrameError(f"it sent what can't be unpacked: {error}") from None
            piece = self._stream.unconsumed_tail
            unpacked += len(part)
            if unpacked > MOST_UNPACKED:
                raise FrameError(f"it sent a message of more than {MOST_UNPACKED} bytes")
            yield part
            # All that was given may have been read while a part of what it becomes is still to come.
            more = bool(piece) or len(part) == _STEP
