"""The text of a config file into plain values: JSON or JSON5, includes put in, `${NAME}` replaced."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from lockdeck.backend.model.pattern import late_pattern
from lockdeck.backend.model.trust import Ownership
from lockdeck.backend.openclaw.roots.budgets import CONFIG_DEPTH, CONFIG_NOTES, CONFIG_VALUES, BudgetError
from lockdeck.backend.openclaw.roots.configfiles import ConfigFileError, ConfigFiles
from lockdeck.backend.openclaw.roots.environment import home_of, real
from lockdeck.backend.openclaw.roots.variables import Variables, env_block, parse_dotenv
from lockdeck.backend.system.text import SafeText, safe

_NEAR = late_pattern(r"(.*?)(?: starting)? near (\d+)")
DOTENV = ".env"
GLOBAL_DOTENV = ".config/openclaw/gateway.env"
"""Below the home; read in 2026.4.5."""


class ConfigTextError(ValueError):
    """The text can't be understood; the message says where and why. `files` were read, and whose they are."""

    def __init__(self, sentence: str, files: ConfigFiles) -> None:
        super().__init__(sentence)
        self.ownership = files.ownership
        self.files = tuple(files.paths)


class ConfigText(Struct):
    """The values of one config, whose it is, and the variables that it uses.

    `notes` say which variables are not set, `left_out` which includes could not be put in. `values` is None where there
    is no config. `files` are all that were looked for.
    """

    values: dict[str, Any] | None
    ownership: Ownership
    notes: list[SafeText] = field(default_factory=list)
    left_out: list[SafeText] = field(default_factory=list)
    used: frozenset[str] = frozenset()
    files: tuple[str, ...] = ()


def read_config_text(
    root: str, path: str, env: Mapping[str, str], owners: frozenset[int] = frozenset()
) -> ConfigText:
    """Read the config of `root` at `path`.

    Variables come from `env` only where the config is our own, then from `<root>/.env`, then from its own `env` (2026.4.5).
    Raises ConfigTextError, and nothing else.
    """
    files = ConfigFiles(root, owners)
    left_out: list[SafeText] = []
    try:
        values = _Includes(path, files, left_out).resolve(parse(files.text(path), path), path)
        if not isinstance(values, dict):
            raise ConfigFileError(f"{path} is not an object")
        variables = _variables(root, values, files, env)
        values = variables.put_into(values)
    except ConfigFileError as error:
        if error.absent:
            return ConfigText(None, files.ownership, files=tuple(files.paths))
        raise ConfigTextError(str(error), files) from error
    except RecursionError as error:
        raise ConfigTextError(f"{path} is nested too deeply", files) from error
    except BudgetError as error:
        raise ConfigTextError(f"{path} was not read: {error}", files) from error
    return ConfigText(
        values,
        files.ownership,
        variables.notes(),
        left_out,
        frozenset(variables.used),
        tuple(files.paths),
    )


def _variables(root: str, values: Mapping[str, Any], files: ConfigFiles, env: Mapping[str, str]) -> Variables:
    """Return where the variables of a config come from; ours are only for what is our own, not for what is vouched for."""
    sources = [_dotenv(os.path.join(root, DOTENV), files)]
    if files.is_own:
        sources.append(_dotenv(os.path.join(home_of(env), GLOBAL_DOTENV), files))
    # Asked again: one of those files may have been another's.
    ours = env if files.is_own else {}
    return Variables(ours, *sources, env_block(values))


def _dotenv(path: str, files: ConfigFiles) -> dict[str, str]:
    """Read a file of variables; without it those that it would set are told as missing."""
    try:
        return parse_dotenv(files.text(path))
    except ConfigFileError:
        return {}


def parse(text: str, name: str) -> Any:
    """Parse JSON, or where that fails JSON5. Raises ConfigFileError with line and column, BudgetError."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ConfigFileError(f"{name} is nested too deeply") from error
    except ValueError:
        return _parse_json5(text, name)


def _parse_json5(text: str, name: str) -> Any:
    if not text.strip():
        raise ConfigFileError(f"{name} is empty")
    import pyjson5

    try:
        return pyjson5.decode(text, maxdepth=CONFIG_DEPTH)
    except pyjson5.Json5NestingTooDeep as error:
        raise ConfigFileError(f"{name} is nested too deeply") from error
    except (pyjson5.Json5DecoderException, ValueError, OverflowError) as error:
        # Only its first argument: the others hold what was read so far, credentials too.
        match = _NEAR.match(str(error.args[0] if error.args else ""))
        words = re.sub(r"b'(\w+)'", r"\1", match[1]) if match else type(error).__name__
        where = f"{_place(text, int(match[2]) - 1)}: {words}" if match else words
        raise ConfigFileError(f"{name} is not valid JSON5: {where}") from None


def _place(text: str, offset: int) -> str:
    before = text[: max(0, offset)]
    return f"line {before.count(chr(10)) + 1}, column {len(before) - before.rfind(chr(10))}"


class _Includes:
    """Puts the files named by `$include` in place, as 2026.4.5 does: only from the config's directory."""

    def __init__(self, path: str, files: ConfigFiles, left_out: list[SafeText]) -> None:
        self._root = real(os.path.dirname(path))
        self._files = files
        self._left_out = left_out
        self._open: list[str] = [real(path)]
        self._values = 0

    def resolve(self, value: Any, path: str, depth: int = 0) -> Any:
        self._values += 1
        if self._values > CONFIG_VALUES:
            raise BudgetError(f"it has more than {CONFIG_VALUES} values")
        if depth > CONFIG_DEPTH:
            raise ConfigFileError(f"{path} is nested too deeply")
        if isinstance(value, list):
            return [self.resolve(item, path, depth + 1) for item in value]
        if not isinstance(value, dict):
            return value
        beside_include = {
            key: self.resolve(item, path, depth + 1) for key, item in value.items() if key != "$include"
        }
        if "$include" not in value:
            return beside_include
        names = value["$include"]
        merged: Any = {}
        for name in names if isinstance(names, list) else [names]:
            merged = _merged(merged, self._file(name, path, depth + 1))
        return _merged(merged, beside_include) if beside_include else merged

    def _file(self, name: object, path: str, depth: int) -> Any:
        self._files.count_include()
        target = real(os.path.join(os.path.dirname(path), name)) if isinstance(name, str) else ""
        if not target.startswith(self._root + os.sep):
            return self._skip(name, "it is outside the config's directory")
        if target in self._open:
            return self._skip(name, "it includes itself")
        try:
            values = parse(self._files.text(os.path.join(os.path.dirname(path), str(name))), target)
        except ConfigFileError as error:
            return self._skip(name, str(error))
        self._open.append(target)
        try:
            return self.resolve(values, target, depth)
        finally:
            self._open.pop()

    def _skip(self, name: object, reason: str) -> dict[str, Any]:
        if len(self._left_out) < CONFIG_NOTES:
            self._left_out.append(safe(f"$include {safe(name, 200)} was left out: {reason}"))
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
