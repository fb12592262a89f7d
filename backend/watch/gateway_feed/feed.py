"""The live word of one gateway: its sessions, the events of their runs, and the path of its log.

One daemon thread per gateway owns the connection.  Every wait in it has a deadline, it comes back by itself
with growing pauses, and what it has to tell is fetched with `take`; nobody waits for it.
"""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from lockdeck.backend.model.runs.events import Event
from lockdeck.backend.openclaw.gateway.client import Gateway
from lockdeck.backend.openclaw.gateway.rows import (
    begun_of,
    log_path_of,
    over_of,
    queued_of,
    rows_of,
    running_of,
)
from lockdeck.backend.openclaw.gateway.trouble import GatewayError, Trouble
from lockdeck.backend.system.text import safe
from lockdeck.backend.watch.gateway_feed.inbox import BoxContents, FeedBox
from lockdeck.backend.watch.gateway_feed.news import FeedNews

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
LIST_S = 10.0
"""How often the sessions are asked for when nothing happens (seconds); a half-open socket is found by this."""
COALESCE_S = 0.05
"""How long (seconds) further events are gathered before they are passed on."""
ANSWER_S = 10.0
"""How long an answer may take, in seconds; nobody waits for it."""
SPACING_S = 1.0
"""Least time (seconds) between two such questions, however much happens."""
MOST_ROWS = 500
"""How many sessions are asked for, the most recently used first."""
ENDED_S = 3600.0
"""Runs that ended longer ago than this (seconds) say nothing about now."""
MOST_EVENTS = 4096

_HOPELESS = frozenset(
    {
        Trouble.NOT_OURS,
        Trouble.NO_CREDENTIALS,
        Trouble.BAD_URL,
        Trouble.TLS,
        Trouble.AUTH,
        Trouble.SIGNATURE,
        Trouble.NOT_PAIRED,
        Trouble.SCOPE,
        Trouble.PROTOCOL,
        Trouble.OTHER_GATEWAY,
    }
)
"""Troubles that another try does not end: a gateway locks out who keeps showing a wrong token."""

_JITTER = random.SystemRandom()


