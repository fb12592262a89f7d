"""The command palette, whose field takes only what is fit to be shown."""

from __future__ import annotations

from textual import events
from textual.command import CommandPalette
from textual.widgets import Input

from lockdeck.tui.view.text import FIT_TO_SHOW


class DeckPalette(CommandPalette):
    """Textual's palette; its own field would send control and direction characters on to the terminal (8.2.8)."""

    def on_mount(self, _event: events.Mount) -> None:
        """Restrict what can be typed and pasted."""
        self.query_one(Input).restrict = FIT_TO_SHOW
