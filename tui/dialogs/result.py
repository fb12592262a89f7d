"""The course of a job and its end: one result per lock or session. It may be closed at any time; the job goes on.

While a host takes no more for now, escape gives up what waits for it; what was begun is finished in any case.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import ClassVar, cast

from msgspec import Struct
from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Button

from lockdeck.tui.deckapp import DeckApp
from lockdeck.tui.dialogs.box import BoxDialog
from lockdeck.tui.jobs import WAITING, WORKING, Job, Piece
from lockdeck.tui.targets import Target
from lockdeck.tui.view.lines import EMPTY, Line, line, span
from lockdeck.tui.view.severity import SEVERITY_STYLE
from lockdeck.tui.view.symbols import Symbols


class NextRung(Struct, frozen=True):
    """The next rung of the ladder is to be asked about, for the same session."""

    target: Target
    rung: str


class RemainingLock(Struct, frozen=True):
    """The release of the lock that was left behind is to be asked about; `target` names its hold."""

    target: Target


FollowUp = NextRung | RemainingLock
_GOES_ON = "This goes on when the dialog is closed; results are kept in Events and Journal."
_PACED = "A host takes no more for now. esc: stop the rest. q: close this, and it goes on."
_SIDE_BY_SIDE = 80
"""All three buttons find room beside each other from this many columns on."""


class ResultDialog(BoxDialog[FollowUp]):
    """Shows a job; dismissed with what is to be asked about next, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "stop_rest", "Stop the rest"),
        Binding("escape", "give_up", "Close"),
        Binding("q", "leave", "Close", show=False),
    ]

    def __init__(self, number: int, stop: Callable[[], object] = lambda: None) -> None:
        super().__init__()
        self.number = number
        self._stop = stop

    def foot(self) -> Iterable[Widget]:
        """Return the buttons."""
        buttons = (
            Button("Close", id="result-close", compact=True),
            Button("Next rung", id="result-next", compact=True),
            Button("Release the lock...", id="result-release", compact=True),
        )
        return (Horizontal(*buttons, classes="box-buttons"),)

    def on_mount(self) -> None:
        """Show how it stands."""
        self.query_one("#result-close").focus()
        self.update_job()

    @property
    def _job(self) -> Job:
        return cast("DeckApp", self.app).jobs.job(self.number)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Have escape give up what waits, where anything does; else it closes."""
        if action in ("give_up", "stop_rest"):
            return self._job.paced is (action == "stop_rest")
        return super().check_action(action, parameters)

    def action_stop_rest(self) -> None:
        """Give up what waits until a host takes more."""
        self._stop()

    def action_leave(self) -> None:
        """Close; the job goes on."""
        self.dismiss(None)

    def update_job(self) -> None:
        """Show how the job stands now."""
        app, job = cast("DeckApp", self.app), self._job
        self.show(list(result_lines(job, app.symbols)))
        self.refresh_bindings()
        self.query_one("#result-release").display = self.remaining_lock() is not None
        next_rung = self.next_rung()
        self.query_one(".box-buttons").set_class(self.size.width < _SIDE_BY_SIDE, "-stacked")
        button = self.query_one("#result-next", Button)
        button.display = next_rung is not None
        if next_rung is not None:
            button.label = f"Next rung: {next_rung.rung}"
            button.refresh(layout=True)

    def next_rung(self) -> NextRung | None:
        """Return what could be tried next, where exactly one session was cancelled without success."""
        piece = self._only_piece()
        if piece is None or piece.next_rung is None:
            return None
        return NextRung(piece.target, piece.next_rung)

    def remaining_lock(self) -> RemainingLock | None:
        """Return the lock that was left behind, where exactly one session was cancelled."""
        piece = self._only_piece()
        return None if piece is None or piece.remaining_lock is None else RemainingLock(piece.remaining_lock)

    def _only_piece(self) -> Piece | None:
        pieces = self._job.pieces
        return pieces[0] if len(pieces) == 1 else None

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        follow_up = {"result-next": self.next_rung, "result-release": self.remaining_lock}.get(
            event.button.id or ""
        )
        self.dismiss(follow_up() if follow_up is not None else None)


def result_lines(job: Job, symbols: Symbols) -> Iterator[Line]:
    """Yield each piece with its word and its sentences."""
    ended = sum(piece.ended for piece in job.pieces)
    count = f"  {ended} of {len(job.pieces)} done" if len(job.pieces) > 1 else ""
    yield line(span(job.title, "heading"), span(count, "dim"))
    for piece in job.pieces:
        yield EMPTY
        yield line(span(f"{piece.word}  ", _style(piece)), span(piece.target.title))
        for sentence in piece.sentences:
            yield line(span(f"  {symbols.dot} ", "dim"), span(sentence, "text", 1000))
    if job.running:
        yield EMPTY
        yield line(span(_PACED if job.paced else _GOES_ON, "dim"))


def _style(piece: Piece) -> str:
    if piece.word in (WAITING, WORKING):
        return "dim" if piece.word == WAITING else "accent"
    return SEVERITY_STYLE[piece.severity]
