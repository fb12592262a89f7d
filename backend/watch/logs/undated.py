"""Lines of a followed log that tell no date: those that are surely old, and those that may be of now."""

from __future__ import annotations

import math
from collections.abc import Collection

from lockdeck.backend.model.moments import seconds_between


class UndatedLines:
    """Lines that were there before anybody watched. `count` of them may be of now; the last was read at `read_at`.

    None of them is dated here. But a line was written no later than the file, no later than a dated line below it, and
    as long before the last clock as the clocks say, at least: what is old by that is old for sure.
    """

    __slots__ = ("_above_date", "_open", "count", "read_at")

    def __init__(self) -> None:
        self.count = 0
        self.read_at = -math.inf
        self._open: list[float] = []
        self._above_date: list[tuple[float, float]] = []

    def add(self, moment: float) -> None:
        """Take note of a line, by its place on a scale without dates."""
        self._open.append(moment)

    def date(self, at: float) -> None:
        """Take note of a dated line below those so far."""
        self._above_date += [(moment, at) for moment in self._open]
        self._open = []

    def settle(self, written_at: float, last_clocks: Collection[float], oldest: float, now: float) -> None:
        """Count those that may be of now, once the file was read to its end; `oldest` is what still matters.

        The file was written at `written_at`; `last_clocks` are the last of its clocks without a date,
        one for each who writes it.
        """
        for moment, below in (*self._above_date, *((moment, math.inf) for moment in self._open)):
            before_last = max((seconds_between(moment, clock) or 0.0 for clock in last_clocks), default=0.0)
            if min(written_at - before_last, below) >= oldest:
                self.count, self.read_at = self.count + 1, now
        self._open, self._above_date = [], []
