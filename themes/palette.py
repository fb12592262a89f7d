"""A theme: looks by name, checked when they are made.

A theme gives every ground (the background of text) and every style (the text itself) a look.  Code names
styles, never colours, so a state is always symbol + word + colour and works without the colour.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

GROUNDS = ("base", "panel", "cursor", "overlay")
"""Backgrounds: of the screen, of header and footer, of the selected row, of dialogs."""
STYLES = (
    "text",
    "dim",
    "accent",
    "heading",
    "ok",
    "notice",
    "warning",
    "critical",
    "stale",
    "bar",
    "track",
)
"""Looks of text; `bar` and `track` draw bars and are never words."""
DRAWN = frozenset({"track"})
"""Styles that only draw shapes beside a number, so that the contrast of text is not asked of them."""
ATTRIBUTES = frozenset({"bold", "dim", "italic", "underline", "reverse", "strike"})
MIN_CONTRAST = 4.5
"""Least contrast ratio of text against every ground (WCAG 2 AA)."""

_HEX = re.compile(r"#[0-9a-fA-F]{6}\Z")


class ThemeError(ValueError):
    """A theme can't be used; the message names file and key."""


@dataclass(frozen=True, slots=True)
class Look:
    """A colour (`#rrggbb`, or None for the terminal's own) and attributes such as bold."""

    colour: str | None
    attributes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Palette:
    """One theme: a look for each name in GROUNDS and STYLES."""

    name: str
    dark: bool
    grounds: Mapping[str, Look]
    styles: Mapping[str, Look]

    @property
    def colourless(self) -> bool:
        """True when the theme sends no colour code at all."""
        return all(look.colour is None for look in (*self.grounds.values(), *self.styles.values()))


def nearest(word: str, words: tuple[str, ...]) -> str:
    """Return that of the words which is most like `word`."""
    return max(words, key=lambda candidate: difflib.SequenceMatcher(None, word, candidate).ratio())


def parse_palette(name: str, data: Mapping[str, object]) -> Palette:
    """Make a palette from parsed TOML; raises ThemeError naming the key."""
    _check_keys("", data, ("dark", "ground", "style"))
    dark = data.get("dark", True)
    if not isinstance(dark, bool):
        raise ThemeError("dark: must be true or false")
    palette = Palette(name, dark, _looks("ground", data, GROUNDS), _looks("style", data, STYLES))
    for sentence in contrast_faults(palette):
        raise ThemeError(sentence)
    return palette


def contrast_faults(palette: Palette) -> Iterator[str]:
    """Yield a sentence for each style that is too faint on some ground."""
    for name, look in palette.styles.items():
        if name in DRAWN or look.colour is None:
            continue
        for ground, behind in palette.grounds.items():
            if behind.colour is None:
                continue
            ratio = contrast(look.colour, behind.colour)
            if ratio < MIN_CONTRAST:
                yield f"style.{name}: contrast {ratio:.1f} against ground.{ground}; {MIN_CONTRAST} is needed"


def contrast(text: str, ground: str) -> float:
    """Return the WCAG 2 contrast ratio of two `#rrggbb` colours, 1 to 21."""
    darker, lighter = sorted((_luminance(text), _luminance(ground)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    channels = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _looks(table: str, data: Mapping[str, object], names: tuple[str, ...]) -> dict[str, Look]:
    section = data.get(table)
    if not isinstance(section, Mapping):
        raise ThemeError(f"{table}: the table is missing")
    _check_keys(f"{table}.", section, names)
    for name in names:
        if name not in section:
            raise ThemeError(f"{table}.{name}: missing")
    return {name: _look(f"{table}.{name}", section[name]) for name in names}


def _look(key: str, value: object) -> Look:
    words = value.split() if isinstance(value, str) else []
    if not words:
        raise ThemeError(f'{key}: must be text such as "#aabbcc bold" or "default reverse"')
    colour, attributes = words[0], frozenset(words[1:])
    if colour != "default" and not _HEX.match(colour):
        raise ThemeError(f"{key}: {colour!r} is not a colour; write #rrggbb or default")
    for word in sorted(attributes - ATTRIBUTES):
        raise ThemeError(f"{key}: unknown attribute {word!r}; known: {', '.join(sorted(ATTRIBUTES))}")
    return Look(None if colour == "default" else colour, attributes)


def _check_keys(prefix: str, data: Mapping[str, object], names: tuple[str, ...]) -> None:
    for key in data:
        if key not in names:
            raise ThemeError(f"{prefix}{key}: unknown key; nearest known key: {prefix}{nearest(key, names)}")
