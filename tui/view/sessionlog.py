"""The log of a session in lines, oldest first. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from lockdeck.backend.model.sessions.loglines import LogLine
from lockdeck.backend.model.words import time_of_day
from lockdeck.tui.view.lines import Line, line, span, wrap
from lockdeck.tui.view.symbols import Symbols

_TIME_WIDTH = 10


def log_title(log: Sequence[LogLine], symbols: Symbols, width: int) -> list[Line]:
    """Return the heading; nothing where the log tells nothing."""
    rule = symbols.rule * max(width - 7, 0)
    return [line(span(" Log ", "heading"), span(rule, "track"))] if log else []


def log_lines(log: Sequence[LogLine], width: int) -> list[Line]:
    """Return the wrapped lines."""
    rows: list[Line] = []
    for entry in log:
        parts = line(
            span(f" {time_of_day(entry.at)} ", "dim"),
            span(entry.sentence, "warning" if entry.bad else "text"),
        )
        rows += wrap(parts, width - 1, indent=_TIME_WIDTH)
    return rows
