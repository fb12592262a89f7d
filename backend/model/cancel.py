"""The cancel of a run: who ended it and when."""

from __future__ import annotations

from msgspec import Struct

from lockdeck.backend.model.words import date_and_time, time_of_day

OURS, OPENCLAW = "lockdeck", "OpenClaw"
LONGEST_S = 600.0
"""A cancel that began longer ago than this (seconds) was broken off: its longest rung lets a gateway drain for 315 s."""
LATE_S = 10.0
"""The last lines of a cancelled run may be told this long (seconds) after it was proven to be over."""


class Cancel(Struct, frozen=True):
    """A run of a session that was cancelled; `at` (epoch seconds) its end was proven, or told.

    `by` lockdeck, as `user` with this `rung`, where the journal names them; else OpenClaw tells of it, and not by whom.
    `under_way`: it began then, and nothing tells yet what came of it.
    """

    at: float
    by: str = OPENCLAW
    user: str | None = None
    rung: str | None = None
    run_id: str | None = None
    under_way: bool = False

    def sentence(self, now: float | None = None) -> str:
        """Say who cancelled and when; with the date where `now` is another day."""
        return self._told(time_of_day(self.at, now))

    def dated_sentence(self) -> str:
        """Say who cancelled and when, for logs of any day."""
        return self._told(date_and_time(self.at))

    def _told(self, when: str) -> str:
        if self.by == OURS:
            return f"cancelled by lockdeck{f' (user {self.user})' if self.user else ''} at {when}"
        return f"the last run{f' ({self.run_id})' if self.run_id else ''} was aborted at {when}; OpenClaw does not tell by whom"
