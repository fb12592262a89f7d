"""What stands in the bucket of a fleet: each host has a key for its state and one for its signs of life."""

from __future__ import annotations

from msgspec import Struct

STATE, BEAT = "state", "beat"
"""What begins the keys of hosts: `state.alpha`, `beat.alpha`."""
MOST_MESSAGES = 64
"""A key has so many messages at most, as every bucket; older ones are dropped."""


class TakenError(Exception):
    """Another has written to our key since we did."""


class FleetEntry(Struct, frozen=True):
    """One message of a bucket. `number`: its place among all. `stored_at`: by the server's clock (epoch seconds).

    `first`: what the key had before is gone. `deleted`: and nothing came in its place. `about`: of a sign of life, the
    number of the state that it says to be the newest. `old`: it was there before we looked. `pending`: so many are still
    to come of those that are there.
    """

    kind: str
    host: str
    number: int
    stored_at: float
    first: bool
    deleted: bool
    about: int | None
    old: bool
    pending: int
    data: bytes
