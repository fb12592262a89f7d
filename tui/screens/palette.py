"""The palette of commands, sessions and locks, whose field takes only what is fit to be shown."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from textual import events
from textual.command import CommandPalette
from textual.css.query import NoMatches
from textual.widgets import Input
from textual.worker import Worker, WorkerError

from lockdeck.tui.widgets.text import FIT_TO_SHOW


class DeckPalette(CommandPalette):
    """Textual's palette; its own field would send control and direction characters on to the terminal (8.2.8)."""

    def __init__(self) -> None:
        super().__init__(placeholder="A command, an agent, a session, a lock, a state")

    def on_mount(self, _event: events.Mount) -> None:
        """Restrict what can be typed and pasted."""
        self.query_one(Input).restrict = FIT_TO_SHOW

    async def settled(self) -> None:
        """Wait until what was typed has been looked for: enter is for what it finds."""
        for search in [worker for worker in self.workers if worker.node is self and not worker.is_finished]:
            with suppress(WorkerError):
                await search.wait()

    def run_worker(self, work: Callable[[], Awaitable[None]], **options: Any) -> Worker[None]:  # type: ignore[override]
        """Run a search; one that begins when the parts of the palette are already gone just ends."""

        async def search() -> None:
            with suppress(NoMatches):
                await work()

        return super().run_worker(search, **options)
