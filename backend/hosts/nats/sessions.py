"""Being connected again and again, in a thread: what both sides of a fleet do until they are to stop."""

from __future__ import annotations

import asyncio
import logging
import random
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress

from lockdeck.backend.hosts.link import FIRST_PAUSE_S, LONGEST_PAUSE_S
from lockdeck.backend.hosts.nats.address import FleetAddress
from lockdeck.backend.hosts.nats.server import Connection, NatsError, connected

Session = Callable[[Connection, asyncio.Event], Awaitable[None]]
"""What is done with a connection until it is over or the event is set. Raises NatsError."""


class NatsSessions:
    """Has one session after another, with pauses between them that grow.

    `lost` is called in the thread with the reason why one is over, and returns whether there is to be another.
    Answers of the server come below `inbox`.
    """

    def __init__(
        self, address: FleetAddress, inbox: str, session: Session, lost: Callable[[str], bool]
    ) -> None:
        self._address = address
        self._inbox = inbox
        self._session = session
        self._lost = lost
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="lockdeck-nats", daemon=True)

    def start(self) -> None:
        """Begin to connect."""
        self._thread.start()

    def stop(self) -> None:
        """Let it end soon; may be called in any thread."""
        with suppress(RuntimeError):  # it has ended
            self._loop.call_soon_threadsafe(self._stop.set)

    def join(self, patience_s: float) -> None:
        """Wait for its end, but not longer than this (seconds)."""
        self._thread.join(patience_s)

    def _run(self) -> None:
        # It has no words for us: what it warns of on stderr, a screen of ours may be.
        logging.getLogger("asyncio").setLevel(logging.CRITICAL)
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._connect_again())

    async def _connect_again(self) -> None:
        pause = FIRST_PAUSE_S
        while not self._stop.is_set():
            try:
                async with connected(self._address, self._inbox) as connection:
                    try:
                        await self._session(connection, self._stop)
                    finally:
                        pause = FIRST_PAUSE_S if connection.served else pause
            except NatsError as error:
                if not self._lost(str(error)):
                    return
            spread = random.uniform(0.5, 1.0)  # noqa: S311 - no secret depends on it
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), pause * spread)
            pause = min(2 * pause, LONGEST_PAUSE_S)
