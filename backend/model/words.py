"""Durations, times, counts and pids in words: one spelling for the rules' sentences and for both front ends."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

UNKNOWN = "-"
"""Stands for a time that nobody knows."""
ASSUMED = "~"
"""Stands before a length of time that no line tells whole: it follows from the lines around it and from the timeout."""
START_NOT_LOGGED = "start not logged"


def duration(seconds: float) -> str:
    """Return a length of time with its two greatest units: `0.4 s`, `42 s`, `14m 05s`, `2h 00m`, `3d 04h`.

    Whole numbers of seconds below ten have no tenths, so that a cell that ticks can be given those.
    """
    if seconds < 0:
        seconds = 0.0
    if seconds < 10 and round(seconds, 1) != round(seconds):
        return f"{seconds:.1f} s"
    total = round(seconds)
    for unit, name, smaller, smaller_name in (
        (86_400, "d", 3600, "h"),
        (3600, "h", 60, "m"),
        (60, "m", 1, "s"),
    ):
        if total >= unit:
            return f"{total // unit}{name} {total % unit // smaller:02d}{smaller_name}"
    return f"{total} s"


def time_taken(seconds: float | None, *, assumed: bool = False) -> str:
    """Return a length of time that may be unknown; `~` before one of which not all stands in the log."""
    return UNKNOWN if seconds is None else f"{ASSUMED if assumed else ''}{duration(seconds)}"


def times(number: int, singular: str, plural: str | None = None) -> str:
    """Return a number with its noun: `1 attempt`, `3 attempts`."""
    return f"{number} {singular}" if number == 1 else f"{number} {plural or singular + 's'}"


_CODE_WORDS = {
    "rotate_profile": "the next account",
    "fallback_model": "the next model",
    "candidate_failed": "the next candidate",
    "surface_error": "the caller is told",
    "return_error_payload": "the caller is told",
    "continue_normal": "the run goes on",
}
"""What OpenClaw's code words stand for; of any other the parts are words."""


def plain_word(word: str) -> str:
    """Return a code word of OpenClaw's in words that need no knowledge of its code."""
    return _CODE_WORDS.get(word, word.replace("_", " "))


def held_by(pids: Iterable[int | None]) -> str:
    """Return who holds a lock, to be put behind it: ` held by pid 396`; nothing where no pid is known."""
    numbers = sorted({pid for pid in pids if pid is not None})
    return f" held by pid {' and '.join(map(str, numbers))}" if numbers else ""


def time_of_day(moment: float | None, now: float | None = None) -> str:
    """Return a moment (epoch seconds) as local time, `23:26:41`; with its date where `now` is another day."""
    at, today = local(moment), local(now)
    if at is not None and today is not None and at.date() != today.date():
        return date_and_time(moment)
    return _written(at, "%H:%M:%S", UNKNOWN)


def short_moment(moment: float, now: float) -> str:
    """Return a moment (epoch seconds) as local time in 11 characters at most, `23:26:41`; of another day `04-10 23:26`."""
    at, today = local(moment), local(now)
    other_day = at is not None and today is not None and at.date() != today.date()
    return _written(at, "%m-%d %H:%M" if other_day else "%H:%M:%S", UNKNOWN)


def minute(moment: float, now: float) -> str:
    """Return a moment (epoch seconds) as local time in 11 characters at most, `23:26`; of another day `04-10 23:26`."""
    words = short_moment(moment, now)
    return words.rpartition(":")[0] if words.count(":") > 1 else words


def zoned_time(moment: float | None, now: float | None = None) -> str:
    """Return a moment (epoch seconds) as local time with its zone, `23:26:41 CET`; with its date where `now` is another day."""
    return f"{time_of_day(moment, now)} {zone(moment)}".rstrip()


def zone(moment: float | None) -> str:
    """Return the name of this machine's zone at a moment (epoch seconds), `CET`; empty where no calendar holds it."""
    return _written(local(moment), "%Z", "")


def date_and_time(moment: float | None) -> str:
    """Return a moment (epoch seconds) as local date and time, `2026-04-10 23:26:41`."""
    return _written(local(moment), "%Y-%m-%d %H:%M:%S", UNKNOWN)


def hour_and_minute(moment: float) -> str:
    """Return a moment (epoch seconds) as local time for a sentence, `23:26`."""
    return _written(local(moment), "%H:%M", "an unknown time")


def local(moment: float | None) -> datetime | None:
    """Return a moment (epoch seconds) in this machine's zone; None where no calendar holds it."""
    try:
        # float: a day ends when the calendar says so, which no step of arithmetic tells ahead.
        return None if moment is None else datetime.fromtimestamp(float(moment), UTC).astimezone()
    except (OverflowError, ValueError, OSError):
        return None


def _written(at: datetime | None, form: str, unknown: str) -> str:
    return unknown if at is None else at.strftime(form)
