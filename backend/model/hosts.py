"""The hosts of a fleet, as a deck sees them."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

CLOCKS_APART_S = 2.0
"""Clocks that are apart by more than this (seconds) are told of, and reckoned with."""


class Phase(StrEnum):
    """What we have of a host: called and not yet heard, live, lost, or not to be spoken with."""

    CALLED = "called"
    LIVE = "live"
    LOST = "lost"
    REFUSED = "refused"


class HostView(Struct, frozen=True):
    """How one host is seen. `problem`: why it isn't live, in one sentence.

    `heard_at` (epoch seconds, our clock): when it was heard of last, None where it never was. `ahead_s`: so much its clock
    is ahead of ours (seconds), None where not known. `lockdeck` is its version there, `role` what it lets this deck do.
    `told`: it has told all there is at least once. `withheld` counts the rows that it could not send.
    """

    name: str
    group: str = ""
    phase: Phase = Phase.CALLED
    problem: str | None = None
    heard_at: float | None = None
    ahead_s: float | None = None
    lockdeck: str | None = None
    role: str | None = None
    told: bool = False
    withheld: int = 0

    @property
    def apart_s(self) -> float:
        """How far its clock is ahead of ours (seconds), as far as that is worth reckoning with."""
        ahead = self.ahead_s or 0.0
        return ahead if abs(ahead) > CLOCKS_APART_S else 0.0

    @property
    def lost_since(self) -> float | None:
        """When a host whose rows are known, but that is not there any more, was heard of last; None for all others."""
        return self.heard_at if self.told and self.phase is not Phase.LIVE else None

    @property
    def seen(self) -> bool:
        """Whether all of it is seen: what is not is never green."""
        return self.phase is Phase.LIVE and self.told and not self.withheld
