"""Where things are: OpenClaw's roots on this machine, their sessions directories and their locks."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from lockdeck.backend.model.locks import LockKind
from lockdeck.backend.openclaw.roots.config import Config
from lockdeck.backend.openclaw.roots.environment import (
    CONFIG_NAMES,
    account_home,
    expand,
    home_of,
    real,
    state_dir,
)
from lockdeck.backend.system.text import SafeText, safe

_PROFILE = re.compile(r"\.openclaw-[a-z0-9][a-z0-9_-]{0,63}", re.IGNORECASE)
_MARKS = ("agents", *CONFIG_NAMES, "state/openclaw.sqlite")
_GATEWAY_LOCK = re.compile(r".*/openclaw-\d{1,10}/gateway\.[^/]{1,80}\.lock", re.DOTALL)
_SESSION_SUFFIX, _TRAJECTORY_SUFFIX = ".jsonl.lock", ".trajectory.jsonl.lock"


class Root(Struct, frozen=True):
    """One state directory, absolute, links not resolved. `given`: named by the user, not found by us."""

    path: str
    given: bool = False


class Fault(Struct, frozen=True):
    """Why a path can't be used as a root. `unseen`: what is there can't be seen; else there is no root there."""

    sentence: SafeText
    unseen: bool = False


class Unusable(Struct, frozen=True):
    """A path that can't be used. `named`: by the user or `$OPENCLAW_STATE_DIR`, not only found by us."""

    path: str
    fault: Fault
    named: bool


class Discovery(Struct, frozen=True):
    """The roots found, every path that was looked at, and what could not be used."""

    roots: tuple[Root, ...]
    looked_at: tuple[str, ...]
    unusable: tuple[Unusable, ...] = ()

    @property
    def problems(self) -> tuple[tuple[str, SafeText], ...]:
        """What could not be used, as (path, sentence)."""
        return tuple((one.path, one.fault.sentence) for one in self.unusable)


class SessionsDir(Struct, frozen=True):
    """A directory with transcripts and their locks, links resolved.

    `agent` is None where one store serves all agents: there only the session key tells the agent.
    """

    path: str
    agent: str | None
    store_path: str


def discover_roots(env: Mapping[str, str], home: str, given: Sequence[str]) -> Discovery:
    """Find the roots: those `given`, else all that the environment and the home directory have.

    Two paths to one place are one root. A root that was named (given, or `$OPENCLAW_STATE_DIR`) and can't
    be used is a problem, and so is a default one that exists and can't be used.
    """
    named = [expand(path, account_home(env, home)) for path in given]
    home = home_of(env, home)
    defaults = [] if named else list(_default_roots(env, home))
    chosen = env.get("OPENCLAW_STATE_DIR", "").strip()
    required = {*named, expand(chosen, home)} if chosen else set(named)
    roots: dict[str, Root] = {}
    unusable: list[Unusable] = []
    looked_at = tuple(dict.fromkeys([*named, *defaults]))
    for path in looked_at:
        fault = fault_of_root(path)
        if fault is None:
            roots.setdefault(real(path), Root(path, given=path in named))
        elif path in required or os.path.lexists(path):
            unusable.append(Unusable(path, fault, named=path in required))
    return Discovery(tuple(roots.values()), looked_at, tuple(unusable))


def _default_roots(env: Mapping[str, str], home: str) -> Iterator[str]:
    yield state_dir(env, home)
    yield os.path.join(home, ".openclaw")
    try:
        names = sorted(os.listdir(home))
    except OSError:
        names = []  # then only the fixed names can be tried
    yield from (os.path.join(home, name) for name in names if _PROFILE.fullmatch(name))
    yield os.path.join(home, ".clawdbot")


def why_not_a_root(path: str) -> SafeText | None:
    """Say why `path` can't be used as a root; None when it can."""
    fault = fault_of_root(path)
    return None if fault is None else fault.sentence


