"""The line of titles above a table, with an arrow at the column that rows are sorted by. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from lockdeck.tui.table.layout import GAP, AnyColumn, lay_out
from lockdeck.tui.view.lines import Line, Span, fit, span


def header_line(
    columns: Sequence[AnyColumn], width: int, *, sorted_by: str, arrow: str, ellipsis: str, wide: bool
) -> Line:
    """Return the titles; the arrow stands in the gap before its title, so that no title is ever cut for it."""
    parts: list[Span] = []
    for position, (index, cells) in enumerate(lay_out(columns, width - 2, wide)):
        column = columns[index]
        marked = bool(sorted_by) and column.name == sorted_by
        parts.append(span(" " * ((GAP if position else 1) - marked)))
        title = span(f"{arrow}{column.title}", "accent") if marked else span(column.title, "dim")
        parts.extend(fit((title,), cells + marked, ellipsis=ellipsis, right=column.right))
    return tuple(part for part in parts if part.text)
