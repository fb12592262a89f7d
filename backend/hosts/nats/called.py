"""The owner's side of calls over NATS: each deck that calls has a desk, as one on a pipe has."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from nats.aio.client import Client
from nats.aio.msg import Msg

from lockdeck.backend.hosts.agent import BEAT_S, HostAgent, hello_of_this_host
from lockdeck.backend.hosts.asks import lesser
from lockdeck.backend.hosts.frames import AskReader, Bye, FrameError, HostBeat, encoded
from lockdeck.backend.hosts.link import SILENT_S
from lockdeck.backend.hosts.nats.address import FleetAddress
from lockdeck.backend.hosts.nats.calls import CallStream, DeckCaller, caller_of, calls_of
from lockdeck.backend.hosts.nats.server import TROUBLE, Connection
from lockdeck.backend.system.clocks import steady_time, wall_time

MOST_CALLS = 16
"""So many decks of one user are spoken with at the same time."""


class CalledHost:
    """Takes the calls of decks over one connection to the server."""

    def __init__(self, client: Client, agent: HostAgent) -> None:
        self._client, self._agent = client, agent
        self._calls: dict[str, _Call] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def take(self, message: Msg) -> None:
        """Take in one message of a deck; one that is none of a call is not answered."""
        caller = caller_of(message.subject, message.reply)
        if caller is None:
            return
        call = self._calls.get(message.reply)
        if call is None:
            stream = CallStream(self._client, message.reply)
            if not stream.follows(message.headers):
                await stream.say(encoded(Bye("lockdeck was started anew there, or messages were missed")))
                return
            if sum(each.caller == caller for each in self._calls.values()) >= MOST_CALLS:
                await stream.say(encoded(Bye(f"{MOST_CALLS} decks of {caller.who} speak with it already")))
                return
            call = self._calls[message.reply] = _Call(stream, self._agent, caller)
            task = asyncio.ensure_future(self._serve(message.reply, call))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            call.take(message)

    def close(self) -> None:
        """End all calls; what was begun is finished."""
        for task in self._tasks:
            task.cancel()
        for call in self._calls.values():
            call.close()

    async def _serve(self, reply: str, call: _Call) -> None:
        try:
            await call.serve()
        except TROUBLE:
            return  # the connection is over
        finally:
            call.close()
            self._calls.pop(reply, None)


class _Call:
    """One deck that calls."""

    def __init__(self, stream: CallStream, agent: HostAgent, caller: DeckCaller) -> None:
        loop = asyncio.get_running_loop()
        self.caller = caller
        self._stream = stream
        self._role = lesser(caller.role, agent.role)
        self._news = asyncio.Event()
        self._over: str | None = None
        self._heard = steady_time()
        self._reader = AskReader()
        wake = _in_loop(loop, self._news.set)
        self._desk = agent.desk(self._role, f"{caller.who} over NATS", wake)

    def take(self, message: Msg) -> None:
        """Take in the next message of the deck."""
        self._heard = steady_time()
        try:
            if not self._stream.follows(message.headers):
                raise FrameError("messages were missed")
            for frame in self._reader.feed(message.data):
                self._desk.take(frame)
        except FrameError as error:
            self._over = str(error)
            self._news.set()

    async def serve(self) -> None:
        """Tell the deck what there is to tell, until it falls silent or says what no deck says."""
        said = encoded(hello_of_this_host(self._role))
        while self._over is None and steady_time() - self._heard <= SILENT_S:
            await self._stream.say(said)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), BEAT_S)
            self._news.clear()
            said = b"".join(self._desk.frames()) or encoded(HostBeat(wall_time()))
        await self._stream.say(encoded(Bye(self._over or "nothing was heard of this deck")))

    def close(self) -> None:
        """Begin nothing more."""
        self._desk.close()


@asynccontextmanager
async def called(
    connection: Connection, agent: HostAgent, address: FleetAddress, name: str
) -> AsyncIterator[None]:
    """Answer the decks that call this host, `name`, until the block ends. Raises NatsError."""
    host = CalledHost(connection.client, agent)
    await connection.do(connection.client.subscribe(calls_of(address, name), cb=host.take))
    try:
        yield
    finally:
        host.close()


def _in_loop(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> Callable[[], None]:
    """Return what has a call made in the thread of a loop, while that runs."""

    def wake() -> None:
        try:
            loop.call_soon_threadsafe(call)
        except RuntimeError:
            return  # it has ended

    return wake
