"""Text without any decoration, for the terminal's own selection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from rich.cells import chop_cells
from textual import events
from textual.binding import Binding, BindingType
from textual.strip import Strip
from textual.widget import Widget

from lockdeck.backend.system.text import SafeText
from lockdeck.tui.view.lines import Span, width_of
from lockdeck.tui.widgets.appearance import appearance_of, repaint_on_theme_change

if TYPE_CHECKING:
    from lockdeck.tui.shell import Shell

_PAGE = 10
_WRAP, _NO_WRAP = "\x1b[?7h", "\x1b[?7l"


class PlainView(Widget, can_focus=True):
    """Shows rows; one that is wider than the screen goes on in the next line, as a terminal would break it.

    A terminal joins such lines in its selection only if it broke them itself. Textual places each line on
    its own, so every row of several lines is written once more, in one go, with the terminal's wrapping on.
    Must be as wide as the terminal.
    """

    DEFAULT_CSS = "PlainView { height: 1fr; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup,ctrl+u", f"move(-{_PAGE})", "Page up", show=False),
        Binding("pagedown,space,ctrl+d", f"move({_PAGE})", "Page down", show=False),
        Binding("home,g", "move(-1000000)", "First", show=False),
        Binding("end,G", "move(1000000)", "Last", show=False),
    ]

    def __init__(self, rows: Sequence[Span]) -> None:
        super().__init__()
        self._rows = rows
        self._pieces: list[tuple[int, Span]] = []
        self._top = 0

    def on_mount(self) -> None:
        """Follow the theme."""
        repaint_on_theme_change(self)

    def on_resize(self, event: events.Resize) -> None:
        """Break the rows anew."""
        self._pieces = [
            (number, piece)
            for number, row in enumerate(self._rows)
            for piece in break_row(row, max(event.size.width, 1))
        ]
        self.action_move(0)

    def action_move(self, by: int) -> None:
        """Scroll by so many lines."""
        last = max(len(self._pieces) - self.size.height, 0)
        self._top = min(max(self._top + by, 0), last)
        self.refresh()
        self.call_after_refresh(self._join)

    def render_line(self, y: int) -> Strip:
        """Return the strip of one line."""
        at = self._top + y
        row = (self._pieces[at][1],) if at < len(self._pieces) else ()
        return appearance_of(self).stylebook.strip(row, self.size.width)

    def _join(self) -> None:
        """Write the rows that take several lines once more, so that the terminal joins them."""
        visible = self._pieces[self._top : self._top + self.size.height]
        lines_of: dict[int, list[int]] = {}
        for y, (number, _piece) in enumerate(visible):
            lines_of.setdefault(number, []).append(y)
        for lines in lines_of.values():
            if len(lines) > 1:
                text = SafeText("".join(visible[y][1].text for y in lines))
                self._write(lines[0], Span(text, visible[lines[0]][1].style))

    def _write(self, y: int, row: Span) -> None:
        strip = appearance_of(self).stylebook.strip((row,), width_of((row,)))
        background = self.background_colors[1]
        for line_filter in self.get_line_filters():
            strip = strip.apply_filter(line_filter, background)
        column, line = self.region.offset
        text = f"\x1b[{line + y + 1};{column + 1}H{_WRAP}{strip.render(self.app.console)}{_NO_WRAP}"
        cast("Shell", self.app).send_to_terminal(text)


def break_row(row: Span, width: int) -> list[Span]:
    """Return a row in pieces of at most `width` cells, broken where a terminal breaks it."""
    return [Span(SafeText(piece), row.style) for piece in chop_cells(row.text, width)] or [row]
