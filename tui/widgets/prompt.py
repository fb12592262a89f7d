"""The line that asks for a filter, and says what is wrong with it while it is typed."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input

from tui.filter import FilterError, Query, parse
from tui.lines import line, span, wrap
from tui.widgets.lineview import LineView

# What safe() would change can't be typed or pasted, so that the field never sends it to the terminal.
_FIT_TO_SHOW = r"[^\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]*"


class FilterPrompt(Vertical):
    """Asks for a filter; applies it while it is typed, as long as it can be read."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "give_up", "Clear", show=True)]

    class Applied(Message):
        """This filter is in force from now on."""

        def __init__(self, text: str, query: Query) -> None:
            super().__init__()
            self.text = text
            self.query = query

    class Closed(Message):
        """The person is done typing."""

    def compose(self) -> ComposeResult:
        """Put the field above its message."""
        yield Input(placeholder="words  !word  state: agent: lock: root: key: holder:", restrict=_FIT_TO_SHOW)
        yield LineView("panel", id="filter-fault")

    def open(self, text: str) -> None:
        """Ask, starting from the filter in force."""
        self.display = True
        field = self.query_one(Input)
        field.value = text
        field.focus()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        fault = self.query_one("#filter-fault", LineView)
        try:
            query = parse(event.value)
        except FilterError as error:
            sentence = line(span(f" {error}", "warning"))
            fault.show(lambda width: list(wrap(sentence, width, indent=1)))
            return
        fault.show(lambda _width: [])
        self.post_message(self.Applied(event.value, query))

    @on(Input.Submitted)
    def _done(self, event: Input.Submitted) -> None:
        event.stop()
        self.display = False
        self.post_message(self.Closed())

    def action_give_up(self) -> None:
        """Clear the filter and close."""
        self.display = False
        self.post_message(self.Applied("", Query()))
        self.post_message(self.Closed())
