"""The layout of a root: its agents, and the locks in its sessions directories and beside them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

from lockdeck.backend.model.locks import LockKind
from lockdeck.backend.model.pattern import late_pattern
from lockdeck.backend.openclaw.roots.budgets import AGENTS
from lockdeck.backend.openclaw.roots.ways import Ways

_GATEWAY_LOCK = late_pattern(r".*/openclaw-\d{1,10}/gateway\.[^/]{1,80}\.lock", re.DOTALL)
_SESSION_SUFFIX, _TRAJECTORY_SUFFIX = ".jsonl.lock", ".trajectory.jsonl.lock"


def agents_of(root: str) -> tuple[str, ...]:
    """Return the names below `<root>/agents`, sorted; raises OSError where that stands and can't be listed."""
    try:
        return tuple(sorted(os.listdir(os.path.join(root, "agents"))))
    except FileNotFoundError:
        return ()


def agent_ids(root: str) -> tuple[str, ...]:
    """Return the names below `<root>/agents`, sorted, AGENTS at most; none where that can't be listed.

    `look_for_sessions` says what is left out.
    """
    try:
        return agents_of(root)[:AGENTS]
    except OSError:
        return ()


def names_in(directory: str) -> list[str]:
    """Return the names of all entries of `directory`, in no order; none where it is gone.

    Raises OSError where the directory can't be listed: no locks seen would not mean no locks there.
    """
    try:
        return os.listdir(directory)
    except (FileNotFoundError, NotADirectoryError):
        return []


def locks_in(directory: str) -> list[str]:
    """Return the paths of all `.lock` entries of `directory`, sorted. As `names_in` otherwise."""
    return locks_among(directory, names_in(directory))


def locks_among(directory: str, names: Iterable[str]) -> list[str]:
    """Return the paths of the `.lock` entries among the names in `directory`, sorted."""
    return sorted(os.path.join(directory, name) for name in names if name.endswith(".lock"))


def lock_kind(path: str) -> LockKind:
    """Say by its name which of OpenClaw's locks `path` is.

    Whether its directory is a sessions directory is not decided here: look for it in `sessions_dirs`.
    """
    directory, name = os.path.split(path)
    if _GATEWAY_LOCK.fullmatch(path):
        return LockKind.GATEWAY
    if name.endswith(_SESSION_SUFFIX) and not name.endswith(_TRAJECTORY_SUFFIX):
        return LockKind.SESSION if name != _SESSION_SUFFIX else LockKind.OTHER
    if name == "sessions.json.lock":
        return LockKind.STORE
    if name == "auth-profiles.json.lock":
        return LockKind.AUTH
    if name.endswith(".lock") and os.path.basename(directory) == "sandbox":
        return LockKind.SANDBOX
    return LockKind.OTHER


def other_locks(root: str, *, confined: bool = False) -> list[str]:
    """Return the locks of `root` outside its sessions directories, sorted: they are only ever shown.

    `confined`: no link is followed, for a root that is not ours.
    """
    agents = os.path.join(root, "agents")
    directories = [
        root,
        *(os.path.join(root, name) for name in ("sandbox", "credentials", "devices", "cron")),
    ]
    for agent in agent_ids(root):
        directories += [os.path.join(agents, agent, "agent"), os.path.join(agents, agent, "qmd")]
    paths: list[str] = []
    ways = Ways() if confined else None
    for directory in directories:
        if ways is not None and ways.link(root, directory) is not None:
            continue
        try:
            paths += locks_in(directory)
        except OSError:
            continue  # a directory we may not list hides nothing that could be acted on
    return sorted(paths)
