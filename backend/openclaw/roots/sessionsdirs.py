"""The sessions directories of a root: those that exist, and what hides others."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from lockdeck.backend.model.trust import ROOT_UID, WRITE_GROUP, WRITE_WORLD
from lockdeck.backend.openclaw.files import NO_LINKS
from lockdeck.backend.openclaw.roots.budgets import AGENTS, HIDDEN_NAMES, BudgetError
from lockdeck.backend.openclaw.roots.config import Config
from lockdeck.backend.openclaw.roots.confinement import fault_of_vouched, may_link, start_of
from lockdeck.backend.openclaw.roots.environment import real
from lockdeck.backend.openclaw.roots.faults import reason_of
from lockdeck.backend.openclaw.roots.layout import agents_of
from lockdeck.backend.openclaw.roots.ways import Ways
from lockdeck.backend.system.accounts import our_uid
from lockdeck.backend.system.text import SafeText, safe


class SessionsDir(Struct, frozen=True):
    """A directory with transcripts and their locks, links resolved.

    `agent` is None where one store serves all agents: there only the session key tells the agent. `below` is set in a
    root that is not ours: from there on no link is followed. `suspect`: by its owner or mode alone it may be another's.
    `spelling` is the path by which it was found, links not resolved.
    """

    path: str
    agent: str | None
    store_path: str
    below: str | None = None
    suspect: bool = False
    spelling: str = ""


def sessions_dirs(root: str, config: Config) -> tuple[SessionsDir, ...]:
    """Return the sessions directories of `root` that exist and can be seen now. Raises nothing."""
    return look_for_sessions(root, config)[0]


def look_for_sessions(root: str, config: Config) -> tuple[tuple[SessionsDir, ...], tuple[SafeText, ...]]:
    """Return the sessions directories of `root` that exist now, and sentences on what hides others.

    Agents that have a directory are found whether the config names them or not. The default places are
    looked at also where the config has another store: locks from before that change are still there.
    In a root that is not ours no link is followed. Raises nothing.
    """
    hidden: dict[SafeText, None] = {}
    try:
        present = agents_of(root)
    except OSError as error:
        present = ()
        hidden[safe(f"{os.path.join(root, 'agents')} can't be listed: {reason_of(error)}")] = None
    directories: dict[str, SessionsDir] = {}
    ways = None if config.ownership.ours else Ways()
    try:
        for agent, store, start in _stores(root, config, present):
            try:
                directory = _directory_of(agent, store, _Search(root, config, start, ways))
            except _HiddenError as error:
                hidden[safe(error)] = None
            else:
                if directory is not None:
                    directories.setdefault(directory.path, directory)
    except BudgetError as error:
        hidden = {safe(f"{root} has {error}: the others are not looked at"): None, **hidden}
    return tuple(directories.values()), _first(hidden)


def missing_store(config: Config, there: Iterable[SessionsDir]) -> str | None:
    """Say that the store that a config names is at none of the directories that are `there`; None where it is.

    A gateway that lives makes it with its first session, or has it at a place of its own: in its container.
    """
    store = config.session_store
    if store is None or any(
        home.spelling == os.path.dirname(store.replace("{agentId}", home.agent or "")) for home in there
    ):
        return None
    return (
        f"session.store {store} leads to no directory here: the gateway has had no session yet, or has it at a place of its "
        "own (a container); watch it where that is"
    )


def _first(sentences: Iterable[SafeText]) -> tuple[SafeText, ...]:
    """Return so many sentences as people read, and how many more there are."""
    every = tuple(sentences)
    rest = len(every) - HIDDEN_NAMES
    return every if rest <= 0 else (*every[:HIDDEN_NAMES], safe(f"{rest} more like these"))


class _Search(Struct, frozen=True):
    """Whose store is looked for; below `start` no link is followed where `ways` are given."""

    root: str
    config: Config
    start: str
    ways: Ways | None

    def below(self, directory: str, store_path: str) -> str | None:
        """Return from where on no link may lead to a store; None where it may be one."""
        if self.ways is not None:
            return self.ways.real(self.start)
        return None if may_link(store_path, self.config) else start_of(self.root, directory)


class _HiddenError(Exception):
    """Something hides a sessions directory; the message says what."""


def _directory_of(agent: str, store: str, search: _Search) -> SessionsDir | None:
    """Return the directory of a store where it exists.

    _HiddenError, BudgetError.
    """
    spelling = os.path.dirname(store)
    start, ways = search.start, search.ways
    link = None if ways is None else ways.link(start, spelling)
    if link is not None:
        raise _HiddenError(f"{link}: {NO_LINKS}")
    fault = fault_of_vouched(store, search.root, search.config)
    if fault is not None:
        raise _HiddenError(fault)
    try:
        status = os.stat(spelling)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            return None  # so nothing can stand there
        raise _HiddenError(f"{spelling} can't be looked at: {reason_of(error)}") from error
    if not stat.S_ISDIR(status.st_mode):
        return None
    directory = real(spelling) if ways is None else ways.below(start, spelling)
    store_path = os.path.join(directory, os.path.basename(store))
    return SessionsDir(
        path=directory,
        agent=agent or None,
        store_path=store_path,
        below=search.below(directory, store_path),
        suspect=status.st_uid not in (ROOT_UID, our_uid())
        or bool(status.st_mode & (WRITE_GROUP | WRITE_WORLD)),
        spelling=spelling,
    )


def _stores(root: str, config: Config, present: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """Yield agent and path of each session store that there may be, and the directory from which it is looked for.

    No agent where one store serves all. Raises BudgetError after AGENTS of them.
    """
    for agent in present[:AGENTS]:
        yield agent, os.path.join(root, "agents", agent, "sessions", "sessions.json"), root
    agents = list(dict.fromkeys([*(agent.id for agent in config.agents), *present, "main"]))
    store = config.session_store
    if store is not None:
        start = (
            root
            if store.startswith(root.rstrip("/") + "/")
            else os.path.dirname(store.split("{agentId}", 1)[0])
        )
        per_agent = "{agentId}" in store
        for agent in agents[:AGENTS] if per_agent else [""]:
            yield agent, store.replace("{agentId}", agent), start
    if len(agents) > AGENTS:
        raise BudgetError(f"more than {AGENTS} agents")
