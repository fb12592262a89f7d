"""The paths of which file events are asked for."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence

from lockdeck.backend.openclaw.roots.layout import agent_ids
from lockdeck.backend.watch.root import WatchedRoot

PathIdentity = tuple[str, int, int]
"""Path, device and inode: a directory that was replaced is another one."""


def with_events(roots: Iterable[WatchedRoot]) -> Sequence[WatchedRoot]:
    """Return the roots of which file events come."""
    return [root for root in roots if not root.network and root.fault is None]


def agents_of(root: WatchedRoot) -> str:
    """Return where the agents of a root are, links resolved."""
    return os.path.realpath(os.path.join(root.path, "agents"))


def trees(roots: Iterable[WatchedRoot]) -> set[str]:
    """Return the trees in which locks, stores and new directories appear."""
    paths: set[str] = set()
    for root in roots:
        agents = agents_of(root)
        paths.add(agents)
        paths.update(path for path in root.directories if not path.startswith(agents + os.sep))
    return paths


def directories(roots: Iterable[WatchedRoot]) -> Iterator[str]:
    """Yield the same directory by directory, links resolved."""
    for root in roots:
        agents = agents_of(root)
        yield agents
        for agent in agent_ids(root.path):
            home = os.path.realpath(os.path.join(agents, agent))
            yield from (home, os.path.join(home, "agent"), os.path.join(home, "qmd"))
        yield from root.directories


def concerns_us(name: str) -> bool:
    """Locks, stores, logs and new directories concern us; the endless appends to transcripts do not."""
    return name.endswith((".lock", ".log")) or name in ("sessions.json", "openclaw.json") or "." not in name


def identities(paths: Iterable[str]) -> frozenset[PathIdentity]:
    """Return what stands at these paths; what does not stand now is watched when it does."""
    standing = set()
    for path in paths:
        try:
            status = os.stat(path)
        except OSError:
            continue
        standing.add((path, status.st_dev, status.st_ino))
    return frozenset(standing)
