"""A bucket in memory, as a server would keep it, and what a deck is told of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from lockdeck.backend.hosts.frames import HostHello, Rows, encoded
from lockdeck.backend.hosts.nats.entries import MOST_MESSAGES, FleetEntry, TakenError
from lockdeck.backend.model.fleet import SessionView

HELLO = HostHello((1, 1), "9.9", "alpha", "viewer")
SERVER_AHEAD_S = 1000.0
"""The clock of the server is ahead of the deck's."""


class Stored(NamedTuple):
    """One message."""

    key: str
    number: int
    stored_at: float
    first: bool
    about: int | None
    data: bytes


class MemoryBucket:
    """Keeps messages; `now` is the clock of the server."""

    def __init__(self) -> None:
        self.now = SERVER_AHEAD_S
        self.kept: list[Stored] = []
        self._numbers = 0

    async def put(self, key: str, data: bytes, after: int | None, *, first: bool, about: int = 0) -> int:
        """As FleetBucket does."""
        return self.store(key, data, after, first=first, about=about)

    def store(self, key: str, data: bytes, after: int | None = None, *, first: bool, about: int = 0) -> int:
        """Keep a message."""
        of_key = [message for message in self.kept if message.key == key]
        if after is not None and after != (of_key[-1].number if of_key else 0):
            raise TakenError
        dropped = set(of_key if first else of_key[: -(MOST_MESSAGES - 1)])
        self._numbers += 1
        self.kept = [message for message in self.kept if message not in dropped]
        self.kept.append(Stored(key, self._numbers, self.now, first, about or None, data))
        return self._numbers

    def entries(self, since: int = 0, *, old: bool) -> Iterator[FleetEntry]:
        """What a deck is told that has had everything up to a number."""
        there = [message for message in self.kept if message.number > since]
        for index, message in enumerate(there):
            kind, _, host = message.key.partition(".")
            yield FleetEntry(
                kind,
                host,
                message.number,
                message.stored_at,
                message.first,
                deleted=False,
                about=message.about,
                old=old,
                pending=len(there) - index - 1,
                data=message.data,
            )


def picture(*keys: str, host: str = "alpha") -> bytes:
    """The frames of a host with these sessions."""
    views = tuple(SessionView("/r", "main", key, None) for key in keys)
    return encoded(HostHello((1, 1), "9.9", host, "viewer")) + encoded(Rows(1.0, sessions=views))
