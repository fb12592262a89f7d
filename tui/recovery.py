"""At its start the dashboard finishes, or takes back, releases that an earlier lockdeck left half done."""

from __future__ import annotations

from collections.abc import Sequence

from lockdeck.backend.model.fleet import Severity
from lockdeck.tui.background import post, run_in_thread
from lockdeck.tui.deckapp import DeckApp
from lockdeck.tui.messages import Recovered
from lockdeck.tui.view.events import EventLine


def recover_in_thread(app: DeckApp) -> None:
    """Recover in a thread; what was put right comes back as a message."""
    journal = app.action_context.journal

    def work() -> None:
        from lockdeck.backend.actions.release.recovery import recover

        sentences = recover(journal)
        if sentences:
            post(app, Recovered(tuple(sentences)))

    run_in_thread(work, app, "recover", must_finish=True)


def announce_recovery(app: DeckApp, sentences: Sequence[str]) -> None:
    """Say what was recovered."""
    for sentence in sentences:
        app.deck.note(EventLine(app.clock(), Severity.NOTICE, "recovery", sentence))
    app.update_screen()
    app.tell("an interrupted release was put right: see Events", severity="warning")
