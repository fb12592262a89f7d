"""The column that all tables of what was written about a session begin with. Pure."""

from __future__ import annotations

from lockdeck.backend.model.words import short_moment, time_of_day
from lockdeck.backend.openclaw.transcriptshape import Record
from lockdeck.tui.table.column import CellContext, Column, Field, Width
from lockdeck.tui.view.lines import Line, line, span
from lockdeck.tui.view.written.logrows import LogRow

Written = LogRow | Record


def _cell(row: Written, context: CellContext) -> Line:
    return line(span("" if row.at is None else short_moment(row.at, context.now), "dim"))


def _time(row: Written) -> str:
    return "" if row.at is None else time_of_day(row.at)


WRITTEN_AT: Column[Written] = Column(
    name="time",
    title="TIME",
    meaning="when it was written, in local time",
    width=Width(11),
    cell=_cell,
    sort=None,
    field=Field("time", _time, suggestions=lambda row: (_time(row)[:5],), rank=20),
)