def fault_of_root(path: str) -> Fault | None:
    """Say why `path` can't be used as a root, and whether that hides what is there; None when it can."""
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return Fault(safe(f"{path} does not exist"))
    except (OSError, ValueError) as error:
        return Fault(safe(f"{path} can't be looked at: {_reason(error)}"), unseen=True)
    if not stat.S_ISDIR(status.st_mode):
        return Fault(safe(_with_hint(path, f"{path} is a file, not a state directory")))
    try:
        os.scandir(path).close()
    except OSError as error:
        return Fault(safe(f"{path} can't be listed: {_reason(error)}"), unseen=True)
    try:
        if _has_mark(path):
            return None
    except OSError as error:
        return Fault(safe(f"{path} can't be looked into: {_reason(error)}"), unseen=True)
    sentence = f"{path} has no agents directory and no openclaw.json: not an OpenClaw root"
    return Fault(safe(_with_hint(path, sentence)))


def _has_mark(path: str) -> bool:
    """Whether a directory looks like a root; raises OSError where that can't be seen."""
    denied: OSError | None = None
    for mark in _MARKS:
        try:
            os.stat(os.path.join(path, mark))
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            denied = error
        else:
            return True
    if denied is not None:
        raise denied
    return False


def _is_root(path: str) -> bool:
    return any(os.path.exists(os.path.join(path, mark)) for mark in _MARKS)


def _reason(error: OSError | ValueError) -> str:
    return getattr(error, "strerror", None) or str(error)


def _with_hint(path: str, sentence: str) -> str:
    """Add the root that was probably meant: the one above `path`, or the one inside a home directory."""
    parts = os.path.abspath(path).split(os.sep)
    for index in range(len(parts) - 1, 0, -1):
        above = os.sep.join(parts[:index]) or os.sep
        if parts[index] in ("agents", *CONFIG_NAMES) and _is_root(above):
            return f"{sentence}; it belongs to the root {above}"
    below = os.path.join(path, ".openclaw")
    return f"{sentence}; did you mean {below}?" if _is_root(below) else sentence


def sessions_dirs(root: str, config: Config) -> tuple[SessionsDir, ...]:
    """Return the sessions directories of `root` that exist and can be seen now. Raises nothing."""
    return look_for_sessions(root, config)[0]


def look_for_sessions(root: str, config: Config) -> tuple[tuple[SessionsDir, ...], tuple[SafeText, ...]]:
    """Return the sessions directories of `root` that exist now, and sentences on what hides others.

    Agents that have a directory are found whether the config names them or not. The default places are
    looked at also where the config has another store: locks from before that change are still there.
    Raises nothing.
    """
    hidden: list[SafeText] = []
    try:
        present = _agents_of(root)
    except OSError as error:
        present = ()
        hidden.append(safe(f"{os.path.join(root, 'agents')} can't be listed: {_reason(error)}"))
    found: dict[str, SessionsDir] = {}
    for agent, store in _stores(root, config, present):
        directory = real(os.path.dirname(store))
        try:
            exists = stat.S_ISDIR(os.stat(directory).st_mode)
        except (FileNotFoundError, NotADirectoryError, ValueError):
            continue
        except OSError as error:
            hidden.append(safe(f"{directory} can't be looked at: {_reason(error)}"))
            continue
        if exists:
            whole_path = os.path.join(directory, os.path.basename(store))
            found.setdefault(directory, SessionsDir(directory, agent or None, whole_path))
    return tuple(found.values()), tuple(dict.fromkeys(hidden))


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


def other_locks(root: str) -> list[str]:
    """Return the locks of `root` outside its sessions directories, sorted: they are only ever shown."""
    agents = os.path.join(root, "agents")
    places = [root, *(os.path.join(root, name) for name in ("sandbox", "credentials", "devices", "cron"))]
    for agent in agent_ids(root):
        places += [os.path.join(agents, agent, "agent"), os.path.join(agents, agent, "qmd")]
    found: list[str] = []
    for place in places:
        try:
            found += locks_in(place)
        except OSError:
            continue  # a place we may not list hides nothing that could be acted on
    return sorted(found)
