"""Commands that change the world. With --read-only they are not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockdeck.tui.commands.command import Command, Danger, Needs
from lockdeck.tui.targets import Aim, aims_at

if TYPE_CHECKING:
    from lockdeck.tui.screens.base import DeckScreen


class Release(Command):
    """Release a stale lock."""

    id = "release"
    key = "R"
    name = "Release lock"
    label = "Release"
    tooltip = "Release the lock of a dead process, proven and journaled; over marks, all marked ones"
    danger = Danger.HARD
    needs = Needs.LOCK
    leaves = frozenset(
        {"release-begin", "released", "refused", "failed", "unfinished", "recovered", "watched"}
    )

    @classmethod
    async def run(cls, screen: DeckScreen) -> None:
        """Ask about the very holds that are shown now."""
        from lockdeck.tui.dialogs.flow import ask_release

        aims = [aim for aim in _aims(screen) if aim.lock is not None]
        if aims:
            ask_release(screen.deck_app, aims)
        else:
            screen.deck_app.tell("there is no lock to release", severity="warning")


class Cancel(Command):
    """End the run that holds a session."""

    id = "cancel"
    key = "c"
    name = "Cancel run"
    label = "Cancel"
    tooltip = "End the run that holds this session, gentlest way first, and prove that it stopped"
    danger = Danger.REVERSIBLE
    needs = Needs.SESSION
    leaves = frozenset({"cancel-begin", "cancel-end", "cancel-refused"})

    @classmethod
    async def run(cls, screen: DeckScreen) -> None:
        """Ask about the sessions that are shown now."""
        from lockdeck.tui.dialogs.flow import ask_cancel

        aims = [aim for aim in _aims(screen) if aim.session is not None]
        if aims:
            ask_cancel(screen.deck_app, aims)
        else:
            screen.deck_app.tell("no session is known for this lock", severity="warning")


class Mark(Command):
    """Mark a row."""

    id = "mark"
    key = "space"
    name = "Mark"
    label = "Mark"
    tooltip = "Mark the selected row for Release and Cancel, or take its mark off"
    needs = Needs.ROW
    shown = False

    @classmethod
    async def run(cls, screen: DeckScreen) -> None:
        """Mark or unmark."""
        screen.toggle_mark()


class Unmark(Command):
    """Take all marks off."""

    id = "unmark"
    key = "u"
    name = "Clear marks"
    label = "Unmark"
    tooltip = "Take all marks off (also escape)"
    shown = False

    @classmethod
    async def run(cls, screen: DeckScreen) -> None:
        """Let go of all marks."""
        screen.let_go()


def _aims(screen: DeckScreen) -> tuple[Aim, ...]:
    snapshot = screen.deck_app.deck.shown
    return () if snapshot is None else aims_at(screen.targets, snapshot)
