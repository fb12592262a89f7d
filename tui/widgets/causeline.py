"""The lines above the table that say what several rows have in common; they take no room where there is nothing."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip

from lockdeck.tui.view.lines import EMPTY
from lockdeck.tui.widgets.appearance import appearance_of
from lockdeck.tui.widgets.lineview import LineView


class CauseLine(LineView, can_focus=True):
    """Enter, or a click, opens it; down and escape lead back to the rows."""

    DEFAULT_CSS = "CauseLine { height: auto; width: 1fr; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Open the cause", show=False),
        Binding("down,j,escape", "leave", "Down", show=False),
    ]

    class Wanted(Message):
        """The person wants to see what the cause is known from."""

    class Left(Message):
        """The person goes back to the rows."""

    def allow_focus(self) -> bool:
        """Take the focus only where there is a cause."""
        return bool(self.lines)

    def action_open(self) -> None:
        """Have it opened."""
        self.post_message(self.Wanted())

    def action_leave(self) -> None:
        """Go back to the rows."""
        self.post_message(self.Left())

    def on_click(self, event: events.Click) -> None:
        """Open it."""
        event.stop()
        self.action_open()

    def on_focus(self) -> None:
        """Show that it has the focus."""
        self.refresh()

    def on_blur(self) -> None:
        """Show that it has not."""
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Return the strip of one line, as the selected one where it has the focus."""
        row = self.lines[y] if y < len(self.lines) else EMPTY
        ground = "cursor" if self.has_focus else "panel"
        return appearance_of(self).stylebook.strip(row, self.size.width, ground)
