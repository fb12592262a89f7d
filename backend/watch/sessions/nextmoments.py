"""When the sessions of a root may look different although nothing happens to them, the next one first."""

from __future__ import annotations

import heapq
import math
from itertools import count

from lockdeck.backend.watch.sessions.picture import SessionPicture

FEW = 1024
"""So many moments that nobody waits for any more are kept at least."""
TRUSTED_S = 300.0
"""No session that is more than a row is taken for what it was for longer than this (seconds), whatever its rules say."""


class NextMoments:
    """Asks each session only at its next moment (epoch seconds). Owned by the collector's thread.

    What each session of a picture waits for stands in the picture (`until`; one that came is long ago there): a moment that
    was put off, or that nobody waits for any more, is passed over here when it comes.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, SessionPicture, str]] = []
        self._order = count()
        self._most = FEW
        self._asked_at = -math.inf

    def wait(self, picture: SessionPicture, key: str, until: float) -> None:
        """Let a session be due at a moment."""
        same, picture.until[key] = picture.until.get(key) == until, until
        if not same and until < math.inf:
            heapq.heappush(self._heap, (until, next(self._order), picture, key))
            if len(self._heap) > self._most:
                self._heap = [entry for entry in self._heap if entry[2].until.get(entry[3]) == entry[0]]
                heapq.heapify(self._heap)
                self._most = max(FEW, 2 * len(self._heap))

    def due(self, now: float) -> dict[str, set[str]]:
        """Return the keys of the sessions whose moment has come, by directory; where the clock went back, all of them."""
        due: dict[str, set[str]] = {}
        everything, self._asked_at = now < self._asked_at, now
        while self._heap and (everything or self._heap[0][0] <= now):
            until, _, picture, key = heapq.heappop(self._heap)
            if picture.until.get(key) == until:
                picture.until[key] = -math.inf
                due.setdefault(picture.path, set()).add(key)
        return due
