"""The preferences of a person about the dashboard, checked and ready to use."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from lockdeck.backend.settings.load import config_path
from lockdeck.backend.settings.looks import Looks, TableLook
from lockdeck.backend.settings.records import Settings
from lockdeck.tui.alarms import Rule
from lockdeck.tui.view.header import STALE_AFTER_S


class Preferences(Struct, frozen=True):
    """`columns` by table (lockdeck.tui.table.tables; none: all), `keymap` (command id to keys, by comma).

    A picture older than `stale_after_s` seconds is shown as old news; `notify` says when a person is told.
    `config` is the file that columns are saved in, `theme` the one that it names, `looks` how tables and theme were left.
    """

    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    keymap: Mapping[str, str] = field(default_factory=dict)
    stale_after_s: float = STALE_AFTER_S
    notify: Rule = Rule()
    config: str = field(default_factory=config_path)
    theme: str = ""
    looks: Looks = Looks()

    def columns_of(self, table: str) -> tuple[str, ...]:
        """Return the columns of a table: those that were chosen last, unless the configuration says something else by now."""
        configured, look = self.columns.get(table, ()), self.looks.of(table)
        chosen = look.columns is not None and look.instead_of == configured
        return look.columns if chosen and look.columns is not None else configured

    def with_columns(self, table: str, names: tuple[str, ...]) -> TableLook:
        """Return the look of a table with these columns instead of those that are configured."""
        configured = self.columns.get(table, ())
        chosen = None if names == configured else names
        return replace(
            self.looks.of(table), columns=chosen, instead_of=configured if chosen is not None else ()
        )

    def first_theme(self) -> str:
        """Return the theme to begin with, by the same rule; empty where none was asked for."""
        choice = self.looks.theme
        return choice.name if choice is not None and choice.instead_of == self.theme else self.theme


class Watched(Struct, frozen=True):
    """A configuration that is followed: its file, the settings in use, and what reads it (SettingsError).

    Both settings are those with the options of the command line.
    """

    path: str
    settings: Settings
    read: Callable[[], Settings]


class SettingsReading(Struct, frozen=True):
    """The configuration as it was read anew: checked settings, or what is wrong with it."""

    settings: Settings | None = None
    fault: str = ""
