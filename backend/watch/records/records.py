"""The door to what was written about one session: handed to whoever shows it, used in threads of theirs."""

from __future__ import annotations

from collections.abc import Callable

from lockdeck.backend.openclaw.transcriptshape import Record, TranscriptShape, shape_of, text_of
from lockdeck.backend.system.text import SafeText
from lockdeck.backend.watch.records.loglines import Readable, SessionLog


class SessionRecords:
    """Reads logs and transcripts. All may be called in any thread; nothing of it is kept, logged or journaled."""

    def __init__(self, readable: Callable[[], Readable]) -> None:
        self._readable = readable

    def log(self) -> SessionLog:
        """Return a reader of the logs; each is for one thread at a time."""
        return SessionLog(self._readable)

    def transcript(self, path: str, below: str | None) -> TranscriptShape:
        """Read the shape of a transcript; `below`: a directory from which on no link is followed."""
        return shape_of(path, below)

    def text(self, path: str, record: Record, shape: TranscriptShape, below: str | None) -> SafeText:
        """Return what a record of that shape says."""
        return text_of(path, record, shape.inode, below, self._readable().secrets)
