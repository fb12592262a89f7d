"""The log of a gateway from now on: its log files, or the gateway's own `logs.tail` where no file is at hand."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from lockdeck.backend.model.runs.events import (
    Event,
    FailoverDecision,
    ModelFallbackDecision,
    RunAborted,
    StuckSession,
)
from lockdeck.backend.openclaw.gateway.access import Line
from lockdeck.backend.openclaw.gateway.trouble import GatewayError
from lockdeck.backend.openclaw.log.files import read_end
from lockdeck.backend.openclaw.log.place import LogPlace, open_log
from lockdeck.backend.openclaw.log.stream import EventStream, LineCounts

_PIECE = 1 << 20
_TAIL = 512 * 1024
_TAIL_S = 1.0
_CONTINUES = frozenset({"rotate_profile", "fallback_model"})


class LogReader(Protocol):
    """A log from one moment on."""

    @property
    def readable(self) -> bool:
        """Whether anything can be learnt from it."""
        ...

    def news(self) -> list[Event]:
        """Return the events since the last call."""
        ...


class FileLog:
    """The log files at some places, from their present ends on; a file that is replaced is read from its start."""

    def __init__(self, places: Sequence[LogPlace], clock: Callable[[], float]) -> None:
        self._clock = clock
        self._streams = {place: EventStream() for place in places}
        self._positions = {place: _position(place) for place in places}
        self.readable = any(position is not None for position in self._positions.values())

    def news(self) -> list[Event]:
        """Return what was written since the last call; a file that can't be read has nothing to say."""
        return [event for place in self._streams for event in self._news_of(place)]

    def _news_of(self, place: LogPlace) -> Iterator[Event]:
        try:
            descriptor = open_log(place)
        except (OSError, ValueError):
            return
        try:
            status = os.fstat(descriptor)
            inode, offset = self._positions[place] or (None, 0)
            offset = offset if inode == (status.st_dev, status.st_ino) and offset <= status.st_size else 0
            while piece := os.pread(descriptor, _PIECE, offset):
                offset += len(piece)
                yield from self._streams[place].feed(piece, LineCounts(), self._clock())
            self._positions[place] = (status.st_dev, status.st_ino), offset
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


class HeardLog:
    """A log of which the aborts that did not take are remembered, whoever reads it."""

    def __init__(self, log: LogReader) -> None:
        self._log = log
        self.failed_aborts: list[RunAborted] = []

    @property
    def readable(self) -> bool:
        """Whether anything can be learnt from it."""
        return self._log.readable

    def news(self) -> list[Event]:
        """Return the events since the last call."""
        events = self._log.news()
        self.failed_aborts += [event for event in events if isinstance(event, RunAborted) and not event.ok]
        return events


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


def queue_depth(places: Sequence[LogPlace], session_key: str, session_id: str | None) -> int | None:
    """Return how many messages wait for a session, by OpenClaw's latest diagnosis; None: not told.

    Only its lines about stuck sessions carry `queueDepth`; no call of 2026.4.5 does.
    """
    depth = None
    for event in recent_events(places) or ():
        if (isinstance(event, StuckSession) and session_key == event.session_key) or (
            isinstance(event, StuckSession) and session_id is not None and session_id == event.session_id
        ):
            depth = event.queue_depth if event.queue_depth is not None else depth
    return depth


def recent_events(places: Sequence[LogPlace]) -> list[Event] | None:
    """Return the events in the last half megabyte of each log file; None where none can be read."""
    events: list[Event] | None = None
    for place in places:
        try:
            descriptor = open_log(place)
        except (OSError, ValueError):
            continue
        try:
            raw, status = read_end(descriptor, _TAIL)
        finally:
            os.close(descriptor)
        events = events or []
        stream = EventStream(mid_line=status.st_size > len(raw))
        events += stream.feed(raw, LineCounts())
    return events


def _position(place: LogPlace) -> tuple[tuple[int, int], int] | None:
    """Return which file a log is now, and its end; None where it can't be opened."""
    try:
        descriptor = open_log(place)
    except (OSError, ValueError):
        return None
    try:
        status = os.fstat(descriptor)
    finally:
        os.close(descriptor)
    return (status.st_dev, status.st_ino), status.st_size