class Feed:
    """Follows one gateway. `start`, then `take` whenever `wake` was called, `stop` when done."""

    def __init__(
        self,
        connect: Callable[[], Gateway],
        wake: Callable[[], None],
        *,
        clock: Callable[[], float] = time.time,
        chance: Callable[[], float] = _JITTER.random,
    ) -> None:
        """`connect` opens a connection or raises GatewayError; `chance` gives numbers from 0 to 1 for the jitter."""
        self._connect = connect
        self._wake = wake
        self._clock = clock
        self._chance = chance
        self._bell = threading.Event()
        self._over = threading.Event()
        self._greeted = threading.Event()
        self._spoke = threading.Event()
        self._lock = threading.Lock()
        self._news = FeedNews()
        self._events: deque[Event] = deque(maxlen=MOST_EVENTS)
        self._ended: set[str] = set()

    def start(self) -> None:
        """Begin; returns at once."""
        threading.Thread(target=self._live, name="lockdeck feed", daemon=True).start()

    def stop(self) -> None:
        """Ask the thread to end; does not wait for it."""
        self._over.set()
        self._bell.set()

    def retry(self) -> None:
        """Try again now: the gateway or its configuration has changed."""
        if not self._news.connected:
            self._bell.set()

    def wait_first(self, seconds: float, more_s: float = 0.0) -> bool:
        """Wait until the gateway's sessions or a problem are known; False when neither is within `seconds`.

        One that has answered the handshake by then is busy and not mute: it gets `more_s` seconds.
        """
        if self._spoke.wait(max(0.0, seconds)):
            return True
        return self._greeted.is_set() and self._spoke.wait(max(0.0, more_s))

    def take(self) -> FeedNews:
        """Return what is known, with the events since the last time."""
        with self._lock:
            events = tuple(self._events)
            self._events.clear()
            return replace(self._news, events=events)

    def _live(self) -> None:
        pause = FIRST_PAUSE_S
        while not self._over.is_set():
            try:
                self._follow()
            except GatewayError as error:
                if self._news.connected:
                    pause = FIRST_PAUSE_S
                self._tell(connected=False, problem=str(error.sentence), trouble=error.kind)
                if error.kind in _HOPELESS:
                    pause = LONGEST_PAUSE_S
            except Exception as error:  # noqa: BLE001 - the boundary of the thread: told to the person, never hidden
                sentence = safe(f"the feed failed ({type(error).__name__}: {error})", 200)
                self._tell(connected=False, problem=str(sentence), trouble=None)
                pause = LONGEST_PAUSE_S
            self._bell.clear()
            if not self._over.is_set():
                self._bell.wait(pause * (0.5 + self._chance() / 2))
            pause = min(LONGEST_PAUSE_S, pause * 2)

    def _follow(self) -> None:
        """Connect and follow until that fails; GatewayError says why."""
        gateway = self._connect()
        self._greeted.set()
        try:
            box = FeedBox(self._clock, self._bell)
            gateway.hear = box.hear
            self._ended.clear()
            gateway.call("sessions.subscribe", seconds=ANSWER_S)
            version = None if gateway.hello.version is None else str(gateway.hello.version)
            self._tell(version=version, log_path=self._log_path(gateway))
            listed_at = 0.0
            contents = box.empty()
            while not self._over.is_set():
                now = time.monotonic()
                due = LIST_S if not contents.changed else SPACING_S
                if now - listed_at >= due:
                    listed_at = now
                    self._ask(gateway)
                    contents = replace(contents, changed=False)
                self._bell.wait(max(0.0, listed_at + due - time.monotonic()))
                self._over.wait(COALESCE_S)
                self._bell.clear()
                contents = self._pass_on(box, contents.changed)
        finally:
            gateway.close()

    def _ask(self, gateway: Gateway) -> None:
        """Ask for the sessions and the messages that wait."""
        params = {"limit": MOST_ROWS, "includeGlobal": True, "includeUnknown": True}
        rows = rows_of(gateway.call("sessions.list", params, ANSWER_S))
        tasks, now = self._tasks(gateway), self._clock()
        begun, active_since = begun_of(tasks), self._news.active_since or {}
        since = {
            row.key: begun.get(row.key) or active_since.get(row.key, min(now, row.started_at or now))
            for row in rows
            if row.active
        }
        over = sorted(over_of(tasks, now - ENDED_S), key=lambda end: end.at)[-MOST_ROWS:]
        with self._lock:
            self._events.extend(running_of(tasks, now))
            self._events.extend(end for end in over if end.run_id not in self._ended)
        self._ended = {end.run_id for end in over}
        self._tell(
            sessions=rows,
            queued=queued_of(tasks),
            active_since=since,
            told_at=now,
            connected=True,
            connected_at=self._news.connected_at if self._news.connected else now,
            problem=None,
            trouble=None,
        )

    def _tasks(self, gateway: Gateway) -> Mapping[str, Any]:
        """Ask for the tasks, where the gateway knows such a thing."""
        if "tasks.list" not in gateway.hello.methods:
            return {}
        try:
            return gateway.call("tasks.list", {}, ANSWER_S)
        except GatewayError as error:
            if error.kind in (Trouble.SILENT, Trouble.CLOSED):
                raise
            return {}

    def _log_path(self, gateway: Gateway) -> str | None:
        try:
            return log_path_of(gateway.call("logs.tail", {"limit": 1, "maxBytes": 1024}, ANSWER_S))
        except GatewayError as error:
            if error.kind in (Trouble.SILENT, Trouble.CLOSED):
                raise
            return None

    def _pass_on(self, box: FeedBox, changed: bool) -> BoxContents:
        contents = box.empty()
        with self._lock:
            lost = max(0, len(self._events) + len(contents.events) - MOST_EVENTS)
            self._events.extend(contents.events)
            self._news = replace(
                self._news, progress=contents.progress, dropped=self._news.dropped + contents.dropped + lost
            )
        if contents.events:
            self._wake()
        return replace(contents, changed=changed or contents.changed)

    def _tell(self, **news: object) -> None:
        with self._lock:
            self._news = replace(self._news, **news)
            has_word = self._news.sessions is not None or self._news.problem is not None
        if has_word:
            self._spoke.set()
        self._wake()
