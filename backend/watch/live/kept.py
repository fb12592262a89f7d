"""The last bytes of a log that came by itself: they can be read nowhere else again."""

from __future__ import annotations

import threading
from collections import deque

KEPT_BYTES = 256 * 1024
"""So many bytes of each stream are kept."""


class KeptBytes:
    """The newest pieces of one stream. The collector's thread takes them in, any may read them."""

    def __init__(self) -> None:
        self._end = 0
        self._pieces: deque[bytes] = deque()
        self._size = 0
        self._lock = threading.Lock()

    def take(self, piece: bytes | None) -> None:
        """Keep a piece; None says that the stream begins anew, so that a line which has begun ends."""
        piece = b"\n" if piece is None else piece
        with self._lock:
            self._pieces.append(piece)
            self._size += len(piece)
            self._end += len(piece)
            while self._size - len(self._pieces[0]) >= KEPT_BYTES:
                self._size -= len(self._pieces.popleft())

    def read(self) -> tuple[int, bytes]:
        """Return how many bytes came in all, and the last of them."""
        with self._lock:
            return self._end, b"".join(self._pieces)
