"""A dialog that shows lines and asks. Doing nothing has the focus, and escape always means it.

What was typed before the question had been painted is no answer to it: a burst such as `R`, enter, enter does nothing,
and neither does one that chooses another rung and confirms it unseen.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import ClassVar, TypeVar

from textual import events, on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.events import Event
from textual.widget import Widget
from textual.widgets import Button, Input

from lockdeck.tui.background import WorkFailed
from lockdeck.tui.dialogs.box import BoxDialog
from lockdeck.tui.dialogs.question import Question
from lockdeck.tui.view.lines import EMPTY, Line, line, span, wrap
from lockdeck.tui.widgets.lineview import LineView

Answer = TypeVar("Answer")
_CHOOSE = frozenset({"up", "down"})
"""Keys that change what is asked, and answer nothing."""
_SHORT = 22
"""A word of so many letters fits into the field; it is as wide as the box for a longer one."""


class AskDialog(BoxDialog[Answer]):
    """Dismissed with the answer, or with None. Letters go into the field wherever the focus is.

    The remarks are lines that stand above all else that is asked or refused.
    """

    NOTHING: ClassVar[str] = "Cancel"
    """The label of the button that does nothing."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "not_yet", "Not yet", show=False, priority=True),
        Binding("right", "app.focus_next", "Other button"),
    ]

    def __init__(self, remarks: Sequence[Line]) -> None:
        super().__init__()
        self._remarks = remarks
        self._question: Question | None = None
        self._waits = True
        self._asked = ""
        self.painted_at: float | None = None
        """When the question that is asked now, or a refusal, had been painted, by the clock of events (monotonic)."""
        self._has_asked = False

    def ignores(self, event: Event) -> bool:
        """Return whether an event of the keyboard came before the question could be read; leaving is always heard.

        So is choosing, once there has been a question to choose another one from.
        """
        key = event.key if isinstance(event, events.Key) else ""
        if key == "escape" or key.startswith("ctrl+") or (self._has_asked and key in _CHOOSE):
            return False
        return self.painted_at is None or event.time < self.painted_at

    def foot(self) -> Iterable[Widget]:
        """Return question, field and buttons."""
        nothing = Button(self.NOTHING, id="ask-no", compact=True)
        return (
            LineView("overlay", id="ask-prompt"),
            Input("", "type here", id="ask-word", select_on_focus=False),
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

    def ask(
        self,
        rows: Sequence[Line],
        question: Question,
        label: str,
        *,
        live: bool = True,
        keep_typed: bool = False,
    ) -> None:
        """Show lines and ask; `label` says on the button what will be done. It can't be confirmed before it is `live`.

        What was typed before is dropped, unless the question is about the very same things (`keep_typed`).
        """
        self._question = question if live else None
        if not keep_typed:
            self.painted_at = None
        self._waits, self._asked = not live, question.prompt
        self._prompt(question.prompt, "accent")
        field = self.query_one("#ask-word", Input)
        field.value = field.value if keep_typed else ""
        field.display = bool(question.word)
        field.set_class(len(question.word) > _SHORT, "-long")
        yes = self.query_one("#ask-yes", Button)
        yes.display, yes.disabled = True, not live or not question.accepts(field.value)
        self.label(label)
        self._offer_nothing(self.NOTHING, keep_focus=keep_typed and field.has_focus)
        self.show([*self._remarks, *rows])

    def label(self, text: str) -> None:
        """Say on the button what will be done, or when it may be."""
        yes = self.query_one("#ask-yes", Button)
        yes.label = Content(text)  # no markup: the words may be those of another host
        yes.refresh(layout=True)  # the width of a button does not follow its label by itself

    def refuse(self, rows: Sequence[Line]) -> None:
        """Show lines that say why nothing is done; all that is left is to close."""
        self._question, self._waits = None, False
        self._prompt("", "text")
        self.query_one("#ask-word").display = False
        self.query_one("#ask-yes").display = False
        self._offer_nothing("Close")
        self.show([*self._remarks, *rows])

    def _offer_nothing(self, label: str, *, keep_focus: bool = False) -> None:
        button = self.query_one("#ask-no", Button)
        button.label = label
        if not keep_focus:
            button.focus()
        if self.painted_at is None:
            self.call_after_refresh(self._note_painted)

    def _note_painted(self) -> None:
        self.painted_at, self._has_asked = time.monotonic(), True

    def _prompt(self, text: str, style: str) -> None:
        row = line(span(text, style))
        self.query_one("#ask-prompt", LineView).show(lambda width: [EMPTY, *wrap(row, width)] if text else [])
        self.fit()

    # -- what is pressed ------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Have enter answer the question, once there is one that can be answered."""
        return self._waits if action == "not_yet" else super().check_action(action, parameters)

    def action_not_yet(self) -> None:
        """Say that nothing can be confirmed yet; enter never closes what it can't confirm."""
        self._prompt(f"Not yet, and nothing was done. {self._asked}", "warning")

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
