"""The connection of a deck to a fleet: all hosts that write there, over one server."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

from lockdeck.backend.hosts.nats.address import FleetAddress
from lockdeck.backend.hosts.nats.bucket import FleetBucket
from lockdeck.backend.hosts.nats.entries import FleetEntry
from lockdeck.backend.hosts.nats.fleet import FleetRecord
from lockdeck.backend.hosts.nats.server import Connection, NatsError
from lockdeck.backend.hosts.nats.sessions import NatsSessions
from lockdeck.backend.hosts.state import HostState
from lockdeck.backend.system.clocks import steady_time, wall_time

TICK_S = 0.25
"""So often (seconds) it is looked who has fallen silent."""
INBOX = "_INBOX.lockdeck.deck"


class FleetLink:
    """Follows a fleet until `stop`. `wake` is called in its thread whenever there is news.

    With `once` a server that is lost is not called again.
    """

    def __init__(self, address: FleetAddress, wake: Callable[[], None], *, once: bool = False) -> None:
        self._address = address
        self._wake = wake
        self._once = once
        self._lock = threading.Lock()
        self._record = FleetRecord(address.name)
        self._sessions = NatsSessions(address, INBOX, self._session, self._lost)

    @property
    def states(self) -> tuple[HostState, ...]:
        """Every host as of now; may be asked in any thread."""
        with self._lock:
            return self._record.states(steady_time())

    def start(self) -> None:
        """Begin to call the server."""
        self._sessions.start()

    def stop(self) -> None:
        """Let it end soon; nobody waits for that."""
        self._sessions.stop()

    def _lost(self, why: str) -> bool:
        with self._lock:
            self._record.lose(why)
        self._wake()
        return not self._once

    async def _session(self, connection: Connection, stop: asyncio.Event) -> None:
        with self._lock:
            self._record.begin(steady_time())
        if not await FleetBucket(connection, self._address).follow(self._take):
            with self._lock:
                self._record.completed()
            self._wake()
        connection.served = True
        await self._look_who_falls_silent(connection.over, asyncio.ensure_future(stop.wait()))
        if connection.over.done():
            raise NatsError(connection.over.result())

    async def _look_who_falls_silent(self, *ends: asyncio.Future[Any]) -> None:
        """Tell of it, until one of the ends comes. Raises NatsError where all are silent."""
        while not any(end.done() for end in ends):
            with self._lock:
                changed, silent = self._record.changed(steady_time()), self._record.silent(steady_time())
            if changed:
                self._wake()
            if silent:
                raise NatsError(f"nothing was heard of any host of fleet {self._address.fleet}")
            await asyncio.wait(ends, timeout=TICK_S, return_when=asyncio.FIRST_COMPLETED)

    def _take(self, entry: FleetEntry) -> None:
        with self._lock:
            news = self._record.take(entry, steady_time(), wall_time())
        if news:
            self._wake()
