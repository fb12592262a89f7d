"""The log of a session in lines, oldest first. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from lockdeck.backend.model.sessions.loglines import LogLine
from lockdeck.backend.model.words import time_of_day
from lockdeck.tui.view.lines import Line, fit, line, span, wrap
from lockdeck.tui.view.symbols import Symbols

_TIME_WIDTH = 10


def log_title(log: Sequence[LogLine], keys: tuple[str, str], symbols: Symbols, width: int) -> list[Line]:
    """Return the heading, with the keys that lead to log and transcript; nothing where the log tells nothing."""
    words = f"{keys[0]} all of it and its lines, {keys[1]} the transcript"
    rule = symbols.rule * max(width - len(words) - 9, 0)
    heading = line(span(" Log ", "heading"), span(f"{words} ", "dim"), span(rule, "track"))
    return [fit(heading, width, ellipsis=symbols.ellipsis)] if log else []


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
