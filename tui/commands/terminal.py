"""Commands about the terminal that lockdeck runs in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockdeck.tui.commands.command import Command
from lockdeck.tui.terminal.mouse import toggle_mouse

if TYPE_CHECKING:
    from lockdeck.tui.screens.base import DeckScreen


class ShowText(Command):
    """Show the selection as plain text."""

    id = "show_text"
    key = "Y"
    name = "Show text to select"
    label = "Text"
    tooltip = "Show the selected row as plain text, for the terminal's own selection"
    shown = False

    @classmethod
    async def run(cls, screen: DeckScreen) -> None:
        """Push the text of what is selected."""
        from lockdeck.tui.screens.selecting import SelectScreen

        rows = screen.text_rows()
        if rows:
            await screen.deck_app.push_screen(SelectScreen(rows))
        else:
            screen.deck_app.tell("nothing is selected", severity="warning")


class ToggleMouse(Command):
    """Take the mouse or leave it to the terminal."""

    id = "toggle_mouse"
    key = "m"
    name = "Mouse on or off"
    label = "Mouse"
    tooltip = "Leave the mouse to the terminal, or have it choose rows, sort and scroll here"
    shown = False

    @classmethod
    async def run(cls, screen: DeckScreen) -> None:
        """Change who has the mouse."""
        toggle_mouse(screen.deck_app)
