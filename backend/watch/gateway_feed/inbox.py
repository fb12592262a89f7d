"""The box in which a connection's reading thread leaves what it heard: bounded, whatever a gateway sends."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from lockdeck.backend.model.runs.events import Event
from lockdeck.backend.openclaw.gateway.rows import Sign, changes_sessions, event_of, progress_of

MOST_EVENTS = 2048
"""Events kept until they are fetched; of a flood the newest are kept and the others counted."""
MOST_SESSIONS = 5000
"""Sessions of which the last progress is kept."""


class BoxContents(Struct, frozen=True):
    """All that came in since the last time. `progress` is the last sign of work by session key.

    `dropped` counts the events lost to a flood, `changed` tells that session rows are out of date.
    """

    events: tuple[Event, ...]
    progress: Mapping[str, Sign]
    dropped: int
    changed: bool


class FeedBox:
    """Filled by one thread, emptied by another. `bell` rings when something came in that cannot wait."""

    def __init__(self, clock: Callable[[], float], bell: threading.Event) -> None:
        self._clock = clock
        self._bell = bell
        self._lock = threading.Lock()
        self._events: deque[Event] = deque(maxlen=MOST_EVENTS)
        self._progress: dict[str, Sign] = {}
        self._dropped = 0
        self._changed = False

    def hear(self, frame: Mapping[str, Any]) -> None:
        """Take in one frame. Raises nothing."""
        if frame.get("type") != "event":
            return
        now = self._clock()
        event, progress, changed = event_of(frame, now), progress_of(frame, now), changes_sessions(frame)
        leaves = frame.get("event") == "shutdown"
        with self._lock:
            if event is not None:
                self._dropped += len(self._events) == MOST_EVENTS
                self._events.append(event)
            if progress is not None and (
                progress[0] in self._progress or len(self._progress) < MOST_SESSIONS
            ):
                self._progress[progress[0]] = progress[1]
            self._changed = self._changed or changed
        if event is not None or changed or leaves:
            self._bell.set()

    def empty(self) -> BoxContents:
        """Return what is there, and forget it."""
        with self._lock:
            contents = BoxContents(tuple(self._events), dict(self._progress), self._dropped, self._changed)
            self._events.clear()
            self._dropped, self._changed = 0, False
        return contents
