"""The paths of which file events are asked for: trees, or single directories where a name in a tree is not UTF-8.

watchfiles ends with an error at the first event of a file whose name is not UTF-8 (seen on 1.3.0), for
everything that it watches together.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping

from msgspec import Struct, field

from lockdeck.backend.openclaw.roots.layout import agent_ids
from lockdeck.backend.watch.root import WatchedRoot

PathIdentity = tuple[str, int, int]
"""Path, device and inode: a directory that was replaced is another one."""


class WatchedPaths(Struct, frozen=True):
    """The paths to watch: `recursive` with all that is below, else each directory alone.

    `silent` are directories that can't be watched, by path, with the root that each belongs to.
    """

    identities: frozenset[PathIdentity] = frozenset()
    recursive: bool = True
    silent: Mapping[str, str] = field(default_factory=dict)

    @property
    def paths(self) -> list[str]:
        """The paths to watch."""
        return [path for path, _, _ in self.identities]


def trees(roots: Iterable[WatchedRoot]) -> WatchedPaths:
    """Return the trees in which locks, stores and new directories appear."""
    paths: set[str] = set()
    for root in _with_events(roots):
        agents = _agents_of(root)
        paths.add(agents)
        paths.update(path for path in root.directories if not path.startswith(agents + os.sep))
    return WatchedPaths(_identities(paths))


def single_directories(roots: Iterable[WatchedRoot], shunned: Collection[str]) -> WatchedPaths:
    """Return the same directory by directory, without those that hold a name which is not UTF-8.

    `shunned`: directories in which there was such a name a moment ago.
    """
    paths: set[str] = set()
    silent: dict[str, str] = {}
    for root in _with_events(roots):
        for path in _directories(root):
            if path in shunned or not _is_utf8(path):
                silent[path] = root.path
            else:
                paths.add(path)
    return WatchedPaths(_identities(paths), recursive=False, silent=silent)


def _with_events(roots: Iterable[WatchedRoot]) -> Iterator[WatchedRoot]:
    return (root for root in roots if not root.network and root.fault is None)


def _agents_of(root: WatchedRoot) -> str:
    return os.path.realpath(os.path.join(root.path, "agents"))


def _directories(root: WatchedRoot) -> Iterator[str]:
    """Yield the directories of a root in which something that matters may appear, links resolved."""
    agents = _agents_of(root)
    yield agents
    for agent in agent_ids(root.path):
        home = os.path.realpath(os.path.join(agents, agent))
        yield from (home, os.path.join(home, "agent"), os.path.join(home, "qmd"))
    yield from root.directories


def _is_utf8(directory: str) -> bool:
    """Return whether a directory and all names in it are UTF-8; a directory that can't be listed has no names."""
    try:
        names = os.listdir(directory)
    except OSError:
        names = []
    try:
        "\0".join([directory, *names]).encode()
    except UnicodeEncodeError:
        return False
    return True


def _identities(paths: Iterable[str]) -> frozenset[PathIdentity]:
    identities = set()
    for path in paths:
        try:
            status = os.stat(path)
        except OSError:
            continue  # what does not stand now is watched when it does
        identities.add((path, status.st_dev, status.st_ino))
    return frozenset(identities)
