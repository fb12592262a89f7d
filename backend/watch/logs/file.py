"""One log file that is followed: an open descriptor, and how far it was read."""

from __future__ import annotations

import os

from lockdeck.backend.model.runs.events import Event
from lockdeck.backend.openclaw.log.place import LogPlace
from lockdeck.backend.openclaw.log.stream import EventStream, LineCounts
from lockdeck.backend.system.text import SafeText
from lockdeck.backend.watch.logs.undated import UndatedLines
from lockdeck.backend.watch.logs.writers import Writers

_ANCHOR = 64
"""So many bytes before our place must still be the same."""


class Followed:
    """A log that stays open, so that its inode can't be reused and a rename or deletion loses nothing.

    `place` is where it stood. The first look begins `lookback` bytes before the end. `undated` are the
    lines that tell no date and were not seen to arrive.
    """

    def __init__(
        self, descriptor: int, name: SafeText, place: LogPlace, opened: os.stat_result, lookback: int
    ) -> None:
        self.descriptor = descriptor
        self.name = name
        self.place = place
        self.size = opened.st_size
        self.mtime = opened.st_mtime
        self.offset = max(0, self.size - lookback)
        self.unlinked = False
        self.undated = UndatedLines()
        self.writers = Writers()
        length = min(_ANCHOR, self.offset)
        self._anchor = os.pread(descriptor, length, self.offset - length)
        self._stream = EventStream(mid_line=self.offset > 0)
        self._caught_up = False

    @property
    def behind(self) -> int:
        """Bytes that were written but not yet read."""
        return max(0, self.size - self.offset)

    def read(self, now: float, share: int, counts: LineCounts) -> list[tuple[Event, bool]]:
        """Read at most `share` bytes on; with each event, whether its line told its time. Raises OSError."""
        status = os.fstat(self.descriptor)
        self.size, self.mtime, self.unlinked = status.st_size, status.st_mtime, status.st_nlink == 0
        if self.offset and self._rewritten():
            self.offset, self._anchor = 0, b""
            self._stream, self._caught_up = EventStream(), False
        piece = os.pread(self.descriptor, min(share, self.behind), self.offset)
        # What stood there before the first look, or is read behind its writer, may be of any time; the rest is new.
        stream, arrival = self._stream, now if self._caught_up else None
        events = [
            (event, stream.dated)
            for told in stream.feed(piece, counts, arrival)
            for event in self.writers.take(stream.origins, told)
        ]
        self.offset += len(piece)
        self._caught_up = not self.behind
        self._anchor = (self._anchor + piece)[-_ANCHOR:]
        return events

    def settle(self, oldest: float, now: float) -> None:
        """Decide on lines without a date, where all is read; `oldest` is what still matters (epoch seconds)."""
        if self._caught_up:
            self.undated.settle(self.mtime, self._stream.last_clocks, oldest, now)

    def _rewritten(self) -> bool:
        """Return whether the file was truncated, also when it has grown past our place again."""
        length = len(self._anchor)
        return os.pread(self.descriptor, length, self.offset - length) != self._anchor
