"""Bars and dots: shares of a whole and the attempts of a rotation, drawn in cells. All pure."""

from __future__ import annotations

from lockdeck.backend.model.runs.records import Attempt, Rotation
from lockdeck.tui.view.lines import Line, span
from lockdeck.tui.view.symbols import Symbols


def bar(share: float, width: int, symbols: Symbols, style: str) -> Line:
    """Draw a bar of `width` cells filled to `share` (0 to 1)."""
    steps = len(symbols.cells) - 1
    filled = round(min(max(share, 0.0), 1.0) * width * steps)
    full, part = divmod(filled, steps)
    filling = symbols.cells[-1] * full + (symbols.cells[part] if part else "")
    return (span(filling, style), span(symbols.cells[0] * (width - len(filling)), "track"))


def dots(rotation: Rotation, current: Attempt | None, symbols: Symbols, limit: int = 8) -> Line:
    """Draw a rotation's attempts: tried, being tried, still to come; and n/N (only that where there are too many)."""
    total = max(rotation.total or 0, len(rotation.attempts) + len(rotation.to_come))
    index = attempt_index(rotation, current)
    running = current is not None and current.ended_at is None and not rotation.finished
    size = str(total) if rotation.total is not None or rotation.to_come else "?"
    count = span(f" {index}/{size}", "text")
    if total > limit:
        return (span(count.text.strip()),)
    tried = index - 1 if running else index
    glyphs = (
        span(symbols.tried * tried, "text"),
        span(symbols.trying if running else "", "text"),
        span(symbols.to_come * max(total - tried - running, 0), "dim"),
    )
    return (*(glyph for glyph in glyphs if glyph.text), count)


def attempt_index(rotation: Rotation, current: Attempt | None) -> int:
    """Return the number of the attempt that runs, or ran last."""
    if current is not None:
        return current.index
    return rotation.attempts[-1].index if rotation.attempts else 0
