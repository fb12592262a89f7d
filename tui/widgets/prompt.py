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

from lockdeck.tui.table.completion import Candidate, Values, choices_line, complete
from lockdeck.tui.table.filter import FilterError, Query, parse
from lockdeck.tui.view.lines import Line, line, span, wrap
from lockdeck.tui.view.text import FIT_TO_SHOW
from lockdeck.tui.widgets.lineview import LineView
from lockdeck.tui.widgets.painting import dress


class FilterPrompt(Vertical):
    """Asks for a filter; applies it while it is typed, as long as it can be read.

    Tab completes the word at the cursor, each further tab with the next candidate.
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

    def __init__(self, fields: Sequence[str], values: Values) -> None:
        super().__init__()
        self._fields = fields
        self._values = values
        self._offered: tuple[Candidate, ...] = ()
        self._taken = -1
        self._seen = ("", 0)

    def compose(self) -> ComposeResult:
        """Put the field above its candidates and what is wrong with it."""
        hint = "  ".join(["words", "!word", " ".join(f"{field}:" for field in self._fields)])
        yield Input(placeholder=hint, restrict=FIT_TO_SHOW, suggester=_Ghost(self._complete))
        yield LineView("panel", id="filter-help")

    def open(self, text: str) -> None:
        """Ask, starting from the filter in force."""
        self.display = True
        field = self.query_one(Input)
        field.value = text
        field.cursor_position = len(text)
        field.focus()
        self._look()

    def action_complete(self, step: int) -> None:
        """Take the next candidate (1) or the previous one (-1) for the word at the cursor."""
        field = self.query_one(Input)
        if self._taken < 0 or self._seen != (field.value, field.cursor_position):
            self._look()
        if not self._offered:
            return
        self._taken = (max(self._taken, -1 if step > 0 else 0) + step) % len(self._offered)
        taken = self._offered[self._taken]
        field.value, field.cursor_position = taken.text, taken.cursor
        self._seen = (taken.text, taken.cursor)
        if len(self._offered) == 1:
            self._look()  # what can follow the only candidate is offered at once
        self._tell()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        if self._seen != (event.value, event.input.cursor_position):
            self._look()
        try:
            query = parse(event.value, self._fields)
        except FilterError:
            return
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

    def _complete(self, text: str, cursor: int) -> tuple[Candidate, ...]:
        return complete(text, cursor, self._fields, self._values)

    def _look(self) -> None:
        """Find out what can be completed where the cursor stands."""
        field = self.query_one(Input)
        self._seen = (field.value, field.cursor_position)
        self._offered, self._taken = self._complete(*self._seen), -1
        self._tell()

    def _tell(self) -> None:
        (text, cursor), offered, at = self._seen, self._offered, self._taken
        # A word that can still be completed is not wrong yet.
        fault = _fault(text[: offered[0].start] + text[cursor:] if offered else text, self._fields)
        ellipsis = dress(self).symbols.ellipsis

        def lines(width: int) -> list[Line]:
            choices = [choices_line(offered, at, width, ellipsis)] if offered else []
            return [*choices, *(wrap(line(span(f" {fault}", "warning")), width, indent=1) if fault else ())]

        self.query_one("#filter-help", LineView).show(lines)


class _Ghost(Suggester):
    """Shows behind the cursor how the first candidate goes on; the right arrow takes it."""

    def __init__(self, candidates: Callable[[str, int], Sequence[Candidate]]) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._candidates = candidates

    async def get_suggestion(self, value: str) -> str | None:
        """Return the text that the first candidate makes, where it goes on as it was typed."""
        first = next(iter(self._candidates(value, len(value))), None)
        return first.text if first is not None and first.text.startswith(value) else None


def _fault(text: str, fields: Sequence[str]) -> str:
    try:
        parse(text, fields)
    except FilterError as error:
        return str(error)
    return ""
