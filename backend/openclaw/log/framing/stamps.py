"""Times as wrappers write them: whole ones, and times of day without a date."""

from __future__ import annotations

from datetime import UTC, datetime

from msgspec import Struct

from lockdeck.backend.model.moments import DAY_S
from lockdeck.backend.model.pattern import late_pattern
from lockdeck.backend.openclaw.log.values import clock

QUARTER_S = 900.0
"""A zone is a whole number of so many seconds."""
_UNIX = late_pattern(r"\d{9,11}\.\d{6}")
_ZONE = late_pattern(r"([+-])(\d\d):?(\d\d)$")
IN_UTC = ("Z", "UTC")
"""The ends of a time in UTC, which tells nothing of where its writer runs."""
_DATED = late_pattern(r"\s*\d{4}-\d\d-\d\d[T ]")
_DATE_MARKS = frozenset({"--T", "-- "})
"""Every third character of a date from its year on."""
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAYS_BEFORE = (0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335)
LEAP_DAY = 59
"""The place of February 29 in a year that has one, counted from 0."""
_CLOCK = late_pattern(
    r"(?:([A-Z][a-z]{2}) ([ \d]\d) )?(\d\d):(\d\d):(\d\d(?:[.,]\d{1,9})?)(?:(Z)|([+-])(\d\d):?(\d\d))?"
)


class Clock(Struct, frozen=True):
    """A time of day without its date; `offset_s` is its zone (seconds east of UTC), None where it tells none.

    `day` counts the days of a leap year from 0 where month and day are told, and only the year is not.
    """

    seconds: float
    offset_s: float | None = None
    day: int | None = None

    def near(self, epoch: float) -> float:
        """Return the moment of this clock that is nearest to `epoch` (epoch seconds); without a zone in UTC."""
        ahead = (self.seconds - (self.offset_s or 0.0) - epoch) % DAY_S
        return epoch + (ahead if ahead <= DAY_S / 2 else ahead - DAY_S)


def read_stamp(text: str, zone_s: float | None = None) -> float | None:
    """Read a whole time as epoch seconds; one without a zone is of `zone_s` (seconds east of UTC), else of this host's."""
    if text[4:11:3] not in _DATE_MARKS and not _DATED.match(text):
        return float(text) if _UNIX.fullmatch(text) else None
    stamp = text.strip()
    if zone_s is None or stamp.endswith(IN_UTC) or zone_of(stamp) is not None:
        return clock(stamp)
    utc = clock(f"{stamp}Z")
    return None if utc is None else utc - zone_s


def zone_of(stamp: str) -> float | None:
    """Return the zone of the writer that a whole time tells (seconds east of UTC); None where it tells none."""
    match = _ZONE.search(stamp, 19)
    if match is None:
        return None
    return (int(match[2]) * 3600.0 + int(match[3]) * 60.0) * (-1 if match[1] == "-" else 1)


def read_clock(text: str) -> Clock | None:
    """Read `10:04:23`, `10:04:23.234+02:00` or syslog's `May 09 10:04:23`; None for what is no time of day."""
    match = _CLOCK.fullmatch(text.strip())
    if match is None:
        return None
    hours, minutes, seconds = int(match[3]), int(match[4]), float(match[5].replace(",", "."))
    if hours > 23 or minutes > 59 or seconds >= 61:
        return None
    offset = 0.0 if match[6] else None
    if match[7]:
        offset = (int(match[8]) * 3600.0 + int(match[9]) * 60.0) * (-1 if match[7] == "-" else 1)
    day = _place_of(match[1], int(match[2])) if match[1] in _MONTHS else None
    return Clock(hours * 3600 + minutes * 60 + seconds, offset, day)


def _place_of(month: str, day: int) -> int:
    return _DAYS_BEFORE[_MONTHS.index(month)] + day - 1


def apart(clock: float, other: float) -> float:
    """Return how far one clock of day is ahead of another, in seconds, by the shorter way round."""
    return (clock - other + DAY_S / 2) % DAY_S - DAY_S / 2


def day_of_year(moment: float) -> int | None:
    """Return the place of a moment's date in a leap year, None for what no calendar holds."""
    try:
        at = datetime.fromtimestamp(moment, UTC)
    except (OverflowError, ValueError, OSError):
        return None
    return at.replace(year=2000).timetuple().tm_yday - 1
