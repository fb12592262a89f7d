"""The log of a gateway from now on: its log files, or the gateway's own `logs.tail` where no file is at hand."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from lockdeck.backend.model.runs.events import (
    Event,
    FailoverDecision,
    ModelFallbackDecision,
    StuckSession,
)
from lockdeck.backend.openclaw.gateway.access import Line
from lockdeck.backend.openclaw.gateway.trouble import GatewayError
from lockdeck.backend.openclaw.log.files import open_regular, read_end
from lockdeck.backend.openclaw.log.stream import EventStream, LineCounts

_PIECE = 1 << 20
_TAIL = 512 * 1024
_TAIL_S = 1.0
_CONTINUES = frozenset({"rotate_profile", "fallback_model"})


class LogReader(Protocol):
    """A log from one moment on."""

    readable: bool
    """Whether anything can be learnt from it."""

    def news(self) -> list[Event]:
        """Return the events since the last call."""
        ...


class FileLog:
    """The log files at some paths, from their present ends on; a file that is replaced is read from its start."""

    def __init__(self, paths: Sequence[str], clock: Callable[[], float]) -> None:
        self._clock = clock
        self._streams = {path: EventStream() for path in paths}
        self._positions = {path: _position(path) for path in paths}
        self.readable = any(position is not None for position in self._positions.values())

    def news(self) -> list[Event]:
        """Return what was written since the last call; a file that can't be read has nothing to say."""
        return [event for path in self._streams for event in self._news_of(path)]

    def _news_of(self, path: str) -> Iterator[Event]:
        try:
            descriptor = open_regular(path, follow=True)
        except OSError:
            return
        try:
            status = os.fstat(descriptor)
            inode, offset = self._positions[path] or (None, 0)
            offset = offset if inode == (status.st_dev, status.st_ino) and offset <= status.st_size else 0
            while piece := os.pread(descriptor, _PIECE, offset):
                offset += len(piece)
                yield from self._streams[path].feed(piece, LineCounts(), self._clock())
            self._positions[path] = (status.st_dev, status.st_ino), offset
        finally:
            os.close(descriptor)


class GatewayLog:
    """The log that the gateway itself says it writes (`logs.tail`, operator.read), from its present end on."""

    def __init__(self, line: Line, clock: Callable[[], float]) -> None:
        self._line = line
        self._clock = clock
        self._stream = EventStream()
        self._cursor: object = None
        self.readable = False
        self.news()

    def news(self) -> list[Event]:
        """Return the lines since the last call; none while the gateway does not answer."""
        params = {"limit": 1} if self._cursor is None else {"cursor": self._cursor, "limit": 5000}
        try:
            answer = self._line.call("logs.tail", params, _TAIL_S)
        except GatewayError:
            return []
        lines, first = answer.get("lines"), self._cursor is None
        self._cursor = answer.get("cursor")
        self.readable = isinstance(self._cursor, int)
        if first or not isinstance(lines, list):
            return []
        text = "".join(f"{line}\n" for line in lines if isinstance(line, str))
        return list(self._stream.feed(text.encode("utf-8", "replace"), LineCounts(), self._clock()))


def first_continuation(
    events: Sequence[Event], run_ids: frozenset[str]
) -> FailoverDecision | ModelFallbackDecision | None:
    """Return the first decision by which one of the runs goes on to a next profile or model."""
    for event in events:
        if isinstance(event, FailoverDecision) and event.run_id in run_ids and event.decision in _CONTINUES:
            return event
        if isinstance(event, ModelFallbackDecision) and event.run_id in run_ids and event.next_candidate:
            return event
    return None


def queue_depth(paths: Sequence[str], session_key: str, session_id: str | None) -> int | None:
    """Return how many messages wait for a session, by OpenClaw's latest diagnosis; None: not told.

    Only its lines about stuck sessions carry `queueDepth`; no call of 2026.4.5 does.
    """
    depth = None
    for event in recent_events(paths) or ():
        if (isinstance(event, StuckSession) and session_key == event.session_key) or (
            isinstance(event, StuckSession) and session_id is not None and session_id == event.session_id
        ):
            depth = event.queue_depth if event.queue_depth is not None else depth
    return depth


def recent_events(paths: Sequence[str]) -> list[Event] | None:
    """Return the events in the last half megabyte of each log file; None where none can be read."""
    events: list[Event] | None = None
    for path in paths:
        try:
            descriptor = open_regular(path, follow=True)
        except OSError:
            continue
        try:
            raw, status = read_end(descriptor, _TAIL)
        finally:
            os.close(descriptor)
        events = events or []
        stream = EventStream(mid_line=status.st_size > len(raw))
        events += stream.feed(raw, LineCounts())
    return events


def _position(path: str) -> tuple[tuple[int, int], int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return (status.st_dev, status.st_ino), status.st_size
