"""The dashboard as its screens and dialogs know it: what they read from it, and what they ask it for."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from lockdeck.themes.loader import ThemeCatalog
from lockdeck.tui.deck import Deck
from lockdeck.tui.holder_process import Inspect
from lockdeck.tui.jobs import JobBoard
from lockdeck.tui.operations import ActionContext
from lockdeck.tui.preferences.records import Preferences
from lockdeck.tui.shell import Shell
from lockdeck.tui.table.rows import RowKey


class DeckApp(Shell):
    """State that screens share. `clock` returns epoch seconds; `inspect` is None where no process can be read."""

    def __init__(
        self,
        env: Mapping[str, str],
        theme: str | None,
        catalog: ThemeCatalog | None,
        *,
        mouse: bool,
        read_only: bool,
        clock: Callable[[], float],
        action_context: ActionContext,
        preferences: Preferences,
        inspect: Inspect | None,
    ) -> None:
        super().__init__(env, theme, catalog, mouse=mouse)
        self.read_only = read_only
        self.clock = clock
        self.action_context = action_context
        self.preferences = preferences
        self.inspect = inspect
        self.deck = Deck()
        self.jobs = JobBoard()

    def picture_time(self) -> float:
        """Return the moment the picture is of: now, or when it was paused (epoch seconds)."""
        return self.clock() if self.deck.paused_at is None else self.deck.paused_at

    def toggle_pause(self) -> None:
        """Keep the picture of this moment, or show the newest again."""
        if self.deck.paused_at is None:
            self.deck.pause(self.clock())
        else:
            self.deck.resume()
        self.update_screen()

    def update_screen(self) -> None:
        """Have the screen that is seen show the deck."""
        raise NotImplementedError

    async def open_row(self, key: RowKey) -> None:
        """Show everything about a row, above the screen that is seen."""
        raise NotImplementedError

    async def open_locks_of(self, pid: int) -> None:
        """Show the locks of a process, above the screen that is seen."""
        raise NotImplementedError

    async def open_table(self, name: str) -> None:
        """Show the table of that name with nothing but the fleet beneath it."""
        raise NotImplementedError
