"""Load `config.toml`: strict, with errors that name place, cause and way out."""

from __future__ import annotations

import os
import tomllib
from typing import Any

from lockdeck.backend.model.locks import Presence
from lockdeck.backend.openclaw.files import read_regular
from lockdeck.backend.settings.check import SettingsError, checked, keys_of, refuse
from lockdeck.backend.settings.records import RootSettings, Settings
from lockdeck.backend.system.folders import NoHomeError, config_dir

MAX_BYTES = 1 << 20
"""A larger configuration file is not read."""


def config_path() -> str:
    """Return where the configuration is looked for when `--config` names no other file. NoHomeError."""
    return os.path.join(config_dir(), "config.toml")


def load_settings(path: str | None) -> Settings:
    """Read the settings from `path`, or from the default place where a missing file is no error.

    Raises SettingsError for a file that was named but can't be read, for TOML errors and for unknown or
    ill-typed keys.
    """
    try:
        file = path or config_path()
    except NoHomeError:
        return Settings()
    content = read_regular(file, MAX_BYTES, follow=True)
    if content.presence is Presence.ABSENT:
        if path is None:
            return Settings()
        raise SettingsError(f"{file}: no such file; name an existing one or leave --config out")
    if content.problem is not None:
        raise SettingsError(f"{file}: can't be read: {content.problem}")
    try:
        text = content.raw.decode()
        table = tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise SettingsError(f"{file}: can't be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{file}: not valid TOML: {error}") from None
    return _settings(table, file, text)


def _settings(table: dict[str, Any], path: str, text: str) -> Settings:
    from lockdeck.backend.settings.lines import lines_of

    lines = lines_of(table, text)
    roots, keys = table.pop("roots", []), table.pop("keys", {})
    if not isinstance(roots, list) or not all(isinstance(root, dict) for root in roots):
        raise refuse(path, lines, "roots", "must be tables: write [[roots]] with a path in each")
    records = []
    for number, root in enumerate(roots):
        values = checked(root, RootSettings, path, lines, f"roots[{number}].")
        if "path" not in values:
            name = f"roots[{number}].path"
            raise refuse(path, lines, name, "is missing; every [[roots]] table needs one")
        if not values["path"].strip():
            raise refuse(path, lines, f"roots[{number}].path", "is empty; name a state directory")
        records.append(RootSettings(**values))
    return Settings(
        **checked(table, Settings, path, lines),
        roots=tuple(records),
        keys=keys_of(keys, path, lines),
        origin=path,
        lines=lines,
    )
