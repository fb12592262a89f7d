"""Read themes from TOML files: those that come with lockdeck, then the user's own."""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lockdeck.themes.palette import Palette, ThemeError, parse_palette

BUILTIN = Path(__file__).parent
DEFAULT = "dark"
COLOURLESS = "monochrome"
MAX_BYTES = 64 * 1024
"""A theme file larger than this is not read."""


@dataclass(frozen=True, slots=True)
class ThemeCatalog:
    """The themes that can be used, in the order they are offered, and sentences about those that can't."""

    palettes: dict[str, Palette]
    problems: tuple[str, ...] = ()

    def pick(self, name: str) -> tuple[Palette, str | None]:
        """Return the named theme, or the dark one and a sentence why."""
        if name in self.palettes:
            return self.palettes[name], None
        names = ", ".join(self.palettes)
        return self.palettes[DEFAULT], f"no usable theme {name!r}; using {DEFAULT} (known: {names})"

    def name_after(self, name: str) -> str:
        """Return the name of the theme that follows, round and round."""
        names = list(self.palettes)
        return names[(names.index(name) + 1) % len(names)] if name in names else names[0]


def load_catalog(folders: Iterable[Path] = ()) -> ThemeCatalog:
    """Load the built-in themes and those in `folders`; a later one of the same name wins."""
    palettes: dict[str, Palette] = {}
    problems: list[str] = []
    order = ("dark", "light", "high-contrast", "deuteranopia", "tritanopia", "monochrome")
    for path in (BUILTIN / f"{name}.toml" for name in order):
        palettes[path.stem] = load_theme(path)
    for folder in folders:
        for path in theme_files(folder):
            try:
                palettes[path.stem] = load_theme(path)
            except ThemeError as error:
                problems.append(str(error))
    return ThemeCatalog(palettes, tuple(problems))


def load_theme(path: Path) -> Palette:
    """Read and check one theme file; raises ThemeError naming file and key."""
    try:
        return parse_palette(path.stem, tomllib.loads(_read(path)))
    except (ThemeError, tomllib.TOMLDecodeError) as error:
        raise ThemeError(f"{path}: {error}") from error


def theme_files(folder: Path) -> list[Path]:
    """Return the theme files of a folder by name; none where it can't be read."""
    try:
        return sorted(path for path in folder.iterdir() if path.suffix == ".toml")
    except OSError:
        return []  # having no themes of one's own is the usual case


def _read(path: Path) -> str:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise ThemeError("not a regular file")
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ThemeError(error.strerror or "can't be read") from error
    if len(raw) > MAX_BYTES:
        raise ThemeError(f"larger than {MAX_BYTES} bytes")
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise ThemeError("not UTF-8 text") from error
