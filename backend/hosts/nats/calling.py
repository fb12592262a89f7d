"""The deck's side of calls over NATS: a line to one host of a fleet, as a pipe is one."""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from nats.aio.msg import Msg

from lockdeck.backend.hosts import frames
from lockdeck.backend.hosts.agent import BEAT_S
from lockdeck.backend.hosts.asks import AskAnswer, Told
from lockdeck.backend.hosts.link import SILENT_S, HostTalk
from lockdeck.backend.hosts.nats.address import FleetHostAddress
from lockdeck.backend.hosts.nats.calls import INBOX, CallStream, call_subject
from lockdeck.backend.hosts.nats.server import Connection, NatsError
from lockdeck.backend.hosts.nats.sessions import NatsSessions
from lockdeck.backend.hosts.state import HostEndedError, HostRecord, HostState
from lockdeck.backend.system.clocks import steady_time, wall_time

_NOBODY = "503"
"""What the server answers in the place of one whom nobody hears."""
_FORBIDDEN = "permissions violation"
"""So it begins to say that a user may not speak, or hear, on a subject."""


class FleetHostLink:
    """Calls one host, and again when the line is lost, until `stop`; `talk` asks it something.

    `wake` is called in its thread whenever the line is lost.
    """

    def __init__(self, address: FleetHostAddress, wake: Callable[[], None], *, talk: HostTalk) -> None:
        self._address, self._wake, self._talk = address, wake, talk
        self._record = HostRecord(address.name)
        self._inbox = f"{INBOX}.{address.who}"
        self._sessions = NatsSessions(address.fleet, self._inbox, self._session, self._lost)

    @property
    def state(self) -> HostState:
        """The host as of now, without its rows; may be asked in any thread."""
        return self._record.state

    def start(self) -> None:
        """Begin to call the server."""
        self._sessions.start()

    def stop(self) -> None:
        """Let it end soon; nobody waits for that."""
        self._sessions.stop()

    def _lost(self, why: str) -> bool:
        if _FORBIDDEN in why.lower():
            address = self._address
            who = f"{address.who} (so the address says it: nats://NAME@HOST)"
            why = f"the server does not let {who} ask there as {address.role}: {why}"
        self._record.lose(why)
        self._talk.lost()
        self._wake()
        return True

    async def _session(self, connection: Connection, stop: asyncio.Event) -> None:
        self._record.call()
        line = _Line(connection, self._address, self._record, self._talk)
        # Nobody else can know where it is answered.
        reply = f"{self._inbox}.{secrets.token_hex(16)}"
        await connection.do(connection.client.subscribe(reply, cb=line.take))
        stream = CallStream(connection.client, call_subject(self._address), reply)
        ending = asyncio.ensure_future(stop.wait())
        ending.add_done_callback(lambda _: line.news.set())
        connection.over.add_done_callback(lambda _: line.news.set())
        try:
            while not (ending.done() or connection.over.done()):
                await connection.do(stream.say(line.taken()))
                await line.wait()
        finally:
            ending.cancel()
        if connection.over.done():
            raise NatsError(connection.over.result())


class _Line:
    """What is said and heard over one connection."""

    def __init__(
        self, connection: Connection, address: FleetHostAddress, record: HostRecord, talk: HostTalk
    ) -> None:
        self._connection, self._address = connection, address
        self._record, self._talk = record, talk
        self._loop = asyncio.get_running_loop()
        self._unsaid = deque[bytes]()
        self._numbers = CallStream(connection.client, "")
        self._reader = frames.FrameReader()
        self._heard = steady_time()
        self.news = asyncio.Event()
        """There is something to say, or it is over."""

    def say(self, frame: frames.DeckFrame) -> None:
        """Have a frame sent; may be called in any thread. OSError where the line is gone."""
        self._unsaid.append(frames.encoded(frame))
        try:
            self._loop.call_soon_threadsafe(self.news.set)
        except RuntimeError:
            raise BrokenPipeError from None

    def taken(self) -> bytes:
        """Take out what is to be said."""
        return b"".join(self._unsaid.popleft() for _ in range(len(self._unsaid)))

    async def wait(self) -> None:
        """Wait for news, or until a sign of life is due. Raises NatsError where nothing was heard for too long."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.news.wait(), BEAT_S)
        self.news.clear()
        if steady_time() - self._heard > SILENT_S:
            raise NatsError(f"nothing was heard of {self._address.name} for {SILENT_S:g} s")

    async def take(self, message: Msg) -> None:
        """Take in one message; one that is missed, or is none, ends the connection."""
        self._heard = steady_time()
        try:
            self._take(message)
        except (frames.FrameError, HostEndedError) as error:
            await self._connection.end(str(error))

    def _take(self, message: Msg) -> None:
        headers = message.headers or {}
        if headers.get("Status") == _NOBODY:
            raise HostEndedError(f"no {self._address.name} listens in fleet {self._address.fleet.fleet}")
        if not self._numbers.follows(headers):
            raise frames.FrameError("messages were missed")
        for said in self._reader.feed(message.data):
            self._take_frame(said)

    def _take_frame(self, frame: frames.Frame) -> None:
        match frame:
            case Told() | AskAnswer():
                self._talk.take(frame)
            case frames.Rows():
                raise frames.FrameError("it told what nobody asked")
            case _:
                self._record.take(frame, wall_time())
                if isinstance(frame, frames.HostHello):
                    self._connection.served = True
                    self._talk.greeted(frame, self.say)
