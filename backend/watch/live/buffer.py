"""Bytes between the thread that reads them and the collector; bounded, so that a flood waits in its pipe."""

from __future__ import annotations

import threading
from collections import deque

MOST_BYTES = 8 << 20
"""So many bytes wait for the collector; then their thread waits, and whoever writes into the pipe."""


class LiveBuffer:
    """The bytes of one stream in order; a None among them says that the stream begins anew."""

    def __init__(self) -> None:
        self._pieces: deque[bytes | None] = deque()
        self._size = 0
        self._closed = False
        self._changed = threading.Condition()

    def put(self, piece: bytes | None) -> None:
        """Add a piece; waits for room until the collector has taken some, or nobody wants any more."""
        with self._changed:
            self._changed.wait_for(lambda: self._size < MOST_BYTES or self._closed)
            if not self._closed:
                self._pieces.append(piece)
                self._size += len(piece or b"")

    def take(self) -> list[bytes | None]:
        """Return all that is there."""
        with self._changed:
            pieces, self._pieces, self._size = list(self._pieces), deque(), 0
            self._changed.notify()
        return pieces

    @property
    def waiting(self) -> bool:
        """Return whether there is anything to take."""
        return bool(self._pieces)

    def close(self) -> None:
        """Want no more."""
        with self._changed:
            self._closed = True
            self._pieces.clear()
            self._changed.notify()
