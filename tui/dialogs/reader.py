"""A box to read: lines that scroll, and how to close it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from lockdeck.tui.dialogs.box import BoxDialog
from lockdeck.tui.view.lines import EMPTY, Line, ListItem, LongPage, line, span
from lockdeck.tui.widgets.lineview import LineView


class ReaderDialog(BoxDialog[None]):
    """Shows lines, whole and wrapped."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("q,enter", "give_up", "Close", show=False)]

    def __init__(self, rows: Sequence[Line | ListItem]) -> None:
        super().__init__()
        self._rows = rows

    def foot(self) -> Iterable[Widget]:
        """Return how to close it."""
        return (LineView("overlay", id="reading-foot"),)

    def on_mount(self) -> None:
        """Fill the box."""
        self.query_one("#reading-foot", LineView).show(
            lambda _width: [EMPTY, line(span("esc closes", "dim"))]
        )
        self.show_page(lambda width: LongPage(self._rows, width))
