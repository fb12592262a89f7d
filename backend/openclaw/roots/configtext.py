"""The text of a config file into plain values: JSON or JSON5, includes put in, `${ENV}` replaced."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from lockdeck.backend.model.locks import Presence
from lockdeck.backend.openclaw.files import read_regular
from lockdeck.backend.openclaw.roots.environment import real
from lockdeck.backend.system.text import SafeText, safe

CAP_BYTES = 4 << 20
JSON5_CAP_BYTES = 512 * 1024
"""Only plain JSON may be as large as `CAP_BYTES`: the JSON5 parser needs seconds for half a megabyte."""
MOST_INCLUDES = 32

_VARIABLE = re.compile(r"\$?\$\{([A-Z_][A-Z0-9_]*)\}")
_JSON5_PLACE = re.compile(r"<string>:(\d+) (.*) at column (\d+)", re.DOTALL)


class ConfigTextError(ValueError):
    """The text can't be understood; the message says where and why."""


class _MissingError(ConfigTextError):
    """There is no such file."""


class ConfigText(Struct):
    """The values of one config file, and notes on what could not be put in (includes, variables not set)."""

    values: dict[str, Any]
    notes: list[SafeText] = field(default_factory=list)


def read_config_text(path: str, env: Mapping[str, str]) -> ConfigText | None:
    """Read the config at `path`; None where there is no such file.

    Raises ConfigTextError, and nothing else.
    """
    notes: list[SafeText] = []
    try:
        values = _Includes(path, notes).resolve(_read(path), path)
        values = _substituted(values, env, notes)
    except _MissingError:
        return None
    except RecursionError as error:
        raise ConfigTextError(f"{path} is nested too deeply") from error
    if not isinstance(values, dict):
        raise ConfigTextError(f"{path} is not an object")
    return ConfigText(values, notes)


def parse(text: str, name: str) -> Any:
    """Parse JSON, or where that fails JSON5. Raises ConfigTextError with line and column."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ConfigTextError(f"{name} is nested too deeply") from error
    except ValueError:
        return _parse_json5(text, name)


def _parse_json5(text: str, name: str) -> Any:
    if not text.strip():
        raise ConfigTextError(f"{name} is empty")
    if len(text) > JSON5_CAP_BYTES:
        raise ConfigTextError(
            f"{name} is not plain JSON and too large to be read as JSON5 ({len(text)} characters)"
        )
    import json5

    try:
        return json5.loads(text)
    except RecursionError as error:
        raise ConfigTextError(f"{name} is nested too deeply") from error
    except ValueError as error:
        place = _JSON5_PLACE.fullmatch(str(error))
        where = f"line {place[1]}, column {place[3]}: {place[2]}" if place else str(error)
        raise ConfigTextError(f"{name} is not valid JSON5: {where}") from error


def _read(path: str) -> Any:
    """Read and parse one file."""
    content = read_regular(path, CAP_BYTES, follow=True)
    if content.presence is Presence.ABSENT:
        raise _MissingError(f"{path} does not exist")
    if content.presence is not Presence.FILE:
        raise ConfigTextError(str(content.problem))
    try:
        text = content.raw.decode()
    except UnicodeDecodeError as error:
        raise ConfigTextError(f"{path} is not UTF-8 (byte {error.start})") from error
    return parse(text.removeprefix("\ufeff"), path)


class _Includes:
    """Puts the files named by `$include` in place, as 2026.4.5 does: only from the config's directory."""

    def __init__(self, path: str, notes: list[SafeText]) -> None:
        self._root = real(os.path.dirname(path))
        self._notes = notes
        self._budget = MOST_INCLUDES
        self._open: list[str] = [real(path)]

    def resolve(self, value: Any, path: str) -> Any:
        if isinstance(value, list):
            return [self.resolve(item, path) for item in value]
        if not isinstance(value, dict):
            return value
        beside_include = {key: self.resolve(item, path) for key, item in value.items() if key != "$include"}
        if "$include" not in value:
            return beside_include
        names = value["$include"]
        merged: Any = {}
        for name in names if isinstance(names, list) else [names]:
            merged = _merged(merged, self._file(name, path))
        return _merged(merged, beside_include) if beside_include else merged

    def _file(self, name: object, path: str) -> Any:
        target = real(os.path.join(os.path.dirname(path), name)) if isinstance(name, str) else ""
        if not target.startswith(self._root + os.sep):
            return self._skip(name, "it is outside the config's directory")
        if target in self._open:
            return self._skip(name, "it includes itself")
        if self._budget == 0:
            return self._skip(name, f"there are more than {MOST_INCLUDES}")
        self._budget -= 1
        try:
            values = _read(target)
        except ConfigTextError as error:
            return self._skip(name, str(error))
        self._open.append(target)
        try:
            return self.resolve(values, target)
        finally:
            self._open.pop()

    def _skip(self, name: object, reason: str) -> dict[str, Any]:
        self._notes.append(safe(f"$include {name} was left out: {reason}"))
        return {}


def _merged(below: Any, above: Any) -> Any:
    """Lay one value over another: objects key by key, lists one after the other, else the upper one."""
    if isinstance(below, list) and isinstance(above, list):
        return [*below, *above]
    if isinstance(below, dict) and isinstance(above, dict):
        return below | {
            key: _merged(below[key], item) if key in below else item for key, item in above.items()
        }
    return above


def _substituted(value: Any, env: Mapping[str, str], notes: list[SafeText]) -> Any:
    """Replace `${NAME}` by the environment's value; `$${NAME}` means the text itself."""

    def replacement(match: re.Match[str]) -> str:
        if match[0].startswith("$$"):
            return match[0][1:]
        variable = env.get(match[1])
        if not variable:
            notes.append(safe(f"the config uses ${{{match[1]}}}, which is not set here"))
        return variable or match[0]

    if isinstance(value, str):
        return _VARIABLE.sub(replacement, value) if "${" in value else value
    if isinstance(value, list):
        return [_substituted(item, env, notes) for item in value]
    if isinstance(value, dict):
        return {key: _substituted(item, env, notes) for key, item in value.items()}
    return value
