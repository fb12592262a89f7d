"""A dialog that shows lines and asks. Cancel has the focus; escape is always Cancel; nothing is chosen by row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Generic, TypeVar, cast

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Input

from tui.aside import WorkFailed
from tui.dialogs.question import Question
from tui.lines import EMPTY, Line, line, span, wrap
from tui.widgets.lineview import LineView

Answer = TypeVar("Answer")


class AskDialog(ModalScreen[Answer | None], Generic[Answer]):
    """Dismissed with the answer, or with None. Letters go into the field wherever the focus is."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "give_up", "Cancel"),
        Binding("left", "app.focus_previous", show=False),
        Binding("right", "app.focus_next", show=False),
        Binding("up", "scroll(-1)", show=False),
        Binding("down", "scroll(1)", show=False),
        Binding("pageup", "scroll(-10)", show=False),
        Binding("pagedown", "scroll(10)", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._question: Question | None = None

    def compose(self) -> ComposeResult:
        """Put lines, question, field and buttons under each other."""
        with Vertical(classes="ask-box"):
            scroll = VerticalScroll(LineView("overlay", id="ask-lines"), id="ask-scroll")
            scroll.can_focus = False
            yield scroll
            yield LineView("overlay", id="ask-prompt")
            yield Input(id="ask-word", restrict=r"[A-Za-z0-9-]*", max_length=16)
            with Horizontal(id="ask-buttons"):
                yield Button("Cancel", id="ask-no", compact=True)
                yield Button("Confirm", id="ask-yes", compact=True)

    def on_mount(self) -> None:
        """Show what there is to show before anything is known, and look."""
        self.query_one("#ask-word").display = False
        self.query_one("#ask-yes").display = False
        self.query_one("#ask-no").focus()
        self.look()

    def look(self) -> None:
        """Find out what is to be asked; ends in `ask` or `refuse`."""
        raise NotImplementedError

    def answer(self) -> Answer:
        """Return what was confirmed."""
        raise NotImplementedError

    # -- what is shown --------------------------------------------------------------------------------

    def show(self, rows: Sequence[Line]) -> None:
        """Show lines, wrapped to the dialog's width."""
        self.query_one("#ask-lines", LineView).show(
            lambda width: [
                part for row in rows for part in (wrap(row, width, indent=_indent(row)) if row else (EMPTY,))
            ]
        )

    def ask(self, rows: Sequence[Line], question: Question, label: str) -> None:
        """Show lines and ask; `label` says on the button what will be done."""
        self._question = question
        self.show(rows)
        self._prompt(question.prompt, "accent")
        field = self.query_one("#ask-word", Input)
        field.value = ""
        field.display = bool(question.words)
        yes = self.query_one("#ask-yes", Button)
        yes.label, yes.display, yes.disabled = label, True, bool(question.words)
        no = self.query_one("#ask-no", Button)
        no.label = "Cancel"
        no.focus()

    def refuse(self, rows: Sequence[Line]) -> None:
        """Show lines that say why nothing is done; all that is left is to close."""
        self._question = None
        self.show(rows)
        self._prompt("", "text")
        self.query_one("#ask-word").display = False
        self.query_one("#ask-yes").display = False
        no = self.query_one("#ask-no", Button)
        no.label = "Close"
        no.focus()

    def _prompt(self, text: str, style: str) -> None:
        row = line(span(text, style))
        self.query_one("#ask-prompt", LineView).show(lambda width: [EMPTY, *wrap(row, width)] if text else [])

    # -- what is pressed ------------------------------------------------------------------------------

    def action_give_up(self) -> None:
        """Do nothing."""
        self.dismiss(None)

    def action_scroll(self, by: int) -> None:
        """Scroll the lines."""
        self.query_one("#ask-scroll").scroll_relative(y=by, animate=False)

    def on_key(self, event: events.Key) -> None:
        """Bring letters into the field."""
        field = self.query_one("#ask-word", Input)
        if field.display and not field.has_focus and event.is_printable and event.character:
            field.focus()
            field.insert_text_at_cursor(event.character)
            event.stop()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        if self._question is not None:
            self.query_one("#ask-yes").disabled = not self._question.accepts(event.value)

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self._confirm()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "ask-no":
            self.dismiss(None)
        else:
            self._confirm()

    def _confirm(self) -> None:
        question = self._question
        if question is None:
            return
        if question.accepts(self.query_one("#ask-word", Input).value):
            self.dismiss(self.answer())
        else:
            self._prompt(f"That is not it, nothing was done. {question.prompt}", "warning")

    def on_work_failed(self, message: WorkFailed) -> None:
        """Say why there is nothing to confirm."""
        message.stop()
        self.refuse([line(span(f"could not look: {message.sentence}", "critical"))])


def _indent(row: Line) -> int:
    """Return by how much the lines that follow are indented: as the text of a list item is."""
    lead = cast("str", row[0].text)
    return len(lead) if not lead.strip(" -·*") else len(lead) - len(lead.lstrip(" "))
