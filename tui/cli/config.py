"""`lockdeck config show`: every setting, its value, and where it comes from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import click
from msgspec import Struct

from lockdeck.backend.model.wire import dumps
from lockdeck.backend.settings.keys import config_keys
from lockdeck.backend.settings.records import Settings
from lockdeck.backend.system.text import safe
from lockdeck.tui.cli.options import Common, common_options, json_option
from lockdeck.tui.cli.output import emit
from lockdeck.tui.cli.startup import dashboard, settings_faults_are_wrong_use, settings_of
from lockdeck.tui.exits import Exit


@click.group("config")
def command() -> None:
    """Look at the configuration."""


@command.command("show")
@json_option
@common_options
def show(common: Common, as_json: bool) -> int:
    """Print every setting with its value and where it comes from; what is wrong ends with exit code 2."""
    settings = settings_of(common)
    with settings_faults_are_wrong_use():
        dashboard().check_settings(settings)
    return show_settings(settings, common, as_json)


class SettingValue(Struct, frozen=True):
    """One value: `origin` is `default`, `file` or the option that overrides the file."""

    key: str
    value: Any
    origin: str
    place: str


def show_settings(settings: Settings, common: Common, as_json: bool) -> Exit:
    """Print the settings as they are in force with the options of this very call."""
    values = tuple(setting_values(settings, common))
    if as_json:
        entries = [
            {"key": entry.key, "value": entry.value, "origin": entry.origin, "place": entry.place}
            for entry in values
        ]
        emit(dumps({"schema": 1, "settings": entries}, indent=2))
        return Exit.OK
    names = max(len(entry.key) for entry in values)
    written = [json.dumps(entry.value, ensure_ascii=False) for entry in values]
    width = min(max(map(len, written)), 40)
    for entry, value in zip(values, written, strict=True):
        emit(safe(f"{entry.key.ljust(names)}  {value.ljust(width)}  {entry.place}", 4096))
    return Exit.OK


def setting_values(settings: Settings, common: Common) -> Iterator[SettingValue]:
    """Yield every setting in force, tables by their entries."""
    overrides = {override.key: override for override in _overrides(settings, common)}
    for name in (key.name for key in config_keys(Settings)):
        value = getattr(settings, name)
        if name == "keys":
            for command_id, keys in value.items():
                yield _setting(settings, f"keys.{command_id}", list(keys))
        elif name in ("roots", "hosts") and value:
            for number, entry in enumerate(value):
                for part in config_keys(type(entry)):
                    yield _setting(settings, f"{name}[{number}].{part.name}", getattr(entry, part.name))
        elif name in overrides:
            yield overrides[name]
        else:
            yield _setting(settings, name, list(value) if isinstance(value, tuple) else value)


def _overrides(settings: Settings, common: Common) -> Iterator[SettingValue]:
    """Yield the settings that an option of this call decides."""
    if common.read_only:
        yield SettingValue("read_only", True, "option", "--read-only")
    if common.no_mouse:
        yield SettingValue("mouse", False, "option", "--no-mouse")
    if common.logs:
        yield SettingValue("logs", [*common.logs, *settings.logs], "option", "--log")


def _setting(settings: Settings, key: str, value: Any) -> SettingValue:
    return SettingValue(key, value, "file" if key in settings.lines else "default", settings.place(key))
