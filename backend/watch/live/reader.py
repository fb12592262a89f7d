"""The events of one stream that comes by itself."""

from __future__ import annotations

import math
from collections.abc import Iterator

from lockdeck.backend.model.moments import is_dated
from lockdeck.backend.model.runs.events import Event
from lockdeck.backend.openclaw.log.stream import EventStream, LineCounts
from lockdeck.backend.watch.live.buffer import LiveBuffer
from lockdeck.backend.watch.live.kept import KeptBytes
from lockdeck.backend.watch.live.pace import Pace
from lockdeck.backend.watch.live.shape import StreamShape
from lockdeck.backend.watch.logs.writers import Writers

SETTLED_S = 1.0
"""What comes before a stream was silent for so long (seconds) may be of any time: `docker logs` begins with what it kept.

One that is never silent is believed where its lines come as they are written (`Pace`).
"""


class LiveReader:
    """Takes what a buffer has. `undated` lines tell no date and may be of any time: they are not told.

    `shape` is that of the stream that goes on, `last_shape` that of the one before it that told something.
    """

    def __init__(self, buffer: LiveBuffer) -> None:
        self._buffer = buffer
        self._stream = EventStream()
        self._came_at: float | None = None
        self._caught_up = False
        self._pace = Pace()
        self.shape, self.last_shape = StreamShape(), StreamShape()
        self.writers = Writers()
        self.kept = KeptBytes()
        self.undated = 0
        self.undated_at = -math.inf

    @property
    def waiting(self) -> bool:
        """Return whether there is anything to read."""
        return self._buffer.waiting

    def read(self, now: float, counts: LineCounts) -> Iterator[Event]:
        """Yield the events of all that came since (`now`: epoch seconds)."""
        pieces = self._buffer.take()
        if pieces:
            self._came_at = now
            if not self._caught_up:
                self._pace.take(pieces, now)
        elif self._came_at is not None and now - self._came_at >= SETTLED_S:
            self._caught_up = True
        for piece in pieces:
            self.kept.take(piece)
            fresh = LineCounts(shaped=self.shape.counts.shaped)
            if piece is None:
                yield from self._dated(self._stream.finish(fresh))
                self._stream, self._caught_up, self._pace = EventStream(), False, Pace()
            else:
                self.shape.begin(piece)
                yield from self._dated(self._stream.feed(piece, fresh, now if self._caught_up else None))
            self.shape.counts.add(fresh)
            counts.add(fresh)
            if piece is None and not self.shape.silent:
                self.shape, self.last_shape = StreamShape(), self.shape
        # What came with the line that showed it may still be of before.
        self._caught_up = self._caught_up or self._pace.of_now

    def _dated(self, events: Iterator[Event]) -> Iterator[Event]:
        """Yield the events with a date, and count the others."""
        for event in events:
            self.shape.events += 1
            if is_dated(event.at):
                yield from self.writers.take(self._stream.origins, event)
            else:
                self.undated, self.undated_at = self.undated + 1, self._came_at or 0.0
