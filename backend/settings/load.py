"""Load `config.toml`: strict, with errors that name place, cause and way out."""

from __future__ import annotations

import os
from typing import Any

from lockdeck.backend.model.locks import Presence
from lockdeck.backend.model.trust import Ownership
from lockdeck.backend.openclaw.files import is_possible_path, read_regular
from lockdeck.backend.openclaw.log.inputs.words import is_stdin
from lockdeck.backend.settings.check import Faults, SettingsError, checked, keys_of
from lockdeck.backend.settings.records import HostSettings, RootSettings, Settings
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
    import tomllib

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
    faults = Faults(path, lines)
    keys = table.pop("keys", {})
    roots = _tables(table, "roots", "a path", faults)
    records = [_root(root, f"roots[{number}]", faults) for number, root in enumerate(roots)]
    hosts = _hosts(table, faults)
    values = checked(table, Settings, faults)
    if any(map(is_stdin, values.get("logs", ()))):
        faults.add("logs", "holds stdin, which a command line has and a file does not: --log -")
    keys_by_command = keys_of(keys, faults)
    faults.refuse()
    return Settings(
        **values,
        roots=tuple(records),
        hosts=hosts,
        keys=keys_by_command,
        origin=path,
        lines=lines,
        trusted_uids=trusted_uids,
    )


def load_hosts(file: str) -> tuple[HostSettings, ...]:
    """Read the `[[hosts]]` tables of a file that has nothing else. Raises SettingsError."""
    settings = load_settings(file)
    others = sorted({key.partition("[")[0].partition(".")[0] for key in settings.lines} - {"hosts"})
    if others or not settings.hosts:
        found = f", not {', '.join(others)}" if others else " with a name and a command in each"
        raise SettingsError(f"{file}: a file of hosts holds [[hosts]] tables{found}")
    return settings.hosts


def _tables(table: dict[str, Any], key: str, needed: str, faults: Faults) -> list[dict[str, Any]]:
    """Take a list of tables out of a table; empty where it is something else, which is entered as a fault."""
    tables = table.pop(key, [])
    if isinstance(tables, list) and all(isinstance(entry, dict) for entry in tables):
        return tables
    faults.add(key, f"must be tables: write [[{key}]] with {needed} in each")
    return []


def _hosts(table: dict[str, Any], faults: Faults) -> tuple[HostSettings, ...]:
    """Take the `[[hosts]]` out of a table; what is wrong in them is entered as faults."""
    hosts: list[HostSettings] = []
    for number, entry in enumerate(_tables(table, "hosts", "a name and a command", faults)):
        host = HostSettings(**checked(entry, HostSettings, faults, f"hosts[{number}]."))
        for key in ("name", "command"):
            if key not in entry:
                faults.add(f"hosts[{number}].{key}", "is missing; every [[hosts]] table needs one")
        if "name" in entry and not host.name.strip():
            faults.add(f"hosts[{number}].name", "is empty; name the host")
        if "command" in entry and (not host.command or not host.command[0].strip()):
            faults.add(f"hosts[{number}].command", "begins with nothing; name a command")
        if host.name and host.name in (other.name for other in hosts):
            faults.add(f"hosts[{number}].name", f"names {host.name!r} a second time; every host has its own")
        hosts.append(host)
    return tuple(hosts)


def _root(table: dict[str, Any], name: str, faults: Faults) -> RootSettings:
    """Return one `[[roots]]` table; what is wrong in it is entered as faults."""
    values = checked(table, RootSettings, faults, f"{name}.")
    path = values.setdefault("path", "")
    if "path" not in table:
        faults.add(f"{name}.path", "is missing; every [[roots]] table needs one")
    elif path and not is_possible_path(path):
        faults.add(f"{name}.path", "is no possible path; name a state directory")
    elif isinstance(table["path"], str) and not path.strip():
        faults.add(f"{name}.path", "is empty; name a state directory")
    if values.get("log_command") and not values["log_command"][0].strip():
        faults.add(f"{name}.log_command", "begins with nothing; name a command")
    owner = str(values.get("trusted_owner", ""))
    uid = uid_of(owner) if owner else None
    if owner and uid is None:
        faults.add(
            f"{name}.trusted_owner", f"names no account of this machine: {owner!r}; write a name or a uid"
        )
    return RootSettings(**values, trusted_uid=uid)
