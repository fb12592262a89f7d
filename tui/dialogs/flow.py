"""From a key press through dialog and job to the result: the way of every action."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from textual.message import Message

from lockdeck.backend.model.fleet import Severity
from lockdeck.backend.system.text import SafeText
from lockdeck.tui.background import aside, post
from lockdeck.tui.deckapp import DeckApp
from lockdeck.tui.dialogs.cancel import CancelDialog, Climb
from lockdeck.tui.dialogs.release import ReleaseDialog
from lockdeck.tui.dialogs.result import Following, LeftLock, NextRung, ResultDialog
from lockdeck.tui.jobs import Job, Piece
from lockdeck.tui.messages import JobFailed, JobNews
from lockdeck.tui.operations import Offer, Tell, do_cancels, do_releases
from lockdeck.tui.targets import Aim
from lockdeck.tui.view.events import EventLine
from lockdeck.tui.view.lines import Line

_TOAST = {Severity.WARNING: "warning", Severity.CRITICAL: "error"}


def ask_release(app: DeckApp, aims: Sequence[Aim], remarks: Sequence[Line] = ()) -> None:
    """Ask whether these locks are to be released; the remarks stand above all else."""
    app.push_screen(ReleaseDialog(aims, remarks), partial(_release, app))


def ask_cancel(
    app: DeckApp, aims: Sequence[Aim], rung: str | None = None, remarks: Sequence[Line] = ()
) -> None:
    """Ask how the runs of these sessions are to be ended, beginning with a rung; the remarks stand above all else."""
    app.push_screen(CancelDialog(aims, rung, remarks), partial(_cancel, app))


def _release(app: DeckApp, offers: Sequence[Offer] | None) -> None:
    if not offers:
        return
    title = "Release a lock" if len(offers) == 1 else f"Release {len(offers)} locks"
    later = partial(aside, to=app, name="watch")
    _begin(
        app,
        title,
        [offer.aim for offer in offers],
        lambda tell: do_releases(offers, app.hands, tell, later),
    )


def _cancel(app: DeckApp, climb: Climb | None) -> None:
    if climb is None:
        return
    count = len(climb.aims)
    title = "Cancel a run" if count == 1 else f"Cancel {count} runs"
    _begin(
        app,
        title,
        climb.aims,
        lambda tell: do_cancels(climb.aims, climb.plans, climb.allow, app.hands, tell),
    )


def _begin(app: DeckApp, title: str, aims: Sequence[Aim], work: Callable[[Tell], None]) -> None:
    """Set a job going and show it."""
    number = app.jobs.open(title, aims).number

    def tell(index: int, piece: Piece) -> None:
        post(app, JobNews(number, index, piece))

    def failed(sentence: SafeText) -> Message:
        return JobFailed(number, sentence)

    aside(partial(work, tell), app, "action", must_finish=True, failed=failed)
    app.push_screen(ResultDialog(number), partial(_next, app))


def _next(app: DeckApp, following: Following | None) -> None:
    """Ask about what follows from a result: the next rung, or the release of the very hold that was left."""
    match following:
        case NextRung(aim, rung):
            ask_cancel(app, [aim], rung)
        case LeftLock(aim):
            ask_release(app, [aim])


def take_news(app: DeckApp, message: JobNews) -> None:
    """Keep the news of a job, show them where it is shown, and enter a result in the events."""
    if app.jobs.put(message.number, message.index, message.piece):
        _enter(app, app.jobs.job(message.number), message.piece)
    for screen in app.screen_stack:
        if isinstance(screen, ResultDialog) and screen.number == message.number and screen.is_mounted:
            screen.update_job()


def fail_job(app: DeckApp, message: JobFailed) -> None:
    """Say of every piece without a result why there is none."""
    told = (f"lockdeck itself failed: {message.sentence}",)
    for index, piece in enumerate(app.jobs.job(message.number).pieces):
        if not piece.ended:
            failed = Piece(piece.aim, "failed", Severity.CRITICAL, (*piece.sentences, *told), ended=True)
            take_news(app, JobNews(message.number, index, failed))


def _enter(app: DeckApp, job: Job, piece: Piece) -> None:
    why = f": {piece.sentences[0]}" if piece.sentences else ""
    sentence = f"{job.title.split()[0].lower()} {piece.word}{why}"
    app.deck.note(EventLine(app.clock(), piece.severity, piece.aim.title, sentence, piece.aim.row))
    app.update_screen()
    shown = isinstance(app.screen, ResultDialog) and app.screen.number == job.number
    if not shown:
        app.tell(f"{piece.aim.title}: {piece.word}", severity=_TOAST.get(piece.severity, "information"))
