"""Spans of time as people name them: `2h`, `09:30`, `2026-04-09`, `2026-04-09T10:00+02:00`. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo

from msgspec import Struct

from lockdeck.backend.model.pattern import late_pattern

FORMS = "an ISO time (2026-04-09T10:00Z, without a zone the local one), a time of day (09:30), or how long ago (90m, 2h, 1d)"
_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_AGO = late_pattern(r"(?:\d{1,9}(?:\.\d{1,9})?[smhdw])+", re.ASCII)
_PART = late_pattern(r"(\d+(?:\.\d+)?)([smhdw])", re.ASCII)
_CLOCK = late_pattern(r"(\d{1,2}):(\d\d)(?::(\d\d))?", re.ASCII)


class Timespan(Struct, frozen=True):
    """A span from `since` to `until`, both within it (epoch seconds); None leaves that side open."""

    since: float | None = None
    until: float | None = None

    def __bool__(self) -> bool:
        """Return whether it leaves anything out."""
        return self.since is not None or self.until is not None

    def meets(self, begin: float, end: float) -> bool:
        """Return whether any of the time from `begin` to `end` lies within."""
        return (self.since is None or end >= self.since) and (self.until is None or begin <= self.until)


def read_time(text: str, now: float, zone: tzinfo | None = None) -> float | None:
    """Read a time as a person writes it, in epoch seconds; None where it is none.

    `now` in epoch seconds; `zone` is that of times without one, by default the local one. A time of day is its last
    occurrence before `now`.
    """
    text = text.strip().removesuffix(" ago")
    if _AGO.fullmatch(text):
        return now - sum(float(amount) * _UNITS_S[unit] for amount, unit in _PART.findall(text))
    clock = _CLOCK.fullmatch(text)
    try:
        if clock is not None:
            return _last(now, zone, *(int(part or 0) for part in clock.groups()))
        moment = datetime.fromisoformat(text)
        return (moment.replace(tzinfo=zone) if moment.tzinfo is None and zone else moment).timestamp()
    except (ValueError, OverflowError, OSError):
        return None


def _last(now: float, zone: tzinfo | None, hour: int, minute: int, second: int) -> float:
    here = datetime.fromtimestamp(now, UTC).astimezone(zone)
    moment = here.replace(hour=hour, minute=minute, second=second, microsecond=0)
    if moment > here:
        moment -= timedelta(days=1)
    return moment.timestamp()
