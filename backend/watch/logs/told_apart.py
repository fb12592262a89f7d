"""Logs of one gateway whose clocks are apart: said, since what they tell stands by the clock of one of them."""

from __future__ import annotations

from collections.abc import Iterator

from lockdeck.backend.model.moments import is_dated
from lockdeck.backend.model.runs.sources import LogSource
from lockdeck.backend.model.words import duration


def told_apart(source: LogSource) -> Iterator[str]:
    """Yield which logs of a source have a clock of their own, and by which one their times are told."""
    for part, shifts in source.moved.items():
        by = next((other.name for other in source.parts if other not in source.moved), "the others")
        seconds = sum(shift.seconds for shift in shifts)
        if not is_dated(shifts[0].moment):
            yield f"{part.name} tells the runs of {by} without a date: they are told once, and by the times of that"
        else:
            side = "ahead of" if seconds < 0 else "behind"
            yield f"the clock of {part.name} is {duration(abs(seconds))} {side} that of {by}: what both tell is told once, and by that"
