"""A call of a deck to a host over NATS: bytes in numbered messages, both ways, so that one that is missed is noticed.

The subject says in which role and as whom a deck calls, so that the server lets each user call as what it may.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct
from nats.aio.client import Client

from lockdeck.backend.hosts.asks import Role
from lockdeck.backend.hosts.nats.address import FleetAddress, FleetHostAddress
from lockdeck.backend.hosts.nats.packing import PIECE

INBOX = "_INBOX.lockdeck.asks"
"""Below it, and the name of who asks, a host answers. Decks and hosts are told everything else elsewhere."""
_NUMBER = "Lockdeck-Number"
_SUBJECT = re.compile(rf"lockdeck\.[\w-]+\.ask\.({'|'.join(Role)})\.([\w-]+)\..+", re.ASCII)


class DeckCaller(Struct, frozen=True):
    """Who calls, and in which role, as the subject says that the server let through."""

    role: Role
    who: str


class CallStream:
    """What is said in one call. Call `say` in one task only."""

    def __init__(self, client: Client, to: str, reply: str = "") -> None:
        self._client, self._to, self._reply = client, to, reply
        self._said = self._heard = 0

    async def say(self, data: bytes = b"") -> None:
        """Send bytes, or a message without any as a sign of life."""
        for start in range(0, max(1, len(data)), PIECE):
            number, self._said = self._said, self._said + 1
            piece, headers = data[start : start + PIECE], {_NUMBER: str(number)}
            await self._client.publish(self._to, piece, reply=self._reply, headers=headers)

    def follows(self, headers: Mapping[str, str] | None) -> bool:
        """Return whether what came is the next message; call it once for each."""
        number, self._heard = self._heard, self._heard + 1
        return (headers or {}).get(_NUMBER) == str(number)


def call_subject(address: FleetHostAddress) -> str:
    """Return where a deck calls a host."""
    return f"lockdeck.{address.fleet.fleet}.ask.{address.role}.{address.who}.{address.name}"


def calls_of(fleet: FleetAddress, host: str) -> str:
    """Return where a host is called, whoever calls."""
    return f"lockdeck.{fleet.fleet}.ask.*.*.{host}"


def caller_of(subject: str, reply: str) -> DeckCaller | None:
    """Return who calls; None where the answer would go anywhere else than to that caller."""
    match = _SUBJECT.fullmatch(subject)
    if match is None or not re.fullmatch(rf"{re.escape(INBOX)}\.{match[2]}\.[0-9a-f]{{32}}", reply):
        return None
    return DeckCaller(Role(match[1]), match[2])
