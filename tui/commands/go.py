"""Commands that lead from one screen to another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockdeck.tui.commands.command import Command, Needs

if TYPE_CHECKING:
    from lockdeck.tui.screens.base import DeckScreen


class Open(Command):
    """Open the selected row."""

    id = "open"
    key = "enter"
    name = "Open"
    label = "Open"
    tooltip = "Show everything about the selected row"
    needs = Needs.ROW

    @classmethod
    async def run(cls, screen: DeckScreen) -> None:
        """Push the detail screen of the selected row."""
        from lockdeck.tui.screens.session import SessionScreen

        key = screen.selected_key
        if key is not None:
            await screen.deck_app.push_screen(SessionScreen(key))


class Back(Command):
    """Leave a screen."""

    id = "back"
    key = "escape"
    name = "Back"
    label = "Back"
    tooltip = "Go back to the screen before"

    @classmethod
    async def run(cls, screen: DeckScreen) -> None:
        """Take marks off; without any, return to the screen beneath."""
        if not screen.let_go():
            await screen.deck_app.pop_screen()


class Locks(Command):
    """Show all locks."""

    id = "locks"
    key = "l"
    name = "Locks"
    label = "Locks"
    tooltip = "Every lock file of every root, with its verdict"

    @classmethod
    async def run(cls, screen: DeckScreen) -> None:
        """Show the locks screen above the fleet."""
        from lockdeck.tui.screens.locks import LocksScreen

        await screen.deck_app.show_above_first(LocksScreen())


class Events(Command):
    """Show what changed."""

    id = "events"
    key = "e"
    name = "Events"
    label = "Events"
    tooltip = "What changed since lockdeck was opened, newest first"

    @classmethod
    async def run(cls, screen: DeckScreen) -> None:
        """Show the events screen above the fleet."""
        from lockdeck.tui.screens.events import EventsScreen

        await screen.deck_app.show_above_first(EventsScreen())


class Journal(Command):
    """Show the journal."""

    id = "journal"
    key = "j"
    name = "Journal"
    label = "Journal"
    tooltip = "What lockdeck did and refused to do, newest first"

    @classmethod
    async def run(cls, screen: DeckScreen) -> None:
        """Show the journal screen above the fleet."""
        from lockdeck.tui.screens.journal import JournalScreen

        await screen.deck_app.show_above_first(JournalScreen())


class HolderLocks(Command):
    """Show what else a holder has."""

    id = "holder"
    key = "h"
    name = "Locks of this holder"
    label = "Holder"
    tooltip = "Show all locks of the process that holds, or is named by, the selected lock"
    needs = Needs.LOCK

    @classmethod
    async def run(cls, screen: DeckScreen) -> None:
        """Show the locks screen, filtered to the holder's pid; back leads to where the person came from."""
        from lockdeck.tui.screens.locks import LocksScreen
        from lockdeck.tui.targets import holder_pid

        pid = holder_pid(screen.selected_row)
        if pid is None:
            screen.deck_app.tell("no process is known for this lock", severity="warning")
        elif screen.filter_text != f"holder:{pid}":
            await screen.deck_app.push_screen(LocksScreen(f"holder:{pid}"))


class Help(Command):
    """Show the keys."""

    id = "help"
    key = "question_mark"
    name = "Help"
    label = "Help"
    tooltip = "The keys that work here"

    @classmethod
    async def run(cls, screen: DeckScreen) -> None:
        """Push the help of this screen's live bindings."""
        from lockdeck.tui.screens.help import HelpScreen

        await screen.deck_app.push_screen(HelpScreen(screen))


class Palette(Command):
    """Find a command by name."""

    id = "palette"
    key = "colon,ctrl+p"
    name = "Command palette"
    label = "Commands"
    tooltip = "Find a command by its name"

    @classmethod
    async def run(cls, screen: DeckScreen) -> None:
        """Open the palette."""
        from lockdeck.tui.screens.palette import DeckPalette

        await screen.deck_app.push_screen(DeckPalette())


class Quit(Command):
    """Leave lockdeck."""

    id = "quit"
    key = "q"
    name = "Quit"
    label = "Quit"
    tooltip = "Leave lockdeck; nothing it watches is touched"

    @classmethod
    async def run(cls, screen: DeckScreen) -> None:
        """End the dashboard."""
        screen.deck_app.exit()
