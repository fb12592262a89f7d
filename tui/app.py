"""The dashboard: takes snapshots from a source and shows them. Handlers own all state; the source only posts."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from textual.app import App
from textual.binding import Binding, BindingType
from textual.css.query import NoMatches
from textual.message import Message
from textual.screen import Screen

from backend.model.fleet import FleetSnapshot, Severity
from backend.settings import config_dir
from backend.system.text import SafeText, safe
from themes.loader import COLOURLESS, DEFAULT, Shelf, load_shelf
from themes.watch import ThemeWatch
from tui.actions import Hands
from tui.aside import WorkFailed, aside, post
from tui.changes import Change
from tui.commands.provider import DeckProvider
from tui.crash import report
from tui.deck import Deck
from tui.desktop import announce
from tui.inspection import Inspect
from tui.jobs import JobBoard
from tui.messages import JobFailed, JobNews, Published, Recovered, ShelfChanged, SourceFailed
from tui.notify import Watch, advance, criticals
from tui.screens.base import DeckScreen
from tui.screens.fleet import FleetScreen
from tui.source import Inspector, Source, SourceThread
from tui.stylebook import StyleBook, textual_theme
from tui.symbols import choose_symbols
from tui.wishes import Wishes

UPDATE_GAP_S = 0.05
"""At least so many seconds lie between two repaints for new snapshots."""
TICK_S = 1.0
"""How often what shows passing time is made anew."""
CLIPBOARD_BYTES = 74_994
"""Terminals drop OSC 52 beyond this many bytes (100,000 characters of base64)."""
INTERRUPTED = 130
_KEY_WORDS = {"⏎": "enter", "↑": "up", "↓": "down", "←": "left", "→": "right"}


class LockdeckApp(App[int]):
    """The dashboard application. `clock` returns epoch seconds."""

    TITLE = "lockdeck"
    CSS_PATH = "deck.tcss"
    COMMANDS = {DeckProvider}  # noqa: RUF012 - Textual's own declaration
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+z", "suspend_process", "Suspend", show=False)]
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (40, "-roomy")]  # noqa: RUF012 - Textual's own declaration
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (10, "-tall")]  # noqa: RUF012 - Textual's own declaration

    def __init__(
        self,
        source: Source,
        *,
        read_only: bool = False,
        clock: Callable[[], float] = time.time,
        theme: str | None = None,
        shelf: Shelf | None = None,
        env: Mapping[str, str] | None = None,
        update_gap_s: float = UPDATE_GAP_S,
        seconds: float | None = None,
        hands: Hands | None = None,
        wishes: Wishes | None = None,
        theme_folders: Sequence[Path] = (),
    ) -> None:
        env = os.environ if env is None else env
        self.symbols = choose_symbols(env)
        self.shelf = shelf or load_shelf()
        palette, self._theme_problem = self.shelf.pick(
            theme or (COLOURLESS if env.get("NO_COLOR") else DEFAULT)
        )
        self.stylebook = StyleBook(palette)
        super().__init__()
        self.animation_level = "none"
        self.read_only = read_only
        self.clock = clock
        self.wishes = wishes or Wishes()
        self.deck = Deck()
        self.hands = hands or Hands()
        self.jobs = JobBoard()
        self.inspect: Inspect | None = source.inspect if isinstance(source, Inspector) else None
        self._themes = ThemeWatch(theme_folders, self._shelf_changed)
        self._alarms = Watch()
        self._env = env
        self._gap_s = update_gap_s
        self._seconds = seconds
        self._waiting: FleetSnapshot | None = None
        self._resting = False
        self._source = SourceThread(source, self.publish, self._source_failed)

    # -- life ---------------------------------------------------------------------------------------

    def get_default_screen(self) -> Screen[None]:
        """Start on the fleet."""
        return FleetScreen()

    def on_mount(self) -> None:
        """Put on the theme, listen to signals, start watching."""
        for palette in self.shelf.palettes.values():
            self.register_theme(textual_theme(palette))
        self.theme = self.stylebook.palette.name
        self.set_keymap(self.wishes.keymap)
        self.set_class(self.symbols.ascii_only, "-ascii")
        problems = [*self.shelf.problems, *([self._theme_problem] if self._theme_problem else [])]
        if problems:
            self.tell("\n".join(problems), severity="warning")
        for number in (signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, self._end_by_signal)
        self.set_interval(TICK_S, self._tick)
        if self._seconds is not None:
            self.set_timer(self._seconds, self.exit)
        self._source.start()
        self._themes.start()
        if not self.read_only:
            aside(self._recover, self, "recover", must_finish=True)

    def on_unmount(self) -> None:
        """Tell the threads to end; nobody waits for them."""
        self._source.stop()
        self._themes.stop()

    def _end_by_signal(self) -> None:
        """Leave as if by `q`: Textual's driver does not handle these signals and would leave the terminal raw."""
        self._source.stop()
        self.exit(INTERRUPTED, return_code=INTERRUPTED)

    def _handle_exception(self, error: Exception) -> None:
        """Report without local variables. Textual prints `__rich__` of an error where it has one."""
        if not hasattr(error, "__rich__"):
            error.__rich__ = lambda: report(error)  # type: ignore[attr-defined]
        super()._handle_exception(error)

    # -- snapshots ----------------------------------------------------------------------------------

    def publish(self, snapshot: FleetSnapshot) -> None:
        """Hand over a snapshot, from any thread."""
        self._post(Published(snapshot))

    def _shelf_changed(self, shelf: Shelf) -> None:
        self._post(ShelfChanged(shelf))

    def _source_failed(self, sentence: SafeText) -> None:
        self._post(SourceFailed(sentence))

    def _post(self, message: Message) -> None:
        try:
            self.post_message(message)
        except RuntimeError:
            self._source.stop()  # the event loop is closed: the dashboard is gone

    def on_published(self, message: Published) -> None:
        """Show the snapshot now, or after a rest if the last one was shown a moment ago."""
        if self._resting:
            self._waiting = message.snapshot
        else:
            self._apply(message.snapshot)

    def _apply(self, snapshot: FleetSnapshot) -> None:
        self.deck.receive(snapshot)
        self._notify_of_criticals()
        self.update_screen()
        if self._gap_s:
            self._resting = True
            self.set_timer(self._gap_s, self._rested)

    def _rested(self) -> None:
        self._resting = False
        snapshot, self._waiting = self._waiting, None
        if snapshot is not None:
            self._apply(snapshot)

    # -- actions ------------------------------------------------------------------------------------

    def _recover(self) -> None:
        """Finish or take back releases that an earlier lockdeck left half done (in a thread)."""
        from backend.actions.recovery import recover

        told = recover(self.hands.journal)
        if told:
            post(self, Recovered(tuple(told)))

    def on_recovered(self, message: Recovered) -> None:
        """Say what was recovered."""
        for sentence in message.sentences:
            self.deck.note(Change(self.clock(), Severity.NOTICE, "recovery", sentence))
        self.update_screen()
        self.tell("an interrupted release was put right: see Events", severity="warning")

    def on_job_news(self, message: JobNews) -> None:
        """Take in how a job goes."""
        from tui.dialogs.flow import take_news

        take_news(self, message)

    def on_job_failed(self, message: JobFailed) -> None:
        """Tell that a job ended with an error."""
        from tui.dialogs.flow import fail_job

        fail_job(self, message)

    def on_work_failed(self, message: WorkFailed) -> None:
        """Tell, and keep in the events, what went wrong beside the UI."""
        self.deck.note(Change(self.clock(), Severity.WARNING, "lockdeck", message.sentence))
        self.update_screen()
        self.tell(message.sentence, severity="error")

    def on_source_failed(self, message: SourceFailed) -> None:
        """Keep the last picture, and say that it is no longer live."""
        self.deck.failure = message.sentence
        self.update_screen()

    def update_screen(self) -> None:
        """Have the screen that is seen show the deck; the others catch up when they are seen again."""
        for screen in self._seen():
            screen.update_picture()

    def _tick(self) -> None:
        self._notify_of_criticals()
        for screen in self._seen():
            with suppress(NoMatches):  # when the dashboard ends, widgets go before this timer does
                screen.tick()

    def _seen(self) -> Sequence[DeckScreen]:
        """Return the uppermost deck screen: it shows through modal screens above it."""
        decks = [
            screen for screen in self.screen_stack if isinstance(screen, DeckScreen) and screen.is_mounted
        ]
        return decks[-1:]

    # -- notifications -------------------------------------------------------------------------------

    def _notify_of_criticals(self) -> None:
        """Tell what turned critical or cleared, also while the picture is paused; keep it in the events."""
        if self.deck.latest is None:
            return
        rule = self.wishes.notify
        step = advance(self._alarms, criticals(self.deck.latest), self.clock(), rule)
        self._alarms = step.watch
        for notice in step.due:
            self.deck.note(Change(notice.at, notice.severity, notice.name, notice.sentence, notice.row))
        if step.tell:
            announce(self, step.tell, rule.how, self._env)

    def send_to_terminal(self, sequence: str) -> None:
        """Write an escape sequence of our own. Textual 8.2.8 has no public way for it."""
        if self._driver is not None:
            self._driver.write(sequence)

    # -- what commands ask for ----------------------------------------------------------------------

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

    def on_shelf_changed(self, message: ShelfChanged) -> None:
        """Offer the themes as they are now and put the one in use on anew; one that broke stays as it was."""
        told = [problem for problem in message.shelf.problems if problem not in self.shelf.problems]
        self.shelf = message.shelf
        for palette in self.shelf.palettes.values():
            self.register_theme(textual_theme(palette))
        palette = self.shelf.palettes.get(self.stylebook.palette.name, self.stylebook.palette)
        if palette != self.stylebook.palette:
            self.stylebook = StyleBook(palette)
            self.mutate_reactive(LockdeckApp.theme)
        if told:
            self.tell("\n".join(told), severity="warning")

    def next_theme(self) -> None:
        """Put on the theme that follows."""
        palette, _problem = self.shelf.pick(self.shelf.after(self.stylebook.palette.name))
        self.stylebook = StyleBook(palette)
        self.theme = palette.name

    async def show_above_fleet(self, screen: Screen[None]) -> None:
        """Show a screen with nothing but the fleet beneath it."""
        while len(self.screen_stack) > 1:
            await self.pop_screen()
        await self.push_screen(screen)

    def copy_text(self, text: str) -> None:
        """Copy a name to the clipboard of the person's own terminal, made harmless for pasting."""
        shown = safe(text, len(text) + 1)
        if len(shown.encode()) > CLIPBOARD_BYTES:
            self.tell("too long for the clipboard", severity="error")
            return
        self.copy_to_clipboard(shown)
        exact = "" if shown == text else " (control characters were replaced, so it is not exact)"
        self.tell(f"copied {safe(shown, 60)}{exact}")

    def tell(self, text: str, *, severity: str = "information") -> None:
        """Show a toast; no markup is read from it."""
        level = severity if severity in ("warning", "error") else "information"
        self.notify("\n".join(safe(row) for row in text.split("\n")), severity=level, markup=False)  # type: ignore[arg-type]

    def get_key_display(self, binding: Binding) -> str:
        """Return how a key is shown, in letters where the terminal has no arrows."""
        shown = super().get_key_display(binding)
        return _KEY_WORDS.get(shown, shown) if self.symbols.ascii_only else shown

    def root_label(self, root: str) -> str:
        """Return a short name for a root, empty when there is only one."""
        snapshot = self.deck.shown
        if snapshot is None or len(snapshot.roots) < 2:
            return ""
        name = root.rstrip("/").rpartition("/")[2].lstrip(".")
        return safe(name.removeprefix("openclaw-"), 12)


