"""The places where OpenClaw itself would look: home, state directory and config path, by its environment (2026.4.5)."""

from __future__ import annotations

import os
from collections.abc import Mapping

CONFIG_NAMES = ("openclaw.json", "clawdbot.json")
STATE_NAMES = (".openclaw", ".clawdbot")


def account_home(env: Mapping[str, str], home: str | None = None) -> str:
    """Return the home of the account: `HOME`, else `USERPROFILE`, else `home`, else what the system says."""
    return _word(env, "HOME") or _word(env, "USERPROFILE") or home or os.path.expanduser("~")


def home_of(env: Mapping[str, str], home: str | None = None) -> str:
    """Return the home that OpenClaw takes: `OPENCLAW_HOME` where it is set, else that of the account."""
    account, configured = account_home(env, home), _word(env, "OPENCLAW_HOME")
    return os.path.abspath(_with_home(configured, account) if configured else account)


def expand(path: str, home: str) -> str:
    """Return `path` absolute, a leading `~` replaced by `home`; `~user` is not known to OpenClaw."""
    return os.path.abspath(_with_home(path.strip(), home))


def state_dir(env: Mapping[str, str], home: str) -> str:
    """Return the one state directory that an OpenClaw with this environment would use."""
    configured = env.get("OPENCLAW_STATE_DIR", "").strip()
    if configured:
        return expand(configured, home)
    candidates = [os.path.join(home, name) for name in STATE_NAMES]
    return next((path for path in candidates if os.path.exists(path)), candidates[0])


def config_path(root: str, env: Mapping[str, str]) -> str:
    """Return the config file of `root`, whether it exists or not.

    `OPENCLAW_CONFIG_PATH` counts only for the root that the same environment names; its other roots are
    other profiles with a config of their own.
    """
    home = home_of(env)
    configured = env.get("OPENCLAW_CONFIG_PATH", "").strip()
    if configured and same_place(state_dir(env, home), root):
        return expand(configured, home)
    candidates = [os.path.join(root, name) for name in CONFIG_NAMES]
    return next((path for path in candidates if os.path.exists(path)), candidates[0])


def same_place(first: str, second: str) -> bool:
    """Return whether two paths lead to the same place, links followed; few system calls, however long the paths are."""
    return os.path.normpath(first) == os.path.normpath(second) or _place(first) == _place(second)


def _place(path: str) -> tuple[object, ...]:
    """Return what stands at `path`, else its name in what its directory is, else the path itself."""
    directory, name = os.path.split(os.path.normpath(path))
    for where, rest in ((path, ()), (directory, (name,))):
        try:
            status = os.stat(where)
        except (OSError, ValueError):
            continue
        return (status.st_dev, status.st_ino, *rest)
    return (os.path.normpath(path),)


def real(path: str) -> str:
    """Return `path` with all links resolved; a path that no system call takes stays as it is."""
    try:
        return os.path.realpath(path)
    except (OSError, ValueError):
        return path


def _word(env: Mapping[str, str], name: str) -> str | None:
    value = env.get(name, "").strip()
    return None if value in ("", "undefined", "null") else value


def _with_home(path: str, home: str) -> str:
    return home + path[1:] if path == "~" or path.startswith("~/") else path
