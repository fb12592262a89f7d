"""The place of a lock. Only this module makes places, from what discovery knows of their root."""

from __future__ import annotations

import os

from msgspec import Struct

from lockdeck.backend.model.fleet import RootView
from lockdeck.backend.model.locks import LockKind
from lockdeck.backend.openclaw.roots.layout import lock_kind
from lockdeck.backend.openclaw.roots.sessionsdirs import SessionsDir
from lockdeck.backend.system.ownership import ownership_of


class Place(Struct, frozen=True):
    """The place of a lock: its path, root, agent and kind, and what holds for the whole root.

    A path that ends in a slash is a sessions directory, from which locks may have been removed.
    `own_namespace`: the user vouches that all writers of the root share our pid namespace. `owners`: uids whose things
    count as ours there, because the user vouches for them.
    """

    path: str
    root: str
    agent: str | None
    kind: LockKind
    era: str
    own_namespace: bool
    owners: frozenset[int] = frozenset()

    @property
    def directory(self) -> str:
        """The directory in which the lock stands."""
        return os.path.dirname(self.path)

    def why_not_ours(self) -> tuple[str, ...]:
        """Say why nothing may be done to this lock or to the run that holds it, and what would help; empty: it is ours.

        Looks at the root and at the directory of the lock as they stand now.
        """
        for path in (self.root, self.directory):
            ownership = ownership_of(path, self.owners, root=self.root)
            if ownership.fault is not None:
                return (f"{ownership.fault}: lockdeck looks at it and does nothing else", *ownership.ways_out)
        return ()


class RootPlaces(Struct, frozen=True):
    """All that the places of one root have in common. Made by discovery or from the root in a snapshot."""

    root: str
    era: str
    own_namespace: bool
    owners: frozenset[int] = frozenset()

    def lock(self, path: str, agent: str | None, kind: LockKind | None = None) -> Place:
        """Return the place of a lock; its kind by its name where none is said."""
        kind = kind or lock_kind(path)
        return Place(path, self.root, agent, kind, self.era, self.own_namespace, self.owners)

    def gateway_lock(self, path: str) -> Place:
        """Return the place of a gateway's lock, which is no agent's."""
        return self.lock(path, None, LockKind.GATEWAY)

    def sessions_directory(self, directory: SessionsDir) -> Place:
        """Return a sessions directory as a place below which locks may have been removed."""
        return self.lock(os.path.join(directory.path, ""), directory.agent, LockKind.SESSION)


def places_of(root: RootView) -> RootPlaces:
    """Return the places of a root that is shown."""
    return RootPlaces(root.path, root.era, root.vouch.own_namespace, root.vouch.owners)


def unknown_place(path: str, kind: LockKind) -> Place:
    """Return the place of a lock that belongs to no known root; nobody vouches for it."""
    return RootPlaces(os.path.dirname(path), "files", own_namespace=False).lock(path, None, kind)
