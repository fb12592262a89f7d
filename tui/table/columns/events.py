"""The columns of the events table. Pure."""

from __future__ import annotations

from lockdeck.backend.model.words import short_moment, time_of_day
from lockdeck.tui.table.column import Column, Field, Width
from lockdeck.tui.view.events import EventLine
from lockdeck.tui.view.lines import line, span
from lockdeck.tui.view.severity import SEVERITY_STYLE

HOST: Column[EventLine] = Column(
    name="host",
    title="HOST",
    width=Width(12, flex=1, max_cells=20, brief_cells=6, full_from=110),
    cell=lambda event, _context: line(span(event.host, "dim")),
    sort=None,
    field=Field("host", lambda event: event.host, quoted_whole=True, rank=0),
    names=True,
    meaning="the host it happened on, or that it is about",
)
COLUMNS: tuple[Column[EventLine], ...] = (
    Column(
        name="time",
        meaning="when lockdeck saw it, in local time",
        title="TIME",
        width=Width(11),
        cell=lambda event, context: line(span(short_moment(event.at, context.now), "dim")),
        sort=None,
        field=Field(
            "time",
            lambda event: time_of_day(event.at),
            suggestions=lambda event: (time_of_day(event.at)[:5],),  # the minute
            rank=20,
        ),
    ),
    Column(
        name="severity",
        meaning="how much it needs a person",
        title="SEVERITY",
        width=Width(8),
        cell=lambda event, _context: line(span(event.severity.word, SEVERITY_STYLE[event.severity])),
        sort=None,
        field=Field("severity", lambda event: event.severity.word),
    ),
    Column(
        name="about",
        names=True,
        meaning="the session, lock or root it is about",
        title="ABOUT",
        width=Width(14, flex=2, max_cells=44),
        cell=lambda event, _context: line(span(event.subject)),
        sort=None,
        field=Field("about", lambda event: event.subject),
    ),
    Column(
        name="what",
        meaning="what changed",
        title="WHAT",
        width=Width(20, flex=5),
        cell=lambda event, _context: line(span(event.sentence)),
        sort=None,
        field=Field("what", lambda event: event.sentence),
    ),
)
