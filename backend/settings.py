"""lockdeck's own configuration: `config.toml`, strict, with errors that name place, cause and way out."""

from __future__ import annotations

import difflib
import os
import tomllib
from dataclasses import dataclass, field, fields
from typing import Any, get_type_hints


class SettingsError(ValueError):
    """The configuration can't be used; the message names file, key, cause and the way out."""


@dataclass(frozen=True, slots=True)
class RootSettings:
    """What the user says about one root.

    `own_namespace` vouches that every process which writes there shares lockdeck's pid namespace;
    needed only where lockdeck runs inside a container with a mounted state directory.
    """

    path: str
    read_only: bool = False
    own_namespace: bool = False


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings with their defaults. Durations in seconds."""

    read_only: bool = False
    theme: str = ""
    logs: tuple[str, ...] = ()
    roots: tuple[RootSettings, ...] = ()
    rescan_s: float = 3.0
    gap_grace_s: float = 3.0
    origin: str = field(default="defaults", metadata={"internal": True})

    def root(self, path: str) -> RootSettings:
        """Return what was said about a root; the defaults when nothing was."""
        real = os.path.realpath(path)
        for root in self.roots:
            if os.path.realpath(os.path.expanduser(root.path)) == real:
                return root
        return RootSettings(path)


def config_path() -> str:
    """Return where the configuration is looked for when `--config` names no other file."""
    return os.path.join(config_dir(), "config.toml")


def config_dir() -> str:
    """Return the folder of configuration and user themes; `LOCKDECK_CONFIG_DIR` overrides it."""
    override = os.environ.get("LOCKDECK_CONFIG_DIR")
    if override:
        return override
    import platformdirs

    return platformdirs.user_config_dir("lockdeck", appauthor=False)


def load_settings(path: str | None) -> Settings:
    """Read the settings from `path`, or from the default place where a missing file is no error.

    Raises SettingsError for a file that was named but can't be read, for TOML errors and for unknown or
    ill-typed keys.
    """
    chosen = path or config_path()
    try:
        with open(chosen, "rb") as file:
            table = tomllib.load(file)
    except FileNotFoundError:
        if path is None:
            return Settings()
        raise SettingsError(f"{chosen}: no such file; name an existing one or leave --config out") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{chosen}: can't be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{chosen}: not valid TOML: {error}") from None
    roots = table.pop("roots", [])
    if not isinstance(roots, list) or not all(isinstance(root, dict) for root in roots):
        raise SettingsError(f"{chosen}: roots must be tables: write [[roots]] with a path in each")
    found = [
        RootSettings(**_checked(root, RootSettings, chosen, f"roots[{i}].")) for i, root in enumerate(roots)
    ]
    return Settings(**_checked(table, Settings, chosen, ""), roots=tuple(found), origin=chosen)


def _checked(table: dict[str, Any], kind: type, path: str, prefix: str) -> dict[str, Any]:
    known = [f.name for f in fields(kind) if not f.metadata.get("internal") and f.name != "roots"]
    hints = get_type_hints(kind)
    values = {}
    for key, value in table.items():
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            hint = f"did you mean {prefix}{near[0]}?" if near else f"known keys: {', '.join(known)}"
            raise SettingsError(f"{path}: unknown key {prefix}{key}; {hint}")
        values[key] = _typed(value, hints[key], f"{path}: {prefix}{key}")
    if kind is RootSettings and "path" not in values:
        raise SettingsError(f"{path}: {prefix}path is missing; every [[roots]] table needs one")
    return values


def _typed(value: Any, hint: Any, place: str) -> Any:
    if hint is float and isinstance(value, (int, float)) and not isinstance(value, bool):
        if not 0.1 <= value <= 3600:
            raise SettingsError(f"{place} must lie between 0.1 and 3600 seconds, not {value}")
        return float(value)
    if hint == tuple[str, ...] and isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    if isinstance(hint, type) and type(value) is hint:
        return value
    wanted = {bool: "true or false", str: "a string", float: "a number of seconds"}.get(
        hint, "a list of strings"
    )
    raise SettingsError(f"{place} must be {wanted}, not {value!r}")