def run_dashboard(
    source: Source,
    *,
    read_only: bool = False,
    theme: str | None = None,
    no_color: bool = False,
    theme_folders: Sequence[Path] | None = None,
    clock: Callable[[], float] = time.time,
    seconds: float | None = None,
    hands: Hands | None = None,
    wishes: Wishes | None = None,
) -> int:
    """Run the dashboard until the person leaves; returns the exit code (0, 1 after a crash, 130 by signal).

    `theme_folders` hold the user's own themes; by default the folder `themes` beside the configuration.
    With `seconds` it ends by itself after so long. `hands` is what actions are done with (default: the
    user's journal, this environment).
    """
    folders = (Path(config_dir()) / "themes",) if theme_folders is None else theme_folders
    env = dict(os.environ)
    if no_color:
        env["NO_COLOR"] = "1"
    if os.environ.get("NO_COLOR") == "":
        del os.environ["NO_COLOR"]  # empty means not set (no-color.org); Textual takes it for set
    shelf = load_shelf(folders)
    app = LockdeckApp(
        source,
        read_only=read_only,
        clock=clock,
        theme=theme,
        shelf=shelf,
        env=env,
        seconds=seconds,
        hands=hands,
        wishes=wishes,
        theme_folders=folders,
    )
    app.run()
    return app.return_code or 0
