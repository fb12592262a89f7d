"""The command palette, whose field takes only what is fit to be shown."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from textual import events
from textual.command import CommandPalette
from textual.css.query import NoMatches
from textual.widgets import Input
from textual.worker import Worker

from lockdeck.tui.view.text import FIT_TO_SHOW


class DeckPalette(CommandPalette):
    """Textual's palette; its own field would send control and direction characters on to the terminal (8.2.8)."""

    def on_mount(self, _event: events.Mount) -> None:
        """Restrict what can be typed and pasted."""
        self.query_one(Input).restrict = FIT_TO_SHOW

    def run_worker(self, work: Callable[[], Awaitable[None]], **options: Any) -> Worker[None]:  # type: ignore[override]
        """Run a search; one that begins when the parts of the palette are already gone just ends."""

        async def search() -> None:
            with suppress(NoMatches):
                await work()

        return super().run_worker(search, **options)
