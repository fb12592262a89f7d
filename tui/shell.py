"""The dashboard as an application of a terminal: themes, toasts, keys, crashes. Knows nothing of fleets."""

from __future__ import annotations

from collections.abc import Mapping

from textual import events
from textual.app import App
from textual.binding import Binding
from textual.screen import Screen

from lockdeck.themes.loader import COLOURLESS, DEFAULT, ThemeCatalog, load_catalog
from lockdeck.tui.browser import in_browser
from lockdeck.tui.messages import CatalogChanged
from lockdeck.tui.terminal.crash import report
from lockdeck.tui.terminal.driver import QuickDriver
from lockdeck.tui.terminal.webdriver import BrowserDriver
from lockdeck.tui.toasts import Toasts
from lockdeck.tui.typeahead import TypeAhead, Unread
from lockdeck.tui.view.style import StyleBook, textual_theme
from lockdeck.tui.view.symbols import choose_symbols

_KEY_WORDS = {"⏎": "enter", "↑": "up", "↓": "down", "←": "left", "→": "right"}


class Shell(App[int]):
    """Shows text in themes and symbols that the environment `env` allows; `catalog` has the themes on offer.

    `mouse` says whether the terminal reports the mouse to the dashboard.
    """

    def __init__(
        self, env: Mapping[str, str], theme: str | None, catalog: ThemeCatalog | None, *, mouse: bool = True
    ) -> None:
        self.env = env
        self.mouse = mouse
        self.symbols = choose_symbols(env)
        self.catalog = catalog or load_catalog()
        palette, self._theme_problem = self.catalog.pick(theme or self._usual_theme)
        self.stylebook = StyleBook(palette)
        super().__init__(driver_class=BrowserDriver if in_browser() else QuickDriver)
        self.animation_level = "none"
        self._typeahead = TypeAhead(self)
        self._toasts = Toasts(self)

    # -- themes -------------------------------------------------------------------------------------

    def start_themes(self) -> None:
        """Use the first theme, and say what is wrong with the others."""
        self._register_themes()
        self.theme = self.stylebook.palette.name
        self.set_class(self.symbols.ascii_only, "-ascii")
        problems = [*self.catalog.problems, *([self._theme_problem] if self._theme_problem else [])]
        if problems:
            self.tell("\n".join(problems), severity="warning")

    @property
    def _usual_theme(self) -> str:
        return COLOURLESS if self.env.get("NO_COLOR") else DEFAULT

    def use_first_theme(self, name: str) -> None:
        """Use the theme that a new start would begin with where this one is asked for (empty: none is)."""
        _palette, problem = self.catalog.pick(name or self._usual_theme)
        self.use_theme(name or self._usual_theme)
        if problem is not None:
            self.tell(problem, severity="warning")

    def use_theme(self, name: str) -> None:
        """Use the theme of that name, or the default one where there is none."""
        palette, _problem = self.catalog.pick(name)
        self.stylebook = StyleBook(palette)
        self.theme = palette.name

    def use_next_theme(self) -> None:
        """Use the theme that follows."""
        self.use_theme(self.catalog.name_after(self.stylebook.palette.name))

    def on_catalog_changed(self, message: CatalogChanged) -> None:
        """Offer the themes as they are now and use the current one anew; one that broke stays as it was."""
        problems = [problem for problem in message.catalog.problems if problem not in self.catalog.problems]
        self.catalog = message.catalog
        self._register_themes()
        palette = self.catalog.palettes.get(self.stylebook.palette.name, self.stylebook.palette)
        if palette != self.stylebook.palette:
            self.stylebook = StyleBook(palette)
            self.mutate_reactive(type(self).theme)
        if problems:
            self.tell("\n".join(problems), severity="warning")

    def _register_themes(self) -> None:
        for palette in self.catalog.palettes.values():
            self.register_theme(textual_theme(palette))

    # -- screens, toasts, keys ----------------------------------------------------------------------

    async def show_above_first(self, screen: Screen[None]) -> None:
        """Show a screen with nothing but the first one beneath it."""
        await self.pop_to_first()
        await self.push_screen(screen)

    async def pop_to_first(self) -> None:
        """Leave all screens but the first one."""
        while len(self.screen_stack) > 1:
            await self.pop_screen()

    def tell(self, text: str, *, severity: str = "information") -> None:
        """Show a toast; no markup is read from it."""
        self._toasts.tell(text, severity)

    def live_with_the_terminal(self) -> None:
        """Paint everything anew when the terminal comes back (ctrl+z, fg), and tell what waited for a dialog's end."""
        self.app_resume_signal.subscribe(self, lambda _app: self._paint_anew())
        self.screen_change_signal.subscribe(self, lambda _screen: self._toasts.show_waiting())

    def _paint_anew(self) -> None:
        for screen in self.screen_stack:
            screen.refresh()

    def send_to_terminal(self, sequence: str) -> None:
        """Write an escape sequence of our own. Textual 8.2.8 has no public way for it."""
        if self._driver is not None:
            self._driver.write(sequence)

    async def on_event(self, event: events.Event) -> None:
        """Let what is typed wait for what was typed before it."""
        typed = isinstance(event, (events.Key, events.Paste)) and not event.is_forwarded
        if typed and (self._typeahead.holds(event) or self._is_unread(event)):
            return
        await super().on_event(event)

    def _is_unread(self, event: events.Event) -> bool:
        screen: object = self.screen_stack[-1] if self.screen_stack else None
        return isinstance(screen, Unread) and screen.ignores(event)

    def get_key_display(self, binding: Binding) -> str:
        """Return how a key is shown, in letters where the terminal has no arrows."""
        symbol = super().get_key_display(binding)
        return _KEY_WORDS.get(symbol, symbol) if self.symbols.ascii_only else symbol

    def _handle_exception(self, error: Exception) -> None:
        """Report without local variables. Textual prints `__rich__` of an error where it has one."""
        if not hasattr(error, "__rich__"):
            error.__rich__ = lambda: report(error)  # type: ignore[attr-defined]
        super()._handle_exception(error)
