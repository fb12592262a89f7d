"""The columns of a session's log. Pure."""

from __future__ import annotations

from lockdeck.backend.model.words import short_moment, time_of_day
from lockdeck.tui.table.column import Column, Field, Width
from lockdeck.tui.view.lines import line, span
from lockdeck.tui.view.written.logrows import LogRow


def _time(row: LogRow) -> str:
    return "" if row.at is None else time_of_day(row.at)


COLUMNS: tuple[Column[LogRow], ...] = (
    Column(
        name="time",
        title="TIME",
        meaning="when it was written, in local time",
        width=Width(11),
        cell=lambda row, context: line(
            span("" if row.at is None else short_moment(row.at, context.now), "dim")
        ),
        sort=None,
        field=Field("time", _time, suggestions=lambda row: (_time(row)[:5],), rank=20),
    ),
    Column(
        name="line",
        title="LINE",
        meaning="what lockdeck reads in it, or the line as OpenClaw wrote it",
        width=Width(20, flex=1),
        cell=lambda row, _context: line(
            span(row.brief, "dim" if row.raw and row.raw.gone else "warning" if row.bad else "text", 1000)
        ),
        sort=None,
        field=Field("line", lambda row: row.text, suggestions=lambda _row: ()),
    ),
)
