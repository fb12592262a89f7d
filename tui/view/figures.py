"""Durations, times of day, bars and dots: numbers made readable. All pure."""

from __future__ import annotations

from datetime import UTC, datetime

from lockdeck.backend.model.runs.records import Attempt, Rotation
from lockdeck.tui.view.lines import Line, Span, span
from lockdeck.tui.view.symbols import Symbols


def duration(seconds: float) -> str:
    """Write a duration with its two greatest units: `42s`, `3m 07s`, `2h 05m`, `4d 01h`."""
    whole = max(0, int(seconds))
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    if days:
        return f"{days}d {hour:02d}h"
    if hours:
        return f"{hours}h {minute:02d}m"
    return f"{minutes}m {second:02d}s" if minutes else f"{second}s"


def fresh(seconds: float) -> str:
    """Write how old a picture is: tenths below ten seconds."""
    return f"{max(0.0, seconds):.1f} s" if seconds < 10 else duration(seconds)


def time_of_day(moment: float) -> str:
    """Write a moment (epoch seconds) as the time of day in this machine's zone: `23:26:41`."""
    return local(moment).strftime("%H:%M:%S")


def local(moment: float) -> datetime:
    """Return the moment in this machine's zone; moments no calendar knows become the epoch."""
    try:
        return datetime.fromtimestamp(moment, UTC).astimezone()
    except (OverflowError, ValueError, OSError):
        return datetime.fromtimestamp(0, UTC)


def bar(share: float, width: int, symbols: Symbols, style: str = "bar") -> Line:
    """Draw a bar of `width` cells filled to `share` (0 to 1)."""
    steps = len(symbols.cells) - 1
    filled = round(min(max(share, 0.0), 1.0) * width * steps)
    full, part = divmod(filled, steps)
    inked = symbols.cells[-1] * full + (symbols.cells[part] if part else "")
    return (span(inked, style), span(symbols.cells[0] * (width - len(inked)), "track"))


def dots(rotation: Rotation, current: Attempt | None, symbols: Symbols, most: int = 8) -> Line:
    """Draw a rotation's attempts: tried, being tried, still to come; and n/N."""
    total = max(rotation.total or 0, len(rotation.attempts) + len(rotation.to_come))
    index = attempt_index(rotation, current)
    running = current is not None and current.ended_at is None and not rotation.finished
    known = str(total) if rotation.total is not None or rotation.to_come else "?"
    count = span(f" {index}/{known}", "text")
    if total > most:
        return (Span(count.text, "text"),)
    tried = index - 1 if running else index
    glyphs = (
        span(symbols.tried * tried, "warning"),
        span(symbols.trying if running else "", "accent"),
        span(symbols.to_come * max(total - tried - running, 0), "dim"),
    )
    return (*(glyph for glyph in glyphs if glyph.text), count)


def attempt_index(rotation: Rotation, current: Attempt | None) -> int:
    """Return the number of the attempt that runs, or ran last."""
    if current is not None:
        return current.index
    return rotation.attempts[-1].index if rotation.attempts else 0
