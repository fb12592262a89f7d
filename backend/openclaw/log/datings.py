"""The datings of a stream that several write: each has a clock, a zone and a midnight of its own."""

from __future__ import annotations

from collections.abc import Iterator

from lockdeck.backend.openclaw.log.dating import Dating
from lockdeck.backend.openclaw.log.framing.unwrap import Unwrapped

MOST_ORIGINS = 100
"""So many writers of one stream are told apart; further ones are taken for one."""
FURTHER = ("further sources",)
Origins = tuple[str, ...]


class Datings:
    """`numbers` tell apart all that are read together: what has no date in two of them has no order.

    `follows`: every line counts from here on, since a midnight may pass between two that concern us.
    """

    __slots__ = ("_arrival", "_by_origin", "_numbers", "follows")

    def __init__(self, numbers: Iterator[int]) -> None:
        self._numbers = numbers
        self._by_origin: dict[Origins, Dating] = {}
        self._arrival: float | None = None
        self.follows = False

    def arrive(self, at: float | None) -> None:
        """Take note of when the next lines arrived."""
        self._arrival = at
        for dating in self._by_origin.values():
            dating.arrive(at)

    def pass_by(self, line: Unwrapped, origins: Origins | None = None) -> None:
        """Take note of a line that does not concern us, but tells a date or that time has passed, to its writer or `origins`."""
        self._of(line.origins if origins is None else origins).pass_by(line)

    def needs_date(self, line: Unwrapped) -> bool:
        """Return whether a line with a date above would date this one."""
        return line.clock is not None and self._of(line.origins).needs_date

    def moment_of(self, line: Unwrapped) -> float:
        """Return the moment of a line that tells no date of its own."""
        dating = self._of(line.origins)
        moment = dating.moment_of(line)
        self.follows = self.follows or dating.follows
        return moment

    def clocks(self) -> dict[Origins, float]:
        """Return the moments of the last clocks without a date, by who wrote them."""
        return {
            origins: dating.moment for origins, dating in self._by_origin.items() if dating.moment is not None
        }

    def _of(self, origins: Origins) -> Dating:
        dating = self._by_origin.get(origins)
        if dating is None and len(self._by_origin) >= MOST_ORIGINS:
            origins = FURTHER
            dating = self._by_origin.get(origins)
        if dating is None:
            dating = self._by_origin[origins] = Dating(next(self._numbers))
            dating.arrive(self._arrival)
        return dating
