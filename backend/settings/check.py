"""Check the values of a configuration file, and word what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from lockdeck.backend.settings.keys import config_keys

ACCOUNT = str | int
"""How an account is named: by its name or its uid."""
LEAST_S, MOST_S = 0.1, 3600


class SettingsError(ValueError):
    """The configuration can't be used; the message names file, line, key, cause and the way out, one line a fault."""


class Faults:
    """Everything that is wrong in one file, so that a person is told of all of it at once.

    `lines` are the lines of its keys, as far as they are known.
    """

    def __init__(self, path: str, lines: Mapping[str, int]) -> None:
        self._path, self._lines = path, lines
        self._sentences: list[str] = []

    def add(self, key: str, sentence: str, *, subject: str | None = None) -> None:
        """Enter a fault of a key; `subject` stands for the key where the sentence names it itself."""
        line = self._lines.get(key) or self._lines.get(key.rpartition(".")[0])
        place = f"{self._path}:{line}" if line else self._path
        self._sentences.append(f"{place}: {key if subject is None else subject} {sentence}")

    def refuse(self) -> None:
        """Raise SettingsError with all that was entered; nothing where nothing was."""
        if self._sentences:
            raise SettingsError("\n".join(self._sentences))


def checked(table: Mapping[str, Any], kind: type[Struct], faults: Faults, prefix: str = "") -> dict[str, Any]:
    """Return the values of a table as the fields of a settings class, without those that are entered as faults."""
    allowed = {key.name: key for key in config_keys(kind)}
    values = {}
    for key, value in table.items():
        name = f"{prefix}{key}"
        if key not in allowed:
            import difflib

            similar = difflib.get_close_matches(key, allowed, 1)
            way_out = (
                f"did you mean {prefix}{similar[0]}?" if similar else f"known keys: {', '.join(allowed)}"
            )
            faults.add(name, f"{name}; {way_out}", subject="unknown key")
            continue
        hint = allowed[key].hint
        fault = _fault(value, hint, allowed[key].choices)
        if fault is None:
            values[key] = _converted(value, hint)
        else:
            faults.add(name, fault)
    return values


def keys_of(table: Any, faults: Faults) -> dict[str, tuple[str, ...]]:
    """Return the keys of each command id; whether ids and keys exist is checked where they are known."""
    if not isinstance(table, Mapping):
        faults.add("keys", "must be a table: write [keys] and below it command = key")
        return {}
    keys_by_command = {}
    for command, value in table.items():
        keys = [value] * bool(value) if isinstance(value, str) else value
        if isinstance(keys, list) and all(isinstance(key, str) for key in keys):
            keys_by_command[command] = tuple(keys)
        else:
            faults.add(f"keys.{command}", f"must be a key or a list of keys, not {value!r}")
    return keys_by_command


def _fault(value: Any, hint: Any, choices: tuple[str, ...] | None) -> str | None:
    if hint is float and isinstance(value, (int, float)) and not isinstance(value, bool):
        in_range = LEAST_S <= value <= MOST_S
        return None if in_range else f"must lie between {LEAST_S} and {MOST_S} seconds, not {value}"
    if hint == tuple[str, ...] and isinstance(value, list) and all(isinstance(item, str) for item in value):
        wrong = [item for item in value if choices and item not in choices]
        return f"may hold {', '.join(choices or ())}, not {wrong[0]!r}" if wrong else None
    if isinstance(hint, type) and type(value) is hint:
        return None
    if hint == ACCOUNT and type(value) in (str, int):
        return None
    expected = {
        bool: "true or false",
        str: "a string",
        float: "a number of seconds",
        ACCOUNT: "the name of an account or its uid",
    }
    return f"must be {expected.get(hint, 'a list of strings')}, not {value!r}"


def _converted(value: Any, hint: Any) -> Any:
    if isinstance(value, list):
        return tuple(value)
    return float(value) if hint is float else value
