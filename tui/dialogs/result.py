"""How a job goes and ends: one result per lock or session. It may be closed at any time; the job goes on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button

from tui.aim import Aim
from tui.jobs import WAITING, WORKING, Job, Piece
from tui.lines import EMPTY, Line, line, span, wrap
from tui.rows import SEVERITY_STYLE
from tui.symbols import Symbols
from tui.widgets.lineview import LineView

if TYPE_CHECKING:
    from tui.app import LockdeckApp

NextRung = tuple[Aim, str]


class ResultDialog(ModalScreen[NextRung | None]):
    """Shows a job; dismissed with the next rung to be asked about, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "give_up", "Close"),
        Binding("left", "app.focus_previous", show=False),
        Binding("right", "app.focus_next", show=False),
        Binding("up", "scroll(-1)", show=False),
        Binding("down", "scroll(1)", show=False),
        Binding("pageup", "scroll(-10)", show=False),
        Binding("pagedown", "scroll(10)", show=False),
    ]

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    def compose(self) -> ComposeResult:
        """Put the results above the buttons."""
        with Vertical(classes="ask-box"):
            scroll = VerticalScroll(LineView("overlay", id="result-lines"), id="ask-scroll")
            scroll.can_focus = False
            yield scroll
            with Horizontal(id="ask-buttons"):
                yield Button("Close", id="result-close", compact=True)
                yield Button("Next rung", id="result-next", compact=True)

    def on_mount(self) -> None:
        """Show how it stands."""
        self.query_one("#result-close").focus()
        self.update_job()

    def update_job(self) -> None:
        """Show how the job stands now."""
        app = cast("LockdeckApp", self.app)
        job = app.jobs.job(self.number)
        rows = list(result_lines(job, app.symbols))
        self.query_one("#result-lines", LineView).show(
            lambda width: [part for row in rows for part in (wrap(row, width, indent=4) if row else (EMPTY,))]
        )
        following = self.next_rung()
        button = self.query_one("#result-next", Button)
        button.display = following is not None
        if following is not None:
            button.label = f"Next rung: {following[1]}"

    def next_rung(self) -> NextRung | None:
        """Return what could be tried next, where exactly one session was cancelled without success."""
        pieces = cast("LockdeckApp", self.app).jobs.job(self.number).pieces
        if len(pieces) != 1 or pieces[0].next_rung is None:
            return None
        return (pieces[0].aim, pieces[0].next_rung)

    def action_give_up(self) -> None:
        """Close; the job goes on."""
        self.dismiss(None)

    def action_scroll(self, by: int) -> None:
        """Scroll the results."""
        self.query_one("#ask-scroll").scroll_relative(y=by, animate=False)

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.dismiss(self.next_rung() if event.button.id == "result-next" else None)


def result_lines(job: Job, symbols: Symbols) -> Iterator[Line]:
    """Yield each piece with its word and what was told of it."""
    ended = sum(piece.ended for piece in job.pieces)
    count = f"  {ended} of {len(job.pieces)} done" if len(job.pieces) > 1 else ""
    yield line(span(job.title, "heading"), span(count, "dim"))
    for piece in job.pieces:
        yield EMPTY
        yield line(span(f"{piece.word}  ", _style(piece)), span(piece.aim.title))
        for sentence in piece.sentences:
            yield line(span(f"  {symbols.dot} ", "dim"), span(sentence, "text", 1000))
    if job.running:
        yield EMPTY
        yield line(
            span("This goes on when the dialog is closed; results are kept in Events and Journal.", "dim")
        )


def _style(piece: Piece) -> str:
    if piece.word in (WAITING, WORKING):
        return "dim" if piece.word == WAITING else "accent"
    return SEVERITY_STYLE[piece.severity]
