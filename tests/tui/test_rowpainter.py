"""The painter of rows keeps what is shown, and nothing of what was shown before."""

from __future__ import annotations

import gc

from textual.strip import Strip

from lockdeck.themes.loader import load_catalog
from lockdeck.tui.table.column import CellContext, Column, Width
from lockdeck.tui.view.lines import line, span
from lockdeck.tui.view.style import StyleBook
from lockdeck.tui.view.symbols import UNICODE
from lockdeck.tui.widgets.rowpainter import RowLook, RowPainter


def strips() -> int:
    gc.collect()
    return sum(isinstance(one, Strip) for one in gc.get_objects())


def test_a_row_whose_durations_change_every_second_keeps_one_strip() -> None:
    """A dashboard that is open for weeks shows other durations each second: none of them ever comes back."""
    now = 0.0
    column = Column[str](
        name="age",
        title="AGE",
        width=Width(10),
        cell=lambda item, context: line(span(f"{item} {context.now}")),
        sort=None,
        field=None,
    )
    painter = RowPainter([column], lambda: CellContext(now, UNICODE))
    look = RowLook(StyleBook(load_catalog().palettes["dark"]), "…", 40, "base", faded=False)
    painted = set()
    before = strips()
    for second in range(300):
        now = float(second)
        painter.let_time_pass()
        painted.add(painter.strip("row", "item", look).text)
    assert len(painted) == 300
    assert strips() - before <= 5
