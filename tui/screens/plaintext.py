"""Text for the terminal's own selection: no borders, no colours of state, and the terminal keeps its mouse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from lockdeck.tui.shell import Shell
from lockdeck.tui.terminal.mouse import report_mouse
from lockdeck.tui.view.lines import Span, line, span
from lockdeck.tui.widgets.lineview import LineView
from lockdeck.tui.widgets.plainview import PlainView

_HINT = "Select with the mouse. esc goes back, up and down scroll"


class PlainTextScreen(ModalScreen[None]):
    """Shows rows as they are; while it is shown the mouse is the terminal's."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,enter", "leave", "Back")]

    def __init__(self, rows: Sequence[Span]) -> None:
        super().__init__()
        self._rows = rows

    def compose(self) -> ComposeResult:
        """Put a hint under the text."""
        yield PlainView(self._rows)
        yield LineView("panel", id="select-hint")

    def on_mount(self) -> None:
        """Leave the mouse to the terminal, and take away toasts: they would lie on the text."""
        self.app.clear_notifications()
        self.query_one("#select-hint", LineView).show(lambda _width: [line(span(_HINT, "dim"))])
        report_mouse(self._shell, on=False)

    def action_leave(self) -> None:
        """Go back, with the mouse as it was."""
        report_mouse(self._shell, self._shell.mouse)
        self.dismiss()

    @property
    def _shell(self) -> Shell:
        return cast("Shell", self.app)
