"""What the dashboard is as an application of a terminal: themes, toasts, keys, crashes. Knows nothing of fleets."""

from __future__ import annotations

from collections.abc import Mapping

from textual.app import App
from textual.binding import Binding
from textual.screen import Screen

from lockdeck.backend.system.text import safe
from lockdeck.themes.loader import Shelf, load_shelf
from lockdeck.tui.messages import ShelfChanged
from lockdeck.tui.terminal.crash import report
from lockdeck.tui.terminal.driver import QuickDriver
from lockdeck.tui.theming import first_choice, offer_themes, take_shelf
from lockdeck.tui.view.style import StyleBook
from lockdeck.tui.view.symbols import choose_symbols

_KEY_WORDS = {"⏎": "enter", "↑": "up", "↓": "down", "←": "left", "→": "right"}


class Shell(App[int]):
    """Shows text in themes and symbols that the environment `env` allows; `shelf` has the themes on offer."""

    def __init__(self, env: Mapping[str, str], theme: str | None, shelf: Shelf | None) -> None:
        self.env = env
        self.symbols = choose_symbols(env)
        self.shelf = shelf or load_shelf()
        palette, self._theme_problem = first_choice(self.shelf, theme, env)
        self.stylebook = StyleBook(palette)
        super().__init__(driver_class=QuickDriver)
        self.animation_level = "none"

    def dress(self) -> None:
        """Put on the theme, and tell what is wrong with the others."""
        offer_themes(self, self.shelf)
        self.theme = self.stylebook.palette.name
        self.set_class(self.symbols.ascii_only, "-ascii")
        problems = [*self.shelf.problems, *([self._theme_problem] if self._theme_problem else [])]
        if problems:
            self.tell("\n".join(problems), severity="warning")

    def on_shelf_changed(self, message: ShelfChanged) -> None:
        """Offer the themes as they are now."""
        take_shelf(self, message.shelf)

    async def show_above_first(self, screen: Screen[None]) -> None:
        """Show a screen with nothing but the first one beneath it."""
        while len(self.screen_stack) > 1:
            await self.pop_screen()
        await self.push_screen(screen)

    def tell(self, text: str, *, severity: str = "information") -> None:
        """Show a toast; no markup is read from it."""
        level = severity if severity in ("warning", "error") else "information"
        self.notify("\n".join(safe(row) for row in text.split("\n")), severity=level, markup=False)  # type: ignore[arg-type]

    def send_to_terminal(self, sequence: str) -> None:
        """Write an escape sequence of our own. Textual 8.2.8 has no public way for it."""
        if self._driver is not None:
            self._driver.write(sequence)

    def get_key_display(self, binding: Binding) -> str:
        """Return how a key is shown, in letters where the terminal has no arrows."""
        shown = super().get_key_display(binding)
        return _KEY_WORDS.get(shown, shown) if self.symbols.ascii_only else shown

    def _handle_exception(self, error: Exception) -> None:
        """Report without local variables. Textual prints `__rich__` of an error where it has one."""
        if not hasattr(error, "__rich__"):
            error.__rich__ = lambda: report(error)  # type: ignore[attr-defined]
        super()._handle_exception(error)
