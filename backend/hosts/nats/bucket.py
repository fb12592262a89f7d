"""The key-value bucket of a fleet: each host has a key for its state and one for its signs of life."""

from __future__ import annotations

from collections.abc import Callable

import nats.js.errors
from nats.aio.msg import Msg
from nats.js import api

from lockdeck.backend.hosts.nats.address import FleetAddress
from lockdeck.backend.hosts.nats.entries import MOST_MESSAGES, FleetEntry, TakenError
from lockdeck.backend.hosts.nats.packing import PIECE
from lockdeck.backend.hosts.nats.server import Connection, NatsError

_ROLLUP, _AFTER, _ABOUT = "Nats-Rollup", "Nats-Expected-Last-Subject-Sequence", "Lockdeck-State"
_WRONG_LAST_SEQUENCE = 10071
_HEARTBEAT_S = 2.0


class NoBucketError(NatsError):
    """There is no such fleet."""


class FleetBucket:
    """A bucket that is there. Raises NatsError throughout."""

    def __init__(self, connection: Connection, address: FleetAddress) -> None:
        self._connection = connection
        self._address = address
        self._stream = connection.client.jetstream()

    async def make(self) -> None:
        """Make the bucket where there is none yet: on three servers where so many are named, else on one."""
        try:
            await self._info()
        except NoBucketError:
            await self._connection.do(
                self._stream.create_key_value(
                    bucket=self._address.bucket,
                    history=MOST_MESSAGES,
                    max_value_size=PIECE,
                    replicas=3 if len(self._address.servers) >= 3 else 1,
                )
            )

    async def put(self, key: str, data: bytes, after: int | None, *, first: bool, about: int = 0) -> int:
        """Write a message under a key and return its number. `first`: in place of all that the key has.

        TakenError where the newest of the key is not the one `after` which it is to stand.
        """
        headers = {_ABOUT: str(about)} if about else {}
        if first:
            headers[_ROLLUP] = "sub"
        if after is not None:
            headers[_AFTER] = str(after)
        subject = self._address.subjects + key
        try:
            ack = await self._connection.do(self._stream.publish(subject, data, headers=headers))
        except NatsError as error:
            cause = error.__cause__
            if isinstance(cause, nats.js.errors.APIError) and cause.err_code == _WRONG_LAST_SEQUENCE:
                raise TakenError from error
            raise
        return ack.seq

    async def follow(self, take: Callable[[FleetEntry], None]) -> int:
        """Have everything taken that is there and that comes, in its order; return how much is there.

        What is missed or can't be read ends the connection.
        """
        info = await self._info()
        newest = info.state.last_seq
        config = api.ConsumerConfig(
            deliver_policy=api.DeliverPolicy.ALL,
            deliver_subject=self._connection.client.new_inbox(),
            filter_subject=f"{self._address.subjects}>",
            ack_policy=api.AckPolicy.NONE,
            max_deliver=1,
            idle_heartbeat=_HEARTBEAT_S,
            flow_control=True,
            mem_storage=True,
            num_replicas=1,
        )
        manager = self._connection.client.jsm()
        consumer = await self._connection.do(manager.add_consumer(self._address.stream, config=config))
        reading = _FleetReading(self._connection, self._address, newest, take)
        await self._connection.do(
            self._stream.subscribe_bind(
                self._address.stream, config, consumer.name, reading.take, ordered_consumer=True
            )
        )
        return consumer.num_pending or 0

    async def _info(self) -> api.StreamInfo:
        try:
            return await self._connection.do(self._stream.stream_info(self._address.stream))
        except NatsError as error:
            if not isinstance(error.__cause__, nats.js.errors.NotFoundError):
                raise
            none_yet = f"there is no fleet {self._address.fleet}: none of its hosts has ever written there"
            raise NoBucketError(none_yet) from error


class _FleetReading:
    """Makes entries of messages, and sees to it that none is missing."""

    def __init__(
        self, connection: Connection, address: FleetAddress, newest: int, take: Callable[[FleetEntry], None]
    ) -> None:
        self._connection = connection
        self._start = len(address.subjects)
        self._newest = newest
        self._take = take
        self._delivered = 0

    async def take(self, message: Msg) -> None:
        """Hand on one message."""
        about = message.metadata
        self._delivered += 1
        if about.sequence.consumer != self._delivered:
            await self._connection.end("messages of the server were missed")
            return
        kind, _, host = message.subject[self._start :].partition(".")
        headers = message.headers or {}
        text = headers.get(_ABOUT, "")
        self._take(
            FleetEntry(
                kind=kind,
                host=host,
                number=about.sequence.stream,
                stored_at=about.timestamp.timestamp(),
                first=_ROLLUP in headers,
                deleted="KV-Operation" in headers or "Nats-Marker-Reason" in headers,
                about=int(text) if text.isdecimal() and len(text) < 20 else None,
                old=about.sequence.stream <= self._newest,
                pending=about.num_pending,
                data=message.data,
            )
        )
