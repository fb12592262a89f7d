"""From a key press through dialog and job to the result: the way of every action."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from textual.message import Message

from lockdeck.backend.model.fleet import Severity
from lockdeck.backend.system.text import SafeText
from lockdeck.tui.acting.asked import AskedActs
from lockdeck.tui.acting.local import LocalActs
from lockdeck.tui.background import post, run_in_thread
from lockdeck.tui.deckapp import DeckApp
from lockdeck.tui.dialogs.cancel import CancelConfirmation, CancelDialog
from lockdeck.tui.dialogs.release import ReleaseDialog
from lockdeck.tui.dialogs.result import FollowUp, NextRung, RemainingLock, ResultDialog
from lockdeck.tui.jobs import Job, Piece
from lockdeck.tui.messages import JobFailed, JobNews
from lockdeck.tui.operations import Acts, Offer, Tell
from lockdeck.tui.targets import Target
from lockdeck.tui.view.events import EventLine
from lockdeck.tui.view.lines import Line

_TOAST = {Severity.WARNING: "warning", Severity.CRITICAL: "error"}


def ask_release(app: DeckApp, targets: Sequence[Target], remarks: Sequence[Line] = ()) -> None:
    """Ask whether these locks are to be released; the remarks stand above all else."""
    acts = _acts(app)
    app.push_screen(ReleaseDialog(targets, acts, remarks), partial(_release, app, acts))


def ask_cancel(
    app: DeckApp, targets: Sequence[Target], rung: str | None = None, remarks: Sequence[Line] = ()
) -> None:
    """Ask how the runs of these sessions are to be ended, beginning with a rung; the remarks stand above all else."""
    acts = _acts(app)
    app.push_screen(CancelDialog(targets, acts, rung, remarks), partial(_cancel, app, acts))


def _acts(app: DeckApp) -> Acts:
    """Return what plans and does actions: on a deck of hosts every one of them is asked of its host."""
    context = app.action_context
    return LocalActs(context) if app.addresses is None else AskedActs(app.addresses, context.journal)


def _release(app: DeckApp, acts: Acts, offers: Sequence[Offer] | None) -> None:
    if not offers:
        acts.close()
        return
    title = "Release a lock" if len(offers) == 1 else f"Release {len(offers)} locks"
    later = partial(run_in_thread, to=app, name="watch")
    _begin(
        app,
        acts,
        title,
        [offer.target for offer in offers],
        lambda tell: acts.do_releases(offers, tell, later),
        releases=True,
    )


def _cancel(app: DeckApp, acts: Acts, confirmation: CancelConfirmation | None) -> None:
    if confirmation is None:
        acts.close()
        return
    count = len(confirmation.targets)
    title = "Cancel a run" if count == 1 else f"Cancel {count} runs"
    _begin(
        app,
        acts,
        title,
        confirmation.targets,
        lambda tell: acts.do_cancels(confirmation.targets, confirmation.plans, confirmation.allow, tell),
    )


def _begin(
    app: DeckApp,
    acts: Acts,
    title: str,
    targets: Sequence[Target],
    work: Callable[[Tell], None],
    *,
    releases: bool = False,
) -> None:
    """Set a job going and show it."""
    if app.read_only:  # since the question was asked
        app.tell("read-only by now: nothing was done", severity="warning")
        acts.close()
        return
    number = app.jobs.open(title, targets, releases=releases).number

    def tell(index: int, piece: Piece) -> None:
        post(app, JobNews(number, index, piece))

    def failed(sentence: SafeText) -> Message:
        return JobFailed(number, sentence)

    def do() -> None:
        try:
            work(tell)
        finally:
            acts.close()
            app.at_work.discard(acts)

    app.at_work.add(acts)
    run_in_thread(do, app, "action", must_finish=True, failed=failed)
    app.push_screen(ResultDialog(number, acts.stop), partial(_follow_up, app))


def _follow_up(app: DeckApp, follow_up: FollowUp | None) -> None:
    """Ask about what follows from a result: the next rung, or the release of the very hold that was left."""
    match follow_up:
        case NextRung(target, rung):
            ask_cancel(app, [target], rung)
        case RemainingLock(target):
            ask_release(app, [target])


def take_news(app: DeckApp, message: JobNews) -> None:
    """Keep the news of a job, show them where it is shown, and enter a result in the events."""
    if app.jobs.put(message.number, message.index, message.piece):
        _enter(app, app.jobs.job(message.number), message.piece)
    for screen in app.screen_stack:
        if isinstance(screen, ResultDialog) and screen.number == message.number and screen.is_mounted:
            screen.update_job()


def fail_job(app: DeckApp, message: JobFailed) -> None:
    """Say of every piece without a result why there is none."""
    sentence = (f"lockdeck itself failed: {message.sentence}",)
    for index, piece in enumerate(app.jobs.job(message.number).pieces):
        if not piece.ended:
            failed = Piece(
                piece.target, "failed", Severity.CRITICAL, (*piece.sentences, *sentence), ended=True
            )
            take_news(app, JobNews(message.number, index, failed))


def _enter(app: DeckApp, job: Job, piece: Piece) -> None:
    reason = f": {piece.sentences[0]}" if piece.sentences else ""
    sentence, row = f"{job.title.split()[0].lower()} {piece.word}{reason}", piece.target.row
    app.deck.note(EventLine(app.clock(), piece.severity, piece.target.name, sentence, row, row.host))
    if piece.severity is Severity.OK:
        app.note_deed(piece.word)
    app.update_screen()
    if not (isinstance(app.screen, ResultDialog) and app.screen.number == job.number):
        app.tell(f"{piece.target.title}: {piece.word}", severity=_TOAST.get(piece.severity, "information"))
