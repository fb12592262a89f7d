"""`lockdeck config show`: every setting, its value, and where it comes from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from msgspec import Struct

from lockdeck.backend.settings.settings import Settings
from lockdeck.tui.cli.exits import Exit
from lockdeck.tui.cli.options import Common


class Shown(Struct, frozen=True):
    """One value: `origin` is `default`, `file` or the option that overrides the file."""

    key: str
    value: Any
    origin: str
    place: str


def show_settings(settings: Settings, common: Common, as_json: bool) -> Exit:
    """Print the settings as they are in force with the options of this very call."""
    from lockdeck.backend.model.wire import dumps
    from lockdeck.backend.system.text import safe
    from lockdeck.tui.cli.output import emit

    values = tuple(shown(settings, common))
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


def shown(settings: Settings, common: Common) -> Iterator[Shown]:
    """Yield every setting in force, tables by their entries."""
    given = {override.key: override for override in _overrides(settings, common)}
    for field in fields(Settings):
        if field.metadata.get("internal"):
            continue
        value = getattr(settings, field.name)
        if field.name == "keys":
            for command, keys in value.items():
                yield _one(settings, f"keys.{command}", list(keys))
        elif field.name == "roots" and value:
            for number, root in enumerate(value):
                for part in fields(root):
                    yield _one(settings, f"roots[{number}].{part.name}", getattr(root, part.name))
        elif field.name in given:
            yield given[field.name]
        else:
            yield _one(settings, field.name, list(value) if isinstance(value, tuple) else value)


def _overrides(settings: Settings, common: Common) -> Iterator[Shown]:
    """Yield the settings that an option of this call decides."""
    if common.read_only:
        yield Shown("read_only", True, "option", "--read-only")
    if common.no_mouse:
        yield Shown("mouse", False, "option", "--no-mouse")
    if common.logs:
        yield Shown("logs", [*common.logs, *settings.logs], "option", "--log")


def _one(settings: Settings, key: str, value: Any) -> Shown:
    return Shown(key, value, "file" if key in settings.lines else "default", settings.place(key))
