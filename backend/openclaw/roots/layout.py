"""The layout of a root: its sessions directories, and the locks in them and beside them."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from lockdeck.backend.model.locks import LockKind
from lockdeck.backend.model.trust import ROOT_UID, WRITE_GROUP, WRITE_WORLD
from lockdeck.backend.openclaw.roots.config import Config
from lockdeck.backend.openclaw.roots.confinement import link_below, may_link, start_of, why_not_followed
from lockdeck.backend.openclaw.roots.environment import real
from lockdeck.backend.openclaw.roots.faults import reason_of
from lockdeck.backend.system.accounts import our_uid
from lockdeck.backend.system.text import SafeText, safe

_GATEWAY_LOCK = re.compile(r".*/openclaw-\d{1,10}/gateway\.[^/]{1,80}\.lock", re.DOTALL)
_SESSION_SUFFIX, _TRAJECTORY_SUFFIX = ".jsonl.lock", ".trajectory.jsonl.lock"


class SessionsDir(Struct, frozen=True):
    """A directory with transcripts and their locks, links resolved.

    `agent` is None where one store serves all agents: there only the session key tells the agent. `below` is set in a
    root that is not ours: from there on no link is followed. `suspect`: by its owner or mode alone it may be another's.
    """

    path: str
    agent: str | None
    store_path: str
    below: str | None = None
    suspect: bool = False


def sessions_dirs(root: str, config: Config) -> tuple[SessionsDir, ...]:
    """Return the sessions directories of `root` that exist and can be seen now. Raises nothing."""
    return look_for_sessions(root, config)[0]


def look_for_sessions(root: str, config: Config) -> tuple[tuple[SessionsDir, ...], tuple[SafeText, ...]]:
    """Return the sessions directories of `root` that exist now, and sentences on what hides others.

    Agents that have a directory are found whether the config names them or not. The default places are
    looked at also where the config has another store: locks from before that change are still there.
    In a root that is not ours no link is followed. Raises nothing.
    """
    hidden: list[SafeText] = []
    try:
        present = _agents_of(root)
    except OSError as error:
        present = ()
        hidden.append(safe(f"{os.path.join(root, 'agents')} can't be listed: {reason_of(error)}"))
    directories: dict[str, SessionsDir] = {}
    for agent, store in _stores(root, config, present):
        fault = why_not_followed(store, root, config)
        if fault is not None:
            hidden.append(safe(fault))
            continue
        directory = real(os.path.dirname(store))
        try:
            status = os.stat(directory)
        except (FileNotFoundError, NotADirectoryError, ValueError):
            continue
        except OSError as error:
            hidden.append(safe(f"{directory} can't be looked at: {reason_of(error)}"))
            continue
        if stat.S_ISDIR(status.st_mode):
            suspect = status.st_uid not in (ROOT_UID, our_uid()) or bool(
                status.st_mode & (WRITE_GROUP | WRITE_WORLD)
            )
            store_path = os.path.join(directory, os.path.basename(store))
            start = None if may_link(store_path, config) else start_of(root, directory)
            directories.setdefault(
                directory, SessionsDir(directory, agent or None, store_path, start, suspect)
            )
    return tuple(directories.values()), tuple(dict.fromkeys(hidden))


def _stores(root: str, config: Config, present: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield agent and path of each session store that there may be; no agent where one store serves all."""
    for agent in present:
        yield agent, os.path.join(root, "agents", agent, "sessions", "sessions.json")
    session_store = config.session_store
    if session_store is not None and "{agentId}" in session_store:
        for agent in dict.fromkeys([*(agent.id for agent in config.agents), *present, "main"]):
            yield agent, session_store.replace("{agentId}", agent)
    elif session_store is not None:
        yield "", session_store


def _agents_of(root: str) -> tuple[str, ...]:
    """Return the names below `<root>/agents`, sorted; raises OSError where that stands and can't be listed."""
    try:
        return tuple(sorted(os.listdir(os.path.join(root, "agents"))))
    except FileNotFoundError:
        return ()


def agent_ids(root: str) -> tuple[str, ...]:
    """Return the names below `<root>/agents`, sorted; none where that can't be listed (`look_for_sessions` says so)."""
    try:
        return _agents_of(root)
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
    for directory in directories:
        if confined and link_below(root, directory) is not None:
            continue
        try:
            paths += locks_in(directory)
        except OSError:
            continue  # a directory we may not list hides nothing that could be acted on
    return sorted(paths)
