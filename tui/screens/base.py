"""What the screens share: header, key bar, commands, and the message for a terminal too small."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from lockdeck.tui.commands.command import Command, Danger, Needs
from lockdeck.tui.table.rows import Row, RowKey
from lockdeck.tui.targets import aims_at, has_lock, has_session
from lockdeck.tui.view.header import Mood, header
from lockdeck.tui.view.lines import Span
from lockdeck.tui.view.selectable import aim_rows
from lockdeck.tui.widgets.keybar import KeyBar
from lockdeck.tui.widgets.lineview import LineView

if TYPE_CHECKING:
    from lockdeck.tui.app import LockdeckApp

TOO_SMALL = "lockdeck needs 40 columns and 10 lines"


class DeckScreen(Screen[None]):
    """A screen of the dashboard. `HERE` lists its commands, in the order of the key bar."""

    HERE: ClassVar[tuple[type[Command], ...]] = ()

    @property
    def deck_app(self) -> LockdeckApp:
        """The app, by its own type."""
        return cast("LockdeckApp", self.app)

    @property
    def crumb(self) -> str:
        """What this screen is called on the way that led to it."""
        return type(self).__name__.removesuffix("Screen")

    @property
    def selected_key(self) -> RowKey | None:
        """What the person has selected: kind, root, and key or path. None where nothing is."""
        return None

    @property
    def selected_row(self) -> Row | None:
        """What the person has selected, as it is shown. None where nothing is."""
        return None

    @property
    def targets(self) -> tuple[RowKey, ...]:
        """What an action is for: the marked rows, else the selected one."""
        return () if self.selected_key is None else (self.selected_key,)

    def let_go(self) -> bool:
        """Take back what stands before leaving (marks); return whether there was any."""
        return False

    def text_rows(self) -> list[Span]:
        """Return what is selected as plain text."""
        snapshot = self.deck_app.deck.shown
        return [] if snapshot is None else aim_rows(aims_at(self.targets, snapshot))

    def toggle_mark(self) -> None:
        """Mark the selected row, or take its mark off; screens without rows have no marks."""

    @property
    def frozen(self) -> bool:
        """Whether the order of rows is kept."""
        return False

    @property
    def filter_text(self) -> str:
        """The filter in force, empty without one."""
        return ""

    def compose(self) -> ComposeResult:
        """Put header, body and key bar under each other."""
        yield LineView("panel", id="header")
        yield from self.body()
        yield KeyBar()
        yield Static(TOO_SMALL, id="too-small", markup=False)

    def body(self) -> Iterable[Widget]:
        """Return what stands between header and key bar."""
        raise NotImplementedError

    def on_mount(self) -> None:
        """Show the picture there is."""
        self.update_picture()

    def on_screen_resume(self) -> None:
        """Catch up with what happened while another screen was shown."""
        self.update_picture()

    def update_picture(self) -> None:
        """Show the deck's current snapshot."""
        self.update_header()

    def tick(self) -> None:
        """Let time pass on what shows it."""
        self.update_header()

    def update_header(self) -> None:
        """Show counts and freshness."""
        app, mood = self.deck_app, self.mood()
        self.query_one("#header", LineView).show(
            lambda width: header(app.deck.shown, mood, app.symbols, width)
        )

    def mood(self) -> Mood:
        """Return how the dashboard stands now."""
        app = self.deck_app
        return Mood(
            now=app.clock(),
            read_only=app.read_only,
            frozen=self.frozen,
            paused=app.deck.paused_at is not None,
            hidden_changes=app.deck.hidden_changes,
            filter_text=self.filter_text,
            failure=app.deck.failure,
            news_at=app.deck.latest.generated_at if app.deck.latest else None,
            stale_after_s=app.wishes.stale_after_s,
            crumbs=tuple(screen.crumb for screen in app.screen_stack if isinstance(screen, DeckScreen)),
        )

    def ask_filter(self) -> None:
        """Ask which rows to show; screens without rows have nothing to ask."""

    def ask_columns(self) -> None:
        """Ask which columns to show; screens without a table have none."""

    def move_sort(self, step: int) -> None:
        """Sort by the next (1) or previous (-1) column; screens without rows have none."""

    def reverse_sort(self) -> None:
        """Sort the other way round."""

    def toggle_wide(self) -> None:
        """Show all columns, or those that fit."""

    def toggle_freeze(self) -> None:
        """Keep the order of rows, or let go of it."""

    async def action_command(self, name: str) -> None:
        """Run the command of that id."""
        for command in self.HERE:
            if command.id == name:
                await command.run(self)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Hide dangerous commands when read-only; grey out those that lack what they need."""
        if action != "command":
            return super().check_action(action, parameters)
        command = next((command for command in self.HERE if command.id == parameters[0]), None)
        if command is None or (self.deck_app.read_only and command.danger is not Danger.SAFE):
            return False
        return True if self._has(command.needs) else None

    def _has(self, needs: Needs) -> bool:
        if needs is Needs.NOTHING:
            return True
        if needs is Needs.ROW:
            return self.selected_key is not None
        if len(self.targets) > 1:
            return True
        return has_lock(self.selected_row) if needs is Needs.LOCK else has_session(self.selected_row)
