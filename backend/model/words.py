"""Words for numbers in the sentences that the rules give as reasons."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime


def duration(seconds: float) -> str:
    """Return a length of time as people say it: `0.4 s`, `42 s`, `14 m 20 s`, `2 h 5 m`, `3 d 4 h`."""
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
            rest = total % unit // smaller
            return f"{total // unit} {name} {rest} {smaller_name}" if rest else f"{total // unit} {name}"
    return f"{total} s"


def times(number: int, singular: str, plural: str | None = None) -> str:
    """Return a number with its noun: `1 attempt`, `3 attempts`."""
    return f"{number} {singular}" if number == 1 else f"{number} {plural or singular + 's'}"


def held_by(pids: Iterable[int | None]) -> str:
    """Return who holds a lock, to be put behind it: ` held by pid 396`; nothing where no pid is known."""
    numbers = sorted({pid for pid in pids if pid is not None})
    return f" held by pid {' and '.join(map(str, numbers))}" if numbers else ""


def time_of_day(at: float) -> str:
    """Return the local hour and minute of epoch seconds; `an unknown time` where no calendar holds it."""
    try:
        return datetime.fromtimestamp(at, UTC).astimezone().strftime("%H:%M")
    except (OverflowError, ValueError, OSError):
        return "an unknown time"
