"""The style book and symbols of the app that a line widget is in."""

from __future__ import annotations

from typing import Protocol, cast

from textual.widget import Widget

from lockdeck.tui.view.style import StyleBook
from lockdeck.tui.view.symbols import Symbols


class Appearance(Protocol):
    """The current styles and glyphs of an app."""

    stylebook: StyleBook
    symbols: Symbols


def appearance_of(widget: Widget) -> Appearance:
    """Return the styles and glyphs that are in force around a widget."""
    return cast("Appearance", widget.app)


def repaint_on_theme_change(widget: Widget) -> None:
    """Have a line widget paint itself again when the theme changes (call in `on_mount`)."""
    widget.app.theme_changed_signal.subscribe(widget, lambda _theme: widget.refresh())
