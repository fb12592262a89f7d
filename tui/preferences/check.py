"""From settings to what the dashboard uses: columns, keys and thresholds are checked where they are known."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from lockdeck.backend.settings.check import SettingsError
from lockdeck.backend.settings.load import config_path
from lockdeck.backend.settings.looks import Looks, TableLook
from lockdeck.backend.settings.records import Settings
from lockdeck.tui.alarms import Rule
from lockdeck.tui.commands import COMMANDS
from lockdeck.tui.preferences.keymap import ScreenKeys, faults, keymap
from lockdeck.tui.preferences.records import Preferences
from lockdeck.tui.table.filter import FilterError, parse
from lockdeck.tui.table.tables import TABLES, TableKind
from lockdeck.tui.view.header import stale_after

if TYPE_CHECKING:
    from lockdeck.tui.screens.base import DeckScreen


def preferences_of(settings: Settings) -> Preferences:
    """Return the checked preferences; raises SettingsError that names file, line and every fault."""
    problems = [*_column_problems(settings), *_key_problems(settings)]
    if problems:
        raise SettingsError("\n".join(problems))
    rule = Rule(settings.notify, settings.notify_after_s, settings.notify_every_s)
    return Preferences(
        _columns(settings),
        keymap(settings.keys),
        stale_after(settings.rescan_s),
        rule,
        settings.origin or config_path(),
        settings.theme,
    )


def with_looks(preferences: Preferences, looks: Looks) -> Preferences:
    """Return the preferences with how the tables were left, as far as this lockdeck still knows what is named there."""
    known = {name: _known(look, TABLES[name]) for name, look in looks.tables.items() if name in TABLES}
    return replace(preferences, looks=replace(looks, tables=known))


def _known(look: TableLook, table: TableKind[Any]) -> TableLook:
    names = {column.name for column in table.all_columns}
    try:
        parse(look.filter, table.fields)
    except FilterError:
        look = replace(look, filter="")
    if look.sort not in names:
        look = replace(look, sort=None)
    if look.columns is not None and not names.issuperset(look.columns):
        look = replace(look, columns=None)
    return look


def check_columns(settings: Settings) -> None:
    """Check the columns of every table; raises SettingsError. Needs nothing of the dashboard's library."""
    problems = list(_column_problems(settings))
    if problems:
        raise SettingsError("\n".join(problems))


def screen_keys(name: str, screen: type[DeckScreen]) -> ScreenKeys:
    """Return the keys of a screen as it comes."""
    from textual.binding import Binding

    bindings = Binding.make_bindings(screen.BINDINGS)
    fixed = {binding.key: f"is for {binding.description}" for binding in bindings if binding.id is None}
    return ScreenKeys(name, {command: COMMANDS[command].keys for command in screen.COMMAND_IDS}, fixed)


def all_screen_keys() -> tuple[ScreenKeys, ...]:
    """Return the keys of all screens that have commands."""
    from lockdeck.tui.screens.registry import SCREENS

    return tuple(screen_keys(name, screen) for name, screen in SCREENS.items())


def _key_problems(settings: Settings) -> list[str]:
    if not settings.keys:
        return []
    problems = faults(settings.keys, all_screen_keys())
    return [
        f"{settings.place(f'keys.{fault.command}')}: keys.{fault.command} {fault.sentence}"
        for fault in problems
    ]


def _columns(settings: Settings) -> dict[str, tuple[str, ...]]:
    return {name: getattr(settings, table.setting) for name, table in TABLES.items()}


def _column_problems(settings: Settings) -> Iterator[str]:
    for table in TABLES.values():
        place, names = settings.place(table.setting), getattr(settings, table.setting)
        columns = [column.name for column in table.columns]
        for name in names:
            if name not in columns:
                similar = difflib.get_close_matches(name, columns, 1)
                hint = f"did you mean {similar[0]}?" if similar else f"known: {', '.join(columns)}"
                yield f"{place}: {table.setting} has no {name!r}; {hint}"
        if len(set(names)) < len(names):
            yield f"{place}: {table.setting} names one twice"
