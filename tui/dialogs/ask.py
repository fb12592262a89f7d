"""A dialog that shows lines and asks. Doing nothing has the focus, and escape always means it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar, TypeVar

from textual import events, on
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Button, Input

from lockdeck.tui.background import WorkFailed
from lockdeck.tui.dialogs.box import BoxDialog
from lockdeck.tui.dialogs.question import Question
from lockdeck.tui.view.lines import EMPTY, Line, line, span, wrap
from lockdeck.tui.widgets.lineview import LineView

Answer = TypeVar("Answer")


class AskDialog(BoxDialog[Answer]):
    """Dismissed with the answer, or with None. Letters go into the field wherever the focus is.

    The remarks are lines that stand above all else that is asked or refused.
    """

    NOTHING: ClassVar[str] = "Cancel"
    """The label of the button that does nothing."""

    def __init__(self, remarks: Sequence[Line]) -> None:
        super().__init__()
        self._remarks = remarks
        self._question: Question | None = None

    def foot(self) -> Iterable[Widget]:
        """Return question, field and buttons."""
        nothing = Button(self.NOTHING, id="ask-no", compact=True)
        return (
            LineView("overlay", id="ask-prompt"),
            Input("", "type here", id="ask-word", restrict=r"[A-Za-z0-9-]*", select_on_focus=False),
            Horizontal(nothing, Button("Confirm", id="ask-yes", compact=True), classes="box-buttons"),
        )

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

    def ask(self, rows: Sequence[Line], question: Question, label: str) -> None:
        """Show lines and ask; `label` says on the button what will be done."""
        self._question = question
        self._prompt(question.prompt, "accent")
        field = self.query_one("#ask-word", Input)
        field.value = ""
        field.display = bool(question.words)
        yes = self.query_one("#ask-yes", Button)
        yes.label, yes.display, yes.disabled = label, True, bool(question.words)
        yes.refresh(layout=True)  # the width of a button does not follow its label by itself
        self._offer_nothing(self.NOTHING)
        self.show([*self._remarks, *rows])

    def refuse(self, rows: Sequence[Line]) -> None:
        """Show lines that say why nothing is done; all that is left is to close."""
        self._question = None
        self._prompt("", "text")
        self.query_one("#ask-word").display = False
        self.query_one("#ask-yes").display = False
        self._offer_nothing("Close")
        self.show([*self._remarks, *rows])

    def _offer_nothing(self, label: str) -> None:
        button = self.query_one("#ask-no", Button)
        button.label = label
        button.focus()

    def _prompt(self, text: str, style: str) -> None:
        row = line(span(text, style))
        self.query_one("#ask-prompt", LineView).show(lambda width: [EMPTY, *wrap(row, width)] if text else [])
        self.fit()

    # -- what is pressed ------------------------------------------------------------------------------

    def on_key(self, event: events.Key) -> None:
        """Bring letters into the field."""
        for field in self.query(Input):
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
