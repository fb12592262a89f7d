"""A box above the screen: lines that scroll, and beneath them what always stays in sight."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar, Generic, TypeVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widget import Widget

from lockdeck.tui.afterwards import after_refresh
from lockdeck.tui.view.lines import Line, wrapped
from lockdeck.tui.widgets.keybar import KeyBar
from lockdeck.tui.widgets.lineview import LineMaker, LineView

Result = TypeVar("Result")
_FRAME = 3
"""Lines of the box's border, and of the key bar below it."""


class Foot(Vertical):
    """The part that stays in sight. The lines above get what it leaves, however often it changes its height."""

    def on_resize(self, _event: events.Resize) -> None:
        """Have the lines fitted again."""
        if isinstance(self.screen, BoxDialog):
            self.screen.fit()


class BoxDialog(ModalScreen[Result | None], Generic[Result]):
    """Escape dismisses it with None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "give_up", "Close"),
        Binding("left", "app.focus_previous", show=False),
        Binding("right", "app.focus_next", show=False),
        Binding("up,k", "scroll(-1)", show=False),
        Binding("down,j", "scroll(1)", "Scroll"),
        Binding("pageup,ctrl+u", "scroll(-10)", show=False),
        Binding("pagedown,ctrl+d", "scroll(10)", show=False),
        Binding("home,g", "scroll(-100000)", show=False),
        Binding("end,G", "scroll(100000)", show=False),
    ]

    def compose(self) -> ComposeResult:
        """Put the foot under the lines."""
        with Vertical(classes="box"):
            with VerticalScroll(classes="box-scroll", can_focus=False):
                yield LineView("overlay", id="box-lines")
            with Foot(classes="box-foot"):
                yield from self.foot()
        yield KeyBar()

    def foot(self) -> Iterable[Widget]:
        """Return what stays in sight beneath the lines."""
        return ()

    def show(self, rows: Sequence[Line]) -> None:
        """Show lines, wrapped to the width of the box."""
        self.show_page(lambda width: [part for row in rows for part in wrapped(row, width)])

    def show_page(self, maker: LineMaker) -> None:
        """Show the lines that are made for the width of the box."""
        self.query_one("#box-lines", LineView).show(maker)
        self.fit()

    def fit(self) -> None:
        """Give the lines the height that the foot leaves, once the foot has its own."""
        after_refresh(self, self._fit)

    def _fit(self) -> None:
        for scroll in self.query(".box-scroll"):
            foot = self.query_one(".box-foot").outer_size.height
            scroll.styles.max_height = max(self.size.height - foot - _FRAME, 1)

    def on_resize(self, _event: events.Resize) -> None:
        """Fit into the new height."""
        self.fit()

    def action_give_up(self) -> None:
        """Close, and do nothing."""
        self.dismiss(None)

    def action_scroll(self, by: int) -> None:
        """Scroll the lines."""
        self.query_one(".box-scroll").scroll_relative(y=by, animate=False)
