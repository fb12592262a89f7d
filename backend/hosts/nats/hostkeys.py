"""The two keys of one host, as the host writes them: nobody else does, or we notice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockdeck.backend.hosts.frames import HostBeat, encoded
from lockdeck.backend.hosts.nats.entries import BEAT, MOST_MESSAGES, STATE
from lockdeck.backend.hosts.nats.packing import StreamPacker

if TYPE_CHECKING:
    from lockdeck.backend.hosts.nats.bucket import FleetBucket

SMALL = 64 * 1024
"""So many bytes of changes are never too many."""
_LAST_PLACES = 8
"""What is written at once fits into so many messages."""


class HostKeys:
    """A picture under one key, with what changed in it since; under the other the sign of life that vouches for it.

    Raises NatsError, and TakenError where another writes to the keys of this host.
    """

    def __init__(self, bucket: FleetBucket, host: str) -> None:
        self._bucket = bucket
        self._state, self._beat = f"{STATE}.{host}", f"{BEAT}.{host}"
        self._newest: int | None = None
        self._newest_beat: int | None = None
        self.begin()

    def begin(self) -> None:
        """Let the next that is put be a new picture, in place of the last."""
        self._packer = StreamPacker()
        self._messages = self._bytes = 0
        self._bytes_of_picture: int | None = None

    @property
    def begun(self) -> bool:
        """Return whether anything of the picture is written."""
        return bool(self._messages)

    @property
    def full(self) -> bool:
        """Return whether nothing more can be put before a new picture."""
        return self._messages > MOST_MESSAGES - _LAST_PLACES

    @property
    def worn(self) -> bool:
        """Return whether what changed has become more than a new picture would be."""
        if self._bytes_of_picture is None:
            return False
        return self.full or self._bytes - self._bytes_of_picture > max(self._bytes_of_picture, SMALL)

    async def put(self, data: bytes, *, complete: bool) -> None:
        """Write frames; `complete`: with them the picture is."""
        for piece in self._packer.pieces(data):
            first = not self._messages
            self._newest = await self._bucket.put(self._state, piece, self._newest, first=first)
            self._messages += 1
            self._bytes += len(piece)
        if complete and self._bytes_of_picture is None:
            self._bytes_of_picture = self._bytes

    async def beat(self, now: float) -> None:
        """Give a sign of life: what was put is how it is (`now`: epoch seconds)."""
        assert self._newest is not None
        data = encoded(HostBeat(now))
        self._newest_beat = await self._bucket.put(
            self._beat, data, self._newest_beat, first=True, about=self._newest
        )
