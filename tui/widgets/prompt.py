"""The line that asks for a filter: it completes words, and says what is wrong while the filter is typed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.suggester import Suggester
from textual.widgets import Input

from lockdeck.tui.table.completion import Completion, ValuesOf, complete, completions_line
from lockdeck.tui.table.filter import Fields, FilterError, Query, parse
from lockdeck.tui.view.lines import Line, line, span, wrap
from lockdeck.tui.widgets.appearance import appearance_of
from lockdeck.tui.widgets.lineview import LineView
from lockdeck.tui.widgets.text import FIT_TO_SHOW


class FilterPrompt(Vertical):
    """Asks for a filter; applies it while it is typed, as long as it can be read.

    Tab completes the word at the cursor, each further tab with the next completion.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "complete(1)", "Complete", show=True),
        Binding("shift+tab", "complete(-1)", "Complete backwards", show=False),
        Binding("escape", "give_up", "Clear", show=True),
    ]

    class Applied(Message):
        """This filter is in force from now on."""

        def __init__(self, text: str, query: Query) -> None:
            super().__init__()
            self.text = text
            self.query = query

    class Closed(Message):
        """The person is done typing."""

    def __init__(self, fields: Fields, values_of: ValuesOf) -> None:
        super().__init__()
        self._fields = fields
        self._values_of = values_of
        self._completions: tuple[Completion, ...] = ()
        self._current = -1
        self._typed = ("", 0)

    def compose(self) -> ComposeResult:
        """Put the field above its completions and what is wrong with it."""
        hint = "  ".join(["words", "!word", " ".join(f"{field.name}:" for field in self._fields)])
        yield Input(placeholder=hint, restrict=FIT_TO_SHOW, suggester=_Ghost(self._complete))
        yield LineView("panel", id="filter-help")

    def open(self, text: str) -> None:
        """Ask, starting from the filter in force."""
        self.display = True
        field = self.query_one(Input)
        field.value = text
        field.cursor_position = len(text)
        field.focus()
        self._update_completions()

    def action_complete(self, step: int) -> None:
        """Take the next completion (1) or the previous one (-1) of the word at the cursor."""
        field = self.query_one(Input)
        if self._current < 0 or self._typed != (field.value, field.cursor_position):
            self._update_completions()
        if not self._completions:
            return
        self._current = (max(self._current, -1 if step > 0 else 0) + step) % len(self._completions)
        completion = self._completions[self._current]
        field.value, field.cursor_position = self._typed = (completion.text, completion.cursor)
        if len(self._completions) == 1:
            self._update_completions()  # what can follow the only completion is offered at once
        self._show_help()

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        if self._typed != (event.value, event.input.cursor_position):
            self._update_completions()
        try:
            query = parse(event.value, self._fields)
        except FilterError:
            return
        self.post_message(self.Applied(event.value, query))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if _fault(event.value, self._fields):
            self._typed, self._completions, self._current = (event.value, len(event.value)), (), -1
            self._show_help()  # what is wrong stays to be read: nothing is found by less than was asked
            return
        self.display = False
        self.post_message(self.Closed())

    def action_give_up(self) -> None:
        """Clear the filter and close."""
        self.display = False
        self.post_message(self.Applied("", Query()))
        self.post_message(self.Closed())

    def _complete(self, text: str, cursor: int) -> tuple[Completion, ...]:
        return complete(text, cursor, self._fields, self._values_of)

    def _update_completions(self) -> None:
        """Offer what the word at the cursor can be completed to."""
        field = self.query_one(Input)
        self._typed = (field.value, field.cursor_position)
        self._completions, self._current = self._complete(*self._typed), -1
        self._show_help()

    def _show_help(self) -> None:
        (text, cursor), completions, current = self._typed, self._completions, self._current
        # A word that can still be completed is not wrong yet.
        fault = _fault(text[: completions[0].start] + text[cursor:] if completions else text, self._fields)
        ellipsis = appearance_of(self).symbols.ellipsis

        def lines(width: int) -> list[Line]:
            choices = [completions_line(completions, current, width, ellipsis)] if completions else []
            return [*choices, *(wrap(line(span(f" {fault}", "warning")), width, indent=1) if fault else ())]

        self.query_one("#filter-help", LineView).show(lines)


class _Ghost(Suggester):
    """Shows behind the cursor how the first completion goes on; the right arrow takes it."""

    def __init__(self, complete_at: Callable[[str, int], Sequence[Completion]]) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._complete_at = complete_at

    async def get_suggestion(self, value: str) -> str | None:
        """Return the text that the first completion makes, where it goes on as it was typed."""
        first = next(iter(self._complete_at(value, len(value))), None)
        return first.text if first is not None and first.text.startswith(value) else None


def _fault(text: str, fields: Fields) -> str:
    try:
        parse(text, fields)
    except FilterError as error:
        return str(error)
    return ""
