"""Load `config.toml`: strict, with errors that name place, cause and way out."""

from __future__ import annotations

import os
import tomllib
from typing import Any

from lockdeck.backend.model.locks import Presence
from lockdeck.backend.model.trust import Ownership
from lockdeck.backend.openclaw.files import is_possible_path, read_regular
from lockdeck.backend.openclaw.log.inputs.words import is_stdin
from lockdeck.backend.settings.check import SettingsError, checked, keys_of, refuse
from lockdeck.backend.settings.records import RootSettings, Settings
from lockdeck.backend.system.accounts import uid_of
from lockdeck.backend.system.folders import NoHomeError, config_dir
from lockdeck.backend.system.ownership import ownership_of

MAX_BYTES = 1 << 20
"""A larger configuration file is not read."""


def config_path() -> str:
    """Return where the configuration is looked for when `--config` names no other file. NoHomeError."""
    return os.path.join(config_dir(), "config.toml")


def load_settings(path: str | None, trusted_uids: frozenset[int] = frozenset()) -> Settings:
    """Read the settings from `path`, or from the default place where a missing file is no error.

    `trusted_uids`: accounts that the command line vouches for. Raises SettingsError for a file that was named but can't
    be read, for one that is not ours, for TOML errors and for unknown or ill-typed keys.
    """
    try:
        file = path or config_path()
    except NoHomeError:
        return Settings(trusted_uids=trusted_uids)
    ownership = ownership_of(file)
    content = read_regular(file, MAX_BYTES, follow=True)
    if content.presence is Presence.ABSENT:
        if path is None:
            return Settings(trusted_uids=trusted_uids)
        raise SettingsError(f"{file}: no such file; name an existing one or leave --config out")
    if content.problem is not None:
        raise SettingsError(f"{file}: can't be read: {content.problem}")
    must_be_ours(file, ownership)
    try:
        text = content.raw.decode()
        table = tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise SettingsError(f"{file}: can't be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{file}: not valid TOML: {error}") from None
    return _settings(table, file, text, trusted_uids)


def must_be_ours(file: str, ownership: Ownership) -> None:
    """Refuse a configuration that is another's: it says whom we trust. Raises SettingsError."""
    if ownership.fault is not None:
        way_out = (
            "lockdeck's configuration must be yours alone: chown or chmod what is named, or leave it out"
        )
        raise SettingsError(f"{file}: {ownership.fault}; {way_out}")


def _settings(table: dict[str, Any], path: str, text: str, trusted_uids: frozenset[int]) -> Settings:
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
        if values["path"] and not is_possible_path(values["path"]):
            raise refuse(path, lines, f"roots[{number}].path", "is no possible path; name a state directory")
        if not values["path"].strip():
            raise refuse(path, lines, f"roots[{number}].path", "is empty; name a state directory")
        if values.get("log_command") and not values["log_command"][0].strip():
            raise refuse(path, lines, f"roots[{number}].log_command", "begins with nothing; name a command")
        owner = str(values.get("trusted_owner", ""))
        uid = uid_of(owner) if owner else None
        if owner and uid is None:
            name = f"roots[{number}].trusted_owner"
            raise refuse(
                path, lines, name, f"names no account of this machine: {owner!r}; write a name or a uid"
            )
        records.append(RootSettings(**values, trusted_uid=uid))
    values = checked(table, Settings, path, lines)
    if any(map(is_stdin, values.get("logs", ()))):
        raise refuse(
            path, lines, "logs", "holds stdin, which a command line has and a file does not: --log -"
        )
    return Settings(
        **values,
        roots=tuple(records),
        keys=keys_of(keys, path, lines),
        origin=path,
        lines=lines,
        trusted_uids=trusted_uids,
    )
