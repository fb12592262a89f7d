"""Themes of the dashboard: those on offer, and the one it wears."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from lockdeck.themes.loader import COLOURLESS, DEFAULT, Shelf
from lockdeck.themes.palette import Palette
from lockdeck.tui.view.style import StyleBook, textual_theme

if TYPE_CHECKING:
    from lockdeck.tui.shell import Shell


def first_choice(shelf: Shelf, asked: str | None, env: Mapping[str, str]) -> tuple[Palette, str | None]:
    """Return the theme to begin with, and what is wrong with the one that was asked for."""
    return shelf.pick(asked or (COLOURLESS if env.get("NO_COLOR") else DEFAULT))


def offer_themes(app: Shell, shelf: Shelf) -> None:
    """Make the themes of a shelf known to the application."""
    app.shelf = shelf
    for palette in shelf.palettes.values():
        app.register_theme(textual_theme(palette))


def take_shelf(app: Shell, shelf: Shelf) -> None:
    """Offer the themes as they are now and put the one in use on anew; one that broke stays as it was."""
    told = [problem for problem in shelf.problems if problem not in app.shelf.problems]
    offer_themes(app, shelf)
    palette = shelf.palettes.get(app.stylebook.palette.name, app.stylebook.palette)
    if palette != app.stylebook.palette:
        app.stylebook = StyleBook(palette)
        app.mutate_reactive(type(app).theme)
    if told:
        app.tell("\n".join(told), severity="warning")


def wear(app: Shell, name: str) -> None:
    """Put on the theme of that name, or the default one where there is none."""
    palette, _problem = app.shelf.pick(name)
    app.stylebook = StyleBook(palette)
    app.theme = palette.name


def wear_next(app: Shell) -> None:
    """Put on the theme that follows."""
    wear(app, app.shelf.after(app.stylebook.palette.name))
