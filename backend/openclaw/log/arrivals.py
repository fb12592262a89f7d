"""Dates of lines that have just arrived: a line is written when it arrives, as far as its clock agrees."""

from __future__ import annotations

from lockdeck.backend.model.moments import DAY_S
from lockdeck.backend.openclaw.log.framing.stamps import QUARTER_S, Clock, apart, day_of_year

LAG_S = 10.0
"""A line arrives at most so much (seconds) after its clock, beyond the time since the last look."""
_EARLY_S = 1.0


class Arrivals:
    """Arrivals of the lines of one stream. `at`: when those that come next were first there to be read (epoch seconds).

    None where they may have been there for any time: nothing is dated by that, and neither by the time of a file,
    which tells of its last line at most.
    """

    __slots__ = ("_since_s", "_zone", "at")

    def __init__(self) -> None:
        self.at: float | None = None
        self._since_s = 0.0
        self._zone: float | None = None

    def arrive(self, at: float | None) -> None:
        """Take note of when the next lines arrived."""
        self._since_s = 0.0 if at is None or self.at is None else max(0.0, at - self.at)
        self.at = at

    def moment_of(self, clock: Clock | None) -> float | None:
        """Return when a line that tells no date was written; None where nobody saw it arrive, or its clock disagrees.

        A zone is a whole number of quarters of an hour, and stays the same in a stream.
        """
        if clock is None or self.at is None:
            return self.at
        zone = clock.offset_s if clock.offset_s is not None else self._zone
        length = QUARTER_S if zone is None else DAY_S
        lag = (self.at + (zone or 0.0) - clock.seconds) % length
        lag = lag - length if lag > length - _EARLY_S else lag
        if lag > LAG_S + (0.0 if zone is None else self._since_s):
            return None
        moment = min(self.at, self.at - lag)
        if zone is None:
            zone = round(apart(clock.seconds, moment) / QUARTER_S) * QUARTER_S
        if clock.day is not None and clock.day != day_of_year(moment + zone):
            return None
        self._zone = zone
        return moment
