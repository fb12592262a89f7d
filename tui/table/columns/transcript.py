"""The columns of a transcript's shape. Pure."""

from __future__ import annotations

from lockdeck.backend.openclaw.transcriptshape import Record
from lockdeck.tui.table.column import Column, Field, Width
from lockdeck.tui.table.columns.writtenat import WRITTEN_AT
from lockdeck.tui.view.lines import line, span
from lockdeck.tui.view.written.records import size_words


def _tools(record: Record) -> str:
    return ", ".join(record.tools)


COLUMNS: tuple[Column[Record], ...] = (
    WRITTEN_AT,
    Column(
        name="role",
        title="ROLE",
        meaning="whose record it is: user, assistant, a tool's answer; else its kind",
        width=Width(11, flex=1, max_cells=24),
        cell=lambda record, _context: line(span(record.role)),
        sort=None,
        field=Field("role", lambda record: record.role),
    ),
    Column(
        name="size",
        title="SIZE",
        meaning="how long the record is",
        width=Width(8),
        right=True,
        cell=lambda record, _context: line(span(size_words(record.size), "dim")),
        sort=None,
        field=None,
    ),
    Column(
        name="end",
        title="END",
        meaning="why the model stopped: stop (it was done), toolUse (it asks for a tool), length, error, aborted",
        width=Width(8),
        cell=lambda record, _context: line(
            span(
                record.stop_reason or "", "warning" if record.stop_reason in ("error", "aborted") else "text"
            )
        ),
        sort=None,
        field=Field("end", lambda record: record.stop_reason or ""),
    ),
    Column(
        name="tools",
        title="TOOLS",
        meaning="the tools it calls, or whose answer it is",
        width=Width(10, flex=2),
        cell=lambda record, _context: line(span(_tools(record))),
        sort=None,
        field=Field("tool", _tools),
    ),
    Column(
        name="model",
        title="MODEL",
        meaning="the model that answered",
        width=Width(16, flex=1, max_cells=40, from_table=90),
        cell=lambda record, _context: line(span(record.model or "", "dim")),
        sort=None,
        field=Field("model", lambda record: record.model or ""),
    ),
)
