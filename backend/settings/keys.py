"""What a person may write into `config.toml`, as the records of the settings say it."""

from __future__ import annotations

from typing import Any, get_args

from msgspec import Struct
from msgspec.structs import fields


class ConfigKey(Struct, frozen=True):
    """One key: its form as a type hint, what it is about, its default, and the words it may hold (None: any)."""

    name: str
    hint: Any
    about: str
    default: Any
    choices: tuple[str, ...] | None = None


def config_keys(kind: type[Struct]) -> tuple[ConfigKey, ...]:
    """Return the keys of a table of the configuration: the fields of its record that say what they are about."""
    keys = []
    for field in fields(kind):
        if hasattr(field.type, "__metadata__"):
            hint, meta = get_args(field.type)
            choices = (meta.extra or {}).get("choices")
            keys.append(ConfigKey(field.name, hint, meta.description, field.default, choices))
    return tuple(keys)
