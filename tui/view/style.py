"""Themes for Textual and styles for Rich, made from a palette. The only place that makes colours."""

from __future__ import annotations

from typing import Any

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.theme import Theme

from lockdeck.themes.palette import Look, Palette
from lockdeck.tui.view.lines import Line, merged, width_of


class StyleBook:
    """The styles of one palette, looked up by name and by the ground behind them."""

    def __init__(self, palette: Palette) -> None:
        self.palette = palette
        self._styles: dict[tuple[str, str], Style] = {}

    def style(self, name: str, ground: str = "base") -> Style:
        """Return the Rich style for a style name on a ground."""
        key = (name, ground)
        if key not in self._styles:
            self._styles[key] = _style(self.palette.styles[name], self.palette.grounds[ground])
        return self._styles[key]

    def strip(self, row: Line, width: int, ground: str = "base") -> Strip:
        """Return a line as a strip of exactly `width` cells."""
        segments = [Segment(part.text, self.style(part.style, ground)) for part in merged(row)]
        strip = Strip(segments, width_of(row))
        return strip.adjust_cell_length(width, self.style("text", ground))


def textual_theme(palette: Palette) -> Theme:
    """Return the Textual theme that gives its own widgets (input, palette, toasts) the palette's colours."""
    if palette.colourless:
        return _colourless_theme(palette.name)
    looks = {**palette.styles, **palette.grounds}
    colour = {name: look.colour or "" for name, look in looks.items()}
    variables = {
        "border": colour["accent"],
        "border-blurred": colour["track"],
        "block-cursor-background": colour["cursor"],
        "block-cursor-foreground": colour["text"],
        "input-cursor-background": colour["text"],
        "input-cursor-foreground": colour["base"],
        "input-selection-background": colour["cursor"],
        "input-selection-foreground": colour["text"],
        "scrollbar": colour["track"],
        "scrollbar-hover": colour["dim"],
        "scrollbar-active": colour["accent"],
        "scrollbar-background": colour["base"],
        "scrollbar-background-hover": colour["base"],
        "scrollbar-background-active": colour["base"],
        "scrollbar-corner-color": colour["base"],
        "text-muted": colour["dim"],
    }
    return Theme(
        name=palette.name,
        primary=colour["accent"],
        secondary=colour["notice"],
        accent=colour["accent"],
        success=colour["ok"],
        warning=colour["warning"],
        error=colour["critical"],
        foreground=colour["text"],
        background=colour["base"],
        surface=colour["overlay"],
        panel=colour["panel"],
        dark=palette.dark,
        variables=variables,
    )


def _colourless_theme(name: str) -> Theme:
    """Return a theme of the terminal's own two colours only; Textual then sends no colour code."""
    colours: dict[str, Any] = dict.fromkeys(
        ("primary", "secondary", "accent", "success", "warning", "error"), "ansi_default"
    )
    colours |= dict.fromkeys(("foreground", "background", "surface", "panel", "boost"), "ansi_default")
    names = (
        "border border-blurred block-cursor-foreground block-cursor-background block-hover-background "
        "block-cursor-blurred-foreground block-cursor-blurred-background "
        "input-cursor-background input-cursor-foreground input-selection-background "
        "input-selection-foreground scrollbar scrollbar-hover scrollbar-active scrollbar-background "
        "scrollbar-background-hover scrollbar-background-active scrollbar-corner-color "
        "footer-key-foreground link-color link-color-hover link-background-hover "
        "screen-selection-background screen-selection-foreground text-muted text-disabled "
        "button-foreground button-color-foreground ansi-background ansi-foreground"
    )
    variables = dict.fromkeys(names.split(), "ansi_default")
    variables["input-cursor-text-style"] = "reverse"
    variables["block-cursor-text-style"] = "reverse"
    return Theme(name=name, ansi=True, dark=True, variables=variables, **colours)


def _style(look: Look, ground: Look) -> Style:
    on = (
        look.attributes ^ ground.attributes
        if "reverse" in ground.attributes
        else look.attributes | ground.attributes
    )
    attributes: dict[str, Any] = dict.fromkeys(on, True)
    return Style(color=look.colour, bgcolor=ground.colour, **attributes)
