"""Moments: when something happened, as far as a line tells it, and nothing more.

A moment is a number of seconds. Where a line tells date and time they are epoch seconds. Where it does not, the moment
stands on a scale of its stream, far before every calendar: order and differences within one scale hold as far as the
stream's clocks tell them, nothing lies between two scales, and no moment of a scale can be taken for one of now.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from enum import Enum
from functools import lru_cache

from msgspec import Struct

DAY_S = 86_400.0
YEAR_S = 366 * DAY_S
"""A year of a scale without years has every day that any year has."""
LINE_STEP_S = 0.06
"""Lines that tell no time stand this far apart (seconds) on their scale: one after the other, and close together."""
MOST_DAYS = 4 * 366
"""A scale has room for so many days of a stream, and for as many before its first line."""
MOST_STREAMS = 1000
"""So many streams have scales of their own."""
_SPAN_S = 2 * MOST_DAYS * DAY_S
_LEAP_YEAR = datetime(2000, 1, 1, tzinfo=UTC).timestamp()
_CALENDAR_BEGINS = -62_135_596_800.0


class Telling(Enum):
    """What the lines of a stream tell of their times."""

    DATE = "dated"
    MONTH_DAY = "no year"
    CLOCK = "no date"
    ORDER = "not told"


class LogEnd(Struct, frozen=True):
    """The last moment of one scale that a log tells. `goes_on`: it goes on after it, and no line tells for how long."""

    moment: float
    goes_on: bool = False


_SCALES = (Telling.CLOCK, Telling.MONTH_DAY, Telling.ORDER)
_FLOOR = -YEAR_S * 5_000 - MOST_STREAMS * len(_SCALES) * _SPAN_S
_REMARKS = {Telling.MONTH_DAY: "no year in this log", Telling.CLOCK: "no date in this log"}
NOT_TOLD = "time not told"


def on_scale(telling: Telling, stream: int, seconds: float) -> float:
    """Return a moment on the scale of a stream (from 0), `seconds` after the midnight before its first line."""
    index = min(stream, MOST_STREAMS - 1) * len(_SCALES) + _SCALES.index(telling)
    return _FLOOR + index * _SPAN_S + MOST_DAYS * DAY_S + seconds


def telling_of(moment: float) -> Telling:
    """Return what is told of a moment."""
    if moment >= _CALENDAR_BEGINS:
        return Telling.DATE
    return _SCALES[_index(moment) % len(_SCALES)]


def is_dated(moment: float) -> bool:
    """Return whether a moment has a date: epoch seconds."""
    return moment >= _CALENDAR_BEGINS


def same_scale(one: float, other: float) -> bool:
    """Return whether two moments can be put in order and subtracted."""
    if is_dated(one) or is_dated(other):
        return is_dated(one) and is_dated(other)
    return _index(one) == _index(other)


def seconds_between(start: float | None, end: float | None) -> float | None:
    """Return how long it was from one moment to another, in seconds, never negative; None where nothing tells that."""
    if start is None or end is None or not same_scale(start, end) or telling_of(end) is Telling.ORDER:
        return None
    return max(0.0, end - start)


def clock_text(moment: float | None) -> str | None:
    """Return what stands in the log for a moment without a whole date: `09:00:00`, `May 09 10:04:23`."""
    if moment is None or is_dated(moment):
        return None
    telling = telling_of(moment)
    if telling is Telling.ORDER:
        return None
    seconds = math.floor(moment - on_scale(telling, 0, 0.0) + 1e-3)
    at = datetime.fromtimestamp(_LEAP_YEAR + seconds % YEAR_S, UTC)
    return f"{at:%H:%M:%S}" if telling is Telling.CLOCK else f"{at:%b %d %H:%M:%S}"


@lru_cache(maxsize=1024)
def iso(moment: float | None) -> str | None:
    """Return a moment as ISO 8601 UTC; None without a date, and for times no calendar holds."""
    if moment is None:
        return None
    try:
        at = datetime.fromtimestamp(moment, UTC)
    except (OverflowError, ValueError, OSError):
        return None
    return f"{at.isoformat(timespec='milliseconds')[:-6]}Z"  # without its +00:00


def written(moment: float) -> str:
    """Return a moment as text, as far as it is told."""
    return iso(moment) or clock_text(moment) or NOT_TOLD


def day_and_clock(moment: float) -> tuple[str, str]:
    """Return a moment as a heading and a time of day below it: `2026-11-22 UTC`, `09:49:27`; as far as it is told."""
    telling = telling_of(moment)
    if telling is Telling.ORDER:
        return NOT_TOLD, ""
    text = (iso(moment) or NOT_TOLD) if telling is Telling.DATE else clock_text(moment) or NOT_TOLD
    if telling is Telling.DATE:
        day, _, clock = text.partition("T")
        return (f"{day} UTC", clock[:8]) if clock else (text, "")
    *month_and_day, clock = text.rsplit(" ", 1)
    return " ".join([*month_and_day, f"({_REMARKS[telling]})"]), clock


def span_written(start: float, end: float) -> str:
    """Return the time from one moment to another as text: `from 09:00:00 to 09:20:00 (no date in this log)`."""
    telling = telling_of(end)
    if telling is Telling.ORDER:
        return f"({NOT_TOLD})"
    text = f"{written(start)} to {written(end)}"
    return f"from {text} ({_REMARKS[telling]})" if telling in _REMARKS else f"({text})"


def _index(moment: float) -> int:
    return int((moment - _FLOOR) // _SPAN_S)
