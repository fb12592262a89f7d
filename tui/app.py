"""The dashboard: takes snapshots from a source and shows them. Handlers own all state; the threads only post."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.css.query import NoMatches
from textual.screen import ModalScreen, Screen

from lockdeck.backend.model.fleet import FleetSnapshot, Severity
from lockdeck.themes.loader import ThemeCatalog
from lockdeck.tui.background import WorkFailed
from lockdeck.tui.deckapp import DeckApp
from lockdeck.tui.dialogs.flow import fail_job, take_news
from lockdeck.tui.messages import (
    ConfigurationRead,
    JobFailed,
    JobNews,
    Published,
    Recovered,
    SourceFailed,
)
from lockdeck.tui.operations import ActionContext
from lockdeck.tui.preferences.records import Preferences, Watched
from lockdeck.tui.producers import Producers
from lockdeck.tui.reconfigure import Reconfiguration
from lockdeck.tui.recovery import announce_recovery, recover_in_thread
from lockdeck.tui.screens.base import DeckScreen
from lockdeck.tui.screens.fleet import FleetScreen
from lockdeck.tui.screens.locks import LocksScreen
from lockdeck.tui.screens.plaintext import PlainTextScreen
from lockdeck.tui.screens.provider import CommandProvider
from lockdeck.tui.screens.registry import SCREENS, WRITTEN
from lockdeck.tui.screens.rowprovider import RowProvider
from lockdeck.tui.screens.rowscreen import BESIDE_FROM, ROOMY_FROM
from lockdeck.tui.screens.session import SessionScreen
from lockdeck.tui.screens.written.writtenscreen import WrittenScreen
from lockdeck.tui.snapshots import Inspector, OfHosts, RecordKeeper, SnapshotThrottle, Source
from lockdeck.tui.terminal.notifications import announce
from lockdeck.tui.terminal.signals import leave_on_signals
from lockdeck.tui.tour.tour import GO_ON_KEY, HIDE_KEY, Tour
from lockdeck.tui.view.events import EventLine
from lockdeck.tui.view.names import RowKey

UPDATE_GAP_S = 0.05
"""At least so many seconds lie between two repaints for new snapshots."""
TICK_S = 1.0
"""The rhythm in which all that shows passing time is made anew."""


class LockdeckApp(DeckApp):
    """The dashboard application. `clock` returns epoch seconds."""

    TITLE = "lockdeck"
    CSS_PATH = "deck.tcss"
    COMMANDS = {CommandProvider, RowProvider}  # noqa: RUF012 - Textual's own declaration
    ENABLE_COMMAND_PALETTE = False  # ours is a command with keys like any other
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "ctrl+z", "suspend_process", "Suspend", show=False, priority=True
        )  # in dialogs and fields too
    ]
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (40, "-roomy"), (BESIDE_FROM, "-beside")]  # noqa: RUF012 - Textual's own declaration
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (10, "-tall"), (18, "-preview"), (ROOMY_FROM, "-high")]  # noqa: RUF012 - Textual's own declaration

    def __init__(
        self,
        source: Source,
        *,
        read_only: bool = False,
        clock: Callable[[], float] = time.time,
        theme: str | None = None,
        catalog: ThemeCatalog | None = None,
        env: Mapping[str, str] | None = None,
        update_gap_s: float = UPDATE_GAP_S,
        seconds: float | None = None,
        action_context: ActionContext | None = None,
        preferences: Preferences | None = None,
        mouse: bool = True,
        theme_folders: Sequence[Path] = (),
        tour: Tour | None = None,
        kept_in: str | None = None,
        problems: Sequence[str] = (),
        watched: Watched | None = None,
    ) -> None:
        super().__init__(
            os.environ if env is None else env,
            theme,
            catalog,
            mouse=mouse,
            read_only=read_only,
            clock=clock,
            action_context=action_context or ActionContext(),
            preferences=preferences or Preferences(),
            inspect=source.inspect if isinstance(source, Inspector) else None,
            records=source.records if isinstance(source, RecordKeeper) else None,
            addresses=source.addresses if isinstance(source, OfHosts) else None,
            tour=tour,
            kept_in=kept_in,
        )
        self._problems = tuple(problems)
        self.producers = Producers(self, source, theme_folders, watched)
        self._reconfiguration = None if watched is None else Reconfiguration(watched.settings, source)
        self._throttle = SnapshotThrottle()
        self._gap_s, self._seconds = update_gap_s, seconds

    # -- life ---------------------------------------------------------------------------------------

    def get_default_screen(self) -> Screen[None]:
        """Start on the fleet."""
        return FleetScreen()

    def on_mount(self) -> None:
        """Put on the theme, listen to signals, start watching."""
        self.start_themes()
        for problem in self._problems:
            self.deck.note(EventLine(self.clock(), Severity.WARNING, "lockdeck", problem))
            self.tell(problem, severity="warning")
        self.set_keymap(self.preferences.keymap)
        leave_on_signals(self)
        self.live_with_the_terminal()
        self.set_interval(TICK_S, self._tick)
        if self.tour is not None:
            self.bind(GO_ON_KEY, "tour_on", description="Next step of the demo", show=False)
            self.bind(
                HIDE_KEY, "tour_hide", description="Hide the steps of the demo, or show them", show=False
            )
        if self._seconds is not None:
            self.set_timer(self._seconds, self.exit)
        self.producers.start()
        if not (self.read_only or self.on_hosts):
            recover_in_thread(self)

    def action_tour_on(self) -> None:
        """Go on to the next step of the demo's story."""
        if self.tour is not None:
            self.tour.go_on()
            self.update_screen()

    def action_tour_hide(self) -> None:
        """Hide the demo's story, or show it again."""
        if self.tour is not None:
            self.tour.hidden = not self.tour.hidden
            self.update_screen()

    def on_unmount(self) -> None:
        """Tell the threads to end; of what was begun nothing is broken off, and what waits is not begun."""
        self.producers.stop()
        for acts in tuple(self.at_work):
            acts.stop()

    # -- snapshots ----------------------------------------------------------------------------------

    def publish(self, snapshot: FleetSnapshot) -> None:
        """Hand over a snapshot, from any thread."""
        self.producers.publish(snapshot)

    def on_published(self, message: Published) -> None:
        """Show the snapshot now, or after a rest if the last one was shown a moment ago."""
        self._show(self._throttle.take(message.snapshot))

    def _show(self, snapshot: FleetSnapshot | None) -> None:
        if snapshot is None:
            return
        self.deck.receive(snapshot)
        self._notify()
        self.update_screen()
        if self._gap_s:
            self._throttle.rest()
            self.set_timer(self._gap_s, lambda: self._show(self._throttle.rested()))

    def on_source_failed(self, message: SourceFailed) -> None:
        """Keep the last picture, and say that it is no longer live."""
        self.deck.failure = message.sentence
        self.update_screen()

    def update_screen(self) -> None:
        """Have the screen that is seen show the deck; the others catch up when they are seen again."""
        for screen in self._uppermost():
            screen.update_picture()

    def _tick(self) -> None:
        self._notify()
        for screen in self._uppermost():
            with suppress(NoMatches):  # when the dashboard ends, widgets go before this timer does
                screen.tick()

    def _notify(self) -> None:
        """Tell what turned critical or cleared, also while the picture is paused."""
        rule = self.preferences.notify
        listening = not (self.screen_stack and isinstance(self.screen, ModalScreen))
        notices = self.deck.notices(self.clock(), rule, listening=listening)
        if notices:
            announce(self, notices, rule.ways, self.env)

    def _uppermost(self) -> Sequence[DeckScreen]:
        """Return the uppermost deck screen: it shows through modal screens above it, but not through text."""
        if not self.screen_stack:
            return ()  # when the dashboard ends, screens go before timers do
        if isinstance(self.screen, PlainTextScreen):
            return ()  # painting beneath it would take a selection away
        decks = [screen for screen in self.screen_stack if isinstance(screen, DeckScreen) and screen.is_whole]
        return decks[-1:]

    def on_configuration_read(self, message: ConfigurationRead) -> None:
        """Go by the configuration as it is now."""
        if self._reconfiguration is not None:
            self._reconfiguration.take(self, message.reading)

    # -- news from beside the UI --------------------------------------------------------------------

    def on_recovered(self, message: Recovered) -> None:
        """Say what was recovered."""
        announce_recovery(self, message.sentences)

    def on_job_news(self, message: JobNews) -> None:
        """Take in how a job goes."""
        take_news(self, message)

    def on_job_failed(self, message: JobFailed) -> None:
        """Tell that a job ended with an error."""
        fail_job(self, message)

    def on_work_failed(self, message: WorkFailed) -> None:
        """Tell, and keep in the events, what went wrong beside the UI."""
        self.deck.note(EventLine(self.clock(), Severity.WARNING, "lockdeck", message.sentence))
        self.update_screen()
        self.tell(message.sentence, severity="error")

    # -- from screen to screen ----------------------------------------------------------------------

    async def open_row(self, key: RowKey) -> None:
        """Push the screen of a row."""
        await self.push_screen(SessionScreen(key))

    async def open_lock(self, key: RowKey) -> None:
        """Show the locks above the fleet, with the cursor on one of them."""
        await self.show_above_first(LocksScreen(cursor_at=key))

    async def open_fleet(self, filter_text: str) -> None:
        """Go back to the fleet, filtered."""
        await self.pop_to_first()
        if isinstance(self.screen, FleetScreen):
            self.screen.use_filter(filter_text)

    async def open_written(self, name: str, key: RowKey) -> None:
        """Push the screen; the way back from log or transcript leads to where both were opened."""
        screen = WRITTEN[name](key)
        if isinstance(self.screen, WrittenScreen):
            await self.switch_screen(screen)
        else:
            await self.push_screen(screen)

    async def open_locks(self, filter_text: str) -> None:
        """Push the locks, filtered; back leads to where the person came from."""
        await self.push_screen(LocksScreen(filter_text))

    async def open_table(self, name: str) -> None:
        """Show the screen of a table above the fleet."""
        await self.show_above_first(SCREENS[name]())
