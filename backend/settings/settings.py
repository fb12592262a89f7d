"""lockdeck's own configuration: `config.toml`, strict, with errors that name place, cause and way out."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lockdeck.backend.model.locks import Presence
from lockdeck.backend.openclaw.files import read_regular
from lockdeck.backend.settings.check import SettingsError, checked, keys_of, refuse
from lockdeck.backend.system.folders import NoHomeError, config_dir

__all__ = ["RootSettings", "Settings", "SettingsError", "config_path", "load_settings"]

NOTIFY = ("toast", "bell", "osc9", "osc777")


def _about(doc: str, **more: Any) -> dict[str, Any]:
    return {"doc": doc, **more}


@dataclass(frozen=True, slots=True)
class RootSettings:
    """What the user says about one root.

    `own_namespace` vouches that every process which writes there shares lockdeck's pid namespace;
    needed only where lockdeck runs inside a container with a mounted state directory.
    """

    path: str = field(default="", metadata=_about("The OpenClaw state directory; ~ is understood."))
    read_only: bool = field(default=False, metadata=_about("Nothing that changes this root."))
    own_namespace: bool = field(
        default=False,
        metadata=_about("Every process that writes there shares lockdeck's pid namespace."),
    )


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings with their defaults. Durations in seconds.

    `lines` tells where in the file `origin` (empty: there was none) a value stands, by its key (`rescan_s`, `keys.quit`).
    """

    read_only: bool = field(default=False, metadata=_about("Nothing that changes the world."))
    theme: str = field(default="", metadata=_about("Name of the theme; empty means dark."))
    logs: tuple[str, ...] = field(
        default=(), metadata=_about("Log files to read instead of OpenClaw's own places.")
    )
    roots: tuple[RootSettings, ...] = field(
        default=(), metadata=_about("State directories to watch instead of the usual ones.")
    )
    rescan_s: float = field(
        default=3.0, metadata=_about("Everything is looked at anew after so many seconds.")
    )
    gap_grace_s: float = field(
        default=3.0, metadata=_about("Two holds at most so far apart (seconds) are one occupation.")
    )
    columns: tuple[str, ...] = field(
        default=(), metadata=_about("Columns of the fleet table, in their order; empty means all.")
    )
    locks_columns: tuple[str, ...] = field(
        default=(), metadata=_about("Columns of the locks table, in their order; empty means all.")
    )
    events_columns: tuple[str, ...] = field(
        default=(), metadata=_about("Columns of the events table, in their order; empty means all.")
    )
    journal_columns: tuple[str, ...] = field(
        default=(), metadata=_about("Columns of the journal table, in their order; empty means all.")
    )
    notify: tuple[str, ...] = field(
        default=("toast",),
        metadata=_about("How it is told that something turns critical, or clears.", choices=NOTIFY),
    )
    notify_after_s: float = field(
        default=5.0, metadata=_about("It is told once it has lasted so many seconds.")
    )
    notify_every_s: float = field(
        default=30.0, metadata=_about("At least so many seconds lie between two notifications.")
    )
    mouse: bool = field(
        default=True,
        metadata=_about("The mouse works in the dashboard, rather than the terminal's own selection."),
    )
    keys: Mapping[str, tuple[str, ...]] = field(
        default_factory=dict,
        metadata=_about(
            "Keys of commands, by command id; each a key or a list of keys, an empty one for none."
        ),
    )
    origin: str = field(default="", metadata={"internal": True})
    lines: Mapping[str, int] = field(default_factory=dict, compare=False, metadata={"internal": True})

    @property
    def names_columns(self) -> bool:
        """Whether columns are chosen for any table."""
        return bool(self.columns or self.locks_columns or self.events_columns or self.journal_columns)

    def root(self, path: str) -> RootSettings:
        """Return what was said about a root; the defaults when nothing was."""
        real = os.path.realpath(path)
        for root in self.roots:
            if os.path.realpath(os.path.expanduser(root.path)) == real:
                return root
        return RootSettings(path)

    def vouches_for(self, path: str) -> bool:
        """Whether the user vouches that all writers of a root share lockdeck's pid namespace."""
        return self.root(path).own_namespace

    def place(self, key: str) -> str:
        """Return where a value comes from: `default`, or file and line."""
        if key not in self.lines:
            return "default"
        return f"{self.origin}:{self.lines[key]}" if self.lines[key] else self.origin


def config_path() -> str:
    """Return where the configuration is looked for when `--config` names no other file. NoHomeError."""
    return os.path.join(config_dir(), "config.toml")


def load_settings(path: str | None) -> Settings:
    """Read the settings from `path`, or from the default place where a missing file is no error.

    Raises SettingsError for a file that was named but can't be read, for TOML errors and for unknown or
    ill-typed keys.
    """
    try:
        chosen = path or config_path()
    except NoHomeError:
        return Settings()
    found = read_regular(chosen, MAX_BYTES, follow=True)
    if found.presence is Presence.ABSENT:
        if path is None:
            return Settings()
        raise SettingsError(f"{chosen}: no such file; name an existing one or leave --config out")
    if found.problem is not None:
        raise SettingsError(f"{chosen}: can't be read: {found.problem}")
    try:
        text = found.raw.decode()
        table = tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise SettingsError(f"{chosen}: can't be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{chosen}: not valid TOML: {error}") from None
    return _settings(table, chosen, text)


MAX_BYTES = 1 << 20
"""A larger configuration file is not read."""


def _settings(table: dict[str, Any], path: str, text: str) -> Settings:
    from lockdeck.backend.settings.lines import lines_of

    lines = lines_of(table, text)
    roots, keys = table.pop("roots", []), table.pop("keys", {})
    if not isinstance(roots, list) or not all(isinstance(root, dict) for root in roots):
        raise refuse(path, lines, "roots", "must be tables: write [[roots]] with a path in each")
    found = []
    for number, root in enumerate(roots):
        values = checked(root, RootSettings, path, lines, f"roots[{number}].")
        if "path" not in values:
            name = f"roots[{number}].path"
            raise refuse(path, lines, name, "is missing; every [[roots]] table needs one")
        if not values["path"].strip():
            raise refuse(path, lines, f"roots[{number}].path", "is empty; name a state directory")
        found.append(RootSettings(**values))
    return Settings(
        **checked(table, Settings, path, lines),
        roots=tuple(found),
        keys=keys_of(keys, path, lines),
        origin=path,
        lines=lines,
    )
