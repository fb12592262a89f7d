"""Times as wrappers write them: whole ones, and those without date or year."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

from msgspec import Struct

DAY_S = 86_400.0
_MONTHS = {
    name: place
    for place, name in enumerate(
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"], 1
    )
}
_FRACTION = re.compile(r"([.,]\d{6})\d+")
_UNIX = re.compile(r"\d{9,11}\.\d{6}")
_DATED = re.compile(r"\s*\d{4}-\d\d-\d\d[T ]")
_CLOCK = re.compile(r"(\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?(?:(Z)|([+-])(\d\d):?(\d\d))?$")


class Clock(Struct, frozen=True):
    """A time of day without its date; `offset_s` is its zone (seconds east of UTC), None where it tells none.

    `month` and `day` are told by syslog, which tells no year.
    """

    seconds: float
    offset_s: float | None = None
    month: int | None = None
    day: int | None = None

    def near(self, epoch: float) -> float | None:
        """Return the moment of this clock that is nearest to `epoch` (epoch seconds), None for no date there is.

        Without a zone of its own the clock is read in UTC.
        """
        shown = epoch + (self.offset_s or 0.0)
        if self.month is None or self.day is None:
            midnight = shown - shown % DAY_S
            best = min(
                (midnight + self.seconds + days * DAY_S for days in (-1, 0, 1)),
                key=lambda at: abs(at - shown),
            )
            return best - (self.offset_s or 0.0)
        year = datetime.fromtimestamp(shown, UTC).year
        moments = []
        for candidate in (year - 1, year, year + 1):
            try:
                start = datetime(candidate, self.month, self.day, tzinfo=UTC).timestamp()
            except ValueError:
                continue
            moments.append(start + self.seconds)
        if not moments:
            return None
        return min(moments, key=lambda at: abs(at - shown)) - (self.offset_s or 0.0)


def read_stamp(text: str) -> float | None:
    """Read a whole time as epoch seconds; one without a zone is taken as this host's local time."""
    if _UNIX.fullmatch(text):
        return float(text)
    if not _DATED.match(text):
        return None
    plain = _FRACTION.sub(r"\1", text.strip()).replace(",", ".")
    if plain.endswith(" UTC"):
        plain = plain[:-4] + "+00:00"
    plain = re.sub(r" ([+-]\d\d:?\d\d)$", r"\1", plain)
    try:
        return datetime.fromisoformat(plain).timestamp()
    except (ValueError, OverflowError, OSError):
        return None


def read_clock(text: str) -> Clock | None:
    """Read `10:04:23`, `10:04:23.234+02:00` or `May 09 10:04:23.234`; None for what is no time of day."""
    month = day = None
    if text[:3] in _MONTHS:
        month, day, text = _MONTHS[text[:3]], int(text[4:6]), text[7:]
    match = _CLOCK.match(text.strip())
    if match is None:
        return None
    hours, minutes, seconds = (int(part) for part in match.group(1, 2, 3))
    if hours > 23 or minutes > 59 or seconds > 60:
        return None
    fraction = float(f"0.{match[4]}") if match[4] else 0.0
    offset = 0.0 if match[5] else None
    if match[6]:
        zone = timezone(timedelta(hours=int(match[7]) % 24, minutes=int(match[8]) % 60))
        offset = zone.utcoffset(None).total_seconds() * (-1 if match[6] == "-" else 1)
    return Clock(hours * 3600 + minutes * 60 + seconds + fraction, offset, month, day)
