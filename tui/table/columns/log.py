"""The columns of a session's log. Pure."""

from __future__ import annotations

from lockdeck.tui.table.column import Column, Field, Width
from lockdeck.tui.table.columns.writtenat import WRITTEN_AT
from lockdeck.tui.view.lines import line, span
from lockdeck.tui.view.written.logrows import LogRow

COLUMNS: tuple[Column[LogRow], ...] = (
    WRITTEN_AT,
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
