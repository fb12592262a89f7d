"""Rows of the events table. All pure."""

from __future__ import annotations

from collections.abc import Iterator

from lockdeck.tui.table.fitting import Column
from lockdeck.tui.table.rows import SEVERITY_STYLE
from lockdeck.tui.view.events import EventLine
from lockdeck.tui.view.figures import time_of_day
from lockdeck.tui.view.lines import Line, line, span

COLUMNS = (
    Column("TIME", 8, name="time"),
    Column("SEVERITY", 8, name="severity"),
    Column("ABOUT", 14, flex=2, most=44, name="about"),
    Column("WHAT", 20, flex=5, name="what"),
)
FIELDS = ("severity", "about", "what", "time")
"""What a filter may name of an event."""


def event_cells(change: EventLine) -> tuple[Line, ...]:
    """Return the cells of one change, one line per column of COLUMNS."""
    style = SEVERITY_STYLE[change.severity]
    return (
        line(span(time_of_day(change.at), "dim")),
        line(span(change.severity.word, style)),
        line(span(change.subject)),
        line(span(change.sentence)),
    )


def event_facts(change: EventLine) -> dict[str, str]:
    """Return a change's facts by field of the filter, in lower case."""
    return {
        "severity": change.severity.word,
        "about": change.subject.lower(),
        "what": change.sentence.lower(),
        "time": time_of_day(change.at),
    }


def event_values(change: EventLine, field: str) -> Iterator[str]:
    """Yield what could be asked of a field to find this change: of its time the minute."""
    value = event_facts(change)[field]
    yield value[:5] if field == "time" else value
