"""The folders in which this user keeps lockdeck's own files."""

from __future__ import annotations

import os
from collections.abc import Mapping

import lockdeck


class NoHomeError(OSError):
    """The account has no home directory, so there is no usual place for files."""


def config_dir(env: Mapping[str, str] | None = None) -> str:
    """Return the folder of configuration and themes; `LOCKDECK_CONFIG_DIR` overrides it. NoHomeError."""
    return _folder("config", env)


def state_dir(env: Mapping[str, str] | None = None) -> str:
    """Return the folder of journal, quarantine and device key; `LOCKDECK_STATE_DIR` overrides it. NoHomeError."""
    return _folder("state", env)


def _folder(kind: str, env: Mapping[str, str] | None) -> str:
    name = f"LOCKDECK_{kind.upper()}_DIR"
    override = (env or {}).get(name) or os.environ.get(name)
    if override:
        return os.path.abspath(override)
    import platformdirs

    find = {"config": platformdirs.user_config_dir, "state": platformdirs.user_state_dir}[kind]
    try:
        return find("lockdeck", appauthor=False)
    except RuntimeError:
        reason = "this account has no home directory and HOME names none"
        raise NoHomeError(f"no place for lockdeck's {kind}: {reason}; set HOME or {name}") from None


def import_folder() -> str:
    """Return the folder from which `lockdeck` is imported, for our own children that start without site packages."""
    return os.path.dirname(os.path.dirname(os.path.abspath(lockdeck.__file__)))
