"""The owner's side of a fleet: what the board has is written under the host's keys."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress

from msgspec.structs import replace

from lockdeck.backend.hosts.agent import BEAT_S, HostAgent, hello_of_this_host
from lockdeck.backend.hosts.asks import Role
from lockdeck.backend.hosts.frames import Bye, encoded
from lockdeck.backend.hosts.nats.address import FleetAddress
from lockdeck.backend.hosts.nats.bucket import FleetBucket
from lockdeck.backend.hosts.nats.called import called
from lockdeck.backend.hosts.nats.entries import TakenError
from lockdeck.backend.hosts.nats.hostkeys import HostKeys
from lockdeck.backend.hosts.nats.server import Connection
from lockdeck.backend.hosts.nats.sessions import NatsSessions
from lockdeck.backend.system.clocks import wall_time

LEAVE_S = 4.0
"""At the end it is waited so long (seconds) that the server hears of it."""
TOO_LARGE_S = 60.0
"""A picture that was too large is tried again after so long (seconds)."""


def serve_fleet(
    agent: HostAgent, address: FleetAddress, name: str, stop: threading.Event, tell: Callable[[str], None]
) -> str | None:
    """Tell a fleet what this host, `name`, is doing until told to stop; `tell` is given sentences about the server.

    Returns why it ended before that, None where it did not.
    """
    publisher = FleetPublisher(agent, address, name, stop, tell)
    publisher.start()
    try:
        agent.run()
    finally:
        publisher.end()
    return publisher.problem


class FleetPublisher:
    """Writes what an agent sees, and answers decks, in a thread of its own; sets `stop` where it can't go on, for `problem`."""

    def __init__(
        self,
        agent: HostAgent,
        address: FleetAddress,
        name: str,
        stop: threading.Event,
        tell: Callable[[str], None],
    ) -> None:
        self.problem: str | None = None
        self._agent, self._board = agent, agent.board
        self._address, self._name = address, name
        self._stop, self._tell = stop, tell
        self._trouble: str | None = None
        self._sessions = NatsSessions(address, f"_INBOX.lockdeck.host.{name}", self._session, self._lost)

    def start(self) -> None:
        """Begin to connect."""
        self._sessions.start()

    def end(self) -> None:
        """Say that nothing more comes, if the server hears it within LEAVE_S."""
        self._sessions.stop()
        self._board.wake()
        self._sessions.join(LEAVE_S)

    def _lost(self, why: str) -> bool:
        if why != self._trouble:
            self._tell(f"{why}; it is tried again")
        self._trouble = why
        return True

    def _connected(self) -> None:
        if self._trouble is not None:
            self._tell(f"fleet {self._address.fleet} is told again")
        self._trouble = None

    async def _session(self, connection: Connection, stop: asyncio.Event) -> None:
        bucket = FleetBucket(connection, self._address)
        await bucket.make()
        async with called(connection, self._agent, self._address, self._name):
            await self._tell_until(connection, HostKeys(bucket, self._name), stop)

    async def _tell_until(self, connection: Connection, keys: HostKeys, stop: asyncio.Event) -> None:
        """Write one picture after the other until told to stop."""
        try:
            while not stop.is_set():
                await self._tell_all(connection, keys, stop)
                if keys.full and not keys.worn:
                    await self._too_large(keys, stop)
            if keys.begun:
                await keys.put(encoded(Bye("lockdeck was ended there")), complete=False)
        except TakenError:
            self.problem = (
                f"another lockdeck writes as {self._name} into fleet {self._address.fleet}, and two hosts of one name "
                "can't be told apart: name this one otherwise with --as"
            )
            stop.set()
            self._stop.set()

    async def _tell_all(self, connection: Connection, keys: HostKeys, stop: asyncio.Event) -> None:
        """Write everything and then what changes, until there is no room for more."""
        hello = self._hello()
        with self._board.outbox() as outbox:
            while not stop.is_set():
                frames = await asyncio.to_thread(self._board.next_frames, outbox, BEAT_S)
                if frames:
                    if hello:
                        keys.begin()
                    await keys.put(hello + b"".join(frames), complete=not outbox.waiting)
                    hello = b""
                    connection.served = True
                    self._connected()
                    if keys.worn or keys.full:
                        return
                elif keys.begun and not (hello or outbox.waiting):
                    await keys.beat(wall_time())

    async def _too_large(self, keys: HostKeys, stop: asyncio.Event) -> None:
        keys.begin()
        why = "what it has to tell is too much for a fleet: follow it over ssh"
        await keys.put(self._hello() + encoded(Bye(why)), complete=False)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), TOO_LARGE_S)

    def _hello(self) -> bytes:
        return encoded(replace(hello_of_this_host(Role.VIEWER), host=self._name))
