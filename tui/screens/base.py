"""All that the screens share: header, key bar, commands, and the message for a terminal too small."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace
from textual.app import ComposeResult
from textual.binding import Binding
from textual.widget import Widget
from textual.widgets import Static
from textual.widgets._toast import ToastRack

from lockdeck.backend.settings.looks import ThemeChoice
from lockdeck.tui.bindings import keys_of
from lockdeck.tui.browser import in_browser
from lockdeck.tui.dialogs.reader import ReaderDialog
from lockdeck.tui.screens.commandscreen import CommandScreen
from lockdeck.tui.screens.help import HelpScreen
from lockdeck.tui.screens.palette import DeckPalette
from lockdeck.tui.screens.plaintext import PlainTextScreen
from lockdeck.tui.screens.selection_lines import rows_of_targets
from lockdeck.tui.targets import targets_of
from lockdeck.tui.terminal.mouse import toggle_mouse
from lockdeck.tui.tour.tour import Tour
from lockdeck.tui.tour.tour_lines import tour_lines
from lockdeck.tui.view.header import HeaderState, header
from lockdeck.tui.view.lines import Span, line, span, wrap
from lockdeck.tui.view.notes import note_rows
from lockdeck.tui.widgets.keybar import KeyBar
from lockdeck.tui.widgets.lineview import LineView

TOO_SMALL = "lockdeck needs 40 columns and 10 lines"


class DeckScreen(CommandScreen):
    """A screen of the dashboard."""

    _toasts_above: int | None = None
    """Lines that toasts are shown above; None until somebody said so."""

    @property
    def crumb(self) -> str:
        """The name of this screen on the way that led to it."""
        return type(self).__name__.removesuffix("Screen")

    @property
    def is_first(self) -> bool:
        """Return whether no screen is beneath this one."""
        return self.app.screen_stack[0] is self

    @property
    def frozen(self) -> bool:
        """Return whether the order of rows is kept."""
        return False

    @property
    def filter_text(self) -> str:
        """The filter in force, empty without one."""
        return ""

    @property
    def column_meanings(self) -> Sequence[tuple[str, str]]:
        """The titles of the columns that can be seen here, each with what it says."""
        return ()

    def text_rows(self) -> list[Span]:
        """Return what is selected as plain text."""
        app = self.deck_app
        snapshot = app.deck.displayed
        if snapshot is None:
            return []
        return rows_of_targets(targets_of(self.target_keys, snapshot), app.commands_of)

    # -- what is seen ---------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """Put header, body and key bar under each other."""
        yield LineView("panel", id="header")
        yield LineView("panel", id="tour")
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

    def take_preferences(self) -> None:
        """Go by the preferences as they are now."""

    def lift_toasts(self, lines: int) -> None:
        """Show toasts above so many lines, and above the key bar in any case."""
        if lines != self._toasts_above:
            self._toasts_above = lines
            for rack in self.query(ToastRack):
                rack.styles.margin = (0, 0, lines + 1, 0)

    def update_picture(self) -> None:
        """Show the deck's current snapshot."""
        self.update_header()

    def tick(self) -> None:
        """Let time pass on what shows it."""
        self.update_header()

    @property
    def is_whole(self) -> bool:
        """Whether it can be painted: its widgets come after it and, when the dashboard ends, go before it."""
        return self.is_mounted and bool(self.query("#header"))

    def update_header(self) -> None:
        """Show counts and freshness."""
        app, state = self.deck_app, self.header_state()
        self.query_one("#header", LineView).show(
            lambda width: header(app.deck.displayed, app.deck.display.counts, state, app.symbols, width)
        )
        self._show_tour()

    def _show_tour(self) -> None:
        """Show the step of the demo's story that is to be done."""
        tour = self.deck_app.tour
        if tour is not None:
            here = tour.step is not None and tour.step.command in self.COMMAND_IDS
            rows = tour_lines(tour, self._key_of_step(tour), here=here)
            self.query_one("#tour", LineView).show(
                lambda width: [part for row in rows for part in wrap(row, width, indent=1)]
            )

    def _key_of_step(self, tour: Tour) -> str:
        return "" if tour.step is None else self.key_to(tour.step.command)

    def key_to(self, command: str) -> str:
        """Return how the key of a command is shown, also while something else has the keys."""
        key = keys_of(command, self.deck_app.preferences.keymap)[0]
        return self.app.get_key_display(Binding(key, ""))

    def header_state(self) -> HeaderState:
        """Return how the dashboard stands now."""
        app = self.deck_app
        return HeaderState(
            now=app.clock(),
            read_only=app.read_only,
            in_browser=in_browser(),
            demo=app.tour is not None,
            frozen=self.frozen,
            paused=app.deck.paused_at is not None,
            hidden_changes=app.deck.hidden_changes,
            filter_text=self.filter_text,
            failure=app.deck.failure,
            news_at=app.deck.latest.generated_at if app.deck.latest else None,
            stale_after_s=app.preferences.stale_after_s,
            crumbs=tuple(screen.crumb for screen in app.screen_stack if isinstance(screen, DeckScreen)),
        )

    # -- commands of every screen ---------------------------------------------------------------------

    async def command_back(self) -> None:
        """Return to the screen beneath."""
        if self.is_first:
            self.deck_app.tell("nothing is open above the fleet: q leaves lockdeck")
        else:
            await self.app.pop_screen()

    async def command_locks(self) -> None:
        """Show all locks."""
        await self.deck_app.open_table("locks")

    async def command_events(self) -> None:
        """Show what changed."""
        await self.deck_app.open_table("events")

    async def command_journal(self) -> None:
        """Show the journal."""
        await self.deck_app.open_table("journal")

    async def command_hosts(self) -> None:
        """Show all hosts."""
        await self.deck_app.open_table("hosts")

    def command_notes(self) -> None:
        """Show what the header has no room for."""
        snapshot = self.deck_app.deck.displayed
        rows = [*note_rows(snapshot, self.deck_app.symbols)] if snapshot else []
        self.app.push_screen(ReaderDialog(rows or [line(span("nothing to note", "dim"))]))

    async def command_help(self) -> None:
        """Show the keys that work here, and what is seen here."""
        await self.app.push_screen(HelpScreen(self, self.column_meanings, self.deck_app.symbols))

    async def command_palette(self) -> None:
        """Open the palette."""
        await self.app.push_screen(DeckPalette())

    async def command_quit(self) -> None:
        """Leave this screen, or, on the first one, the dashboard."""
        if self.is_first:
            self.app.exit()
        else:
            await self.app.pop_screen()

    async def command_show_text(self) -> None:
        """Show what is selected as plain text."""
        rows = self.text_rows()
        if rows:
            await self.app.push_screen(PlainTextScreen(rows))
        else:
            self.deck_app.tell("nothing is selected", severity="warning")

    def command_theme(self) -> None:
        """Use the next theme."""
        app = self.deck_app
        app.use_next_theme()
        name, configured = app.stylebook.palette.name, app.preferences.theme
        app.tell(f"theme {name}")
        if not app.env.get("NO_COLOR"):  # what is chosen under it says nothing about other terminals
            app.keep(lambda looks: replace(looks, theme=ThemeChoice(name, configured)))

    def command_toggle_mouse(self) -> None:
        """Take the mouse, or leave it to the terminal."""
        toggle_mouse(self.deck_app)
