"""The place of a lock. Only this module makes places, from what discovery knows of their root."""

from __future__ import annotations

import os

from msgspec import Struct

from lockdeck.backend.model.fleet import RootView
from lockdeck.backend.model.locks import LockKind
from lockdeck.backend.openclaw.roots.layout import SessionsDir, lock_kind


class Place(Struct, frozen=True):
    """The place of a lock: its path, root, agent and kind, and what holds for the whole root.

    A path that ends in a slash is a sessions directory, from which locks may have been removed.
    `own_namespace`: the user vouches that all writers of the root share our pid namespace.
    """

    path: str
    root: str
    agent: str | None
    kind: LockKind
    era: str
    own_namespace: bool

    @property
    def directory(self) -> str:
        """The directory in which the lock stands."""
        return os.path.dirname(self.path)


class RootPlaces(Struct, frozen=True):
    """All that the places of one root have in common. Made by discovery or from the root in a snapshot."""

    root: str
    era: str
    own_namespace: bool

    def lock(self, path: str, agent: str | None, kind: LockKind | None = None) -> Place:
        """Return the place of a lock; its kind by its name where none is said."""
        return Place(path, self.root, agent, kind or lock_kind(path), self.era, self.own_namespace)

    def gateway_lock(self, path: str) -> Place:
        """Return the place of a gateway's lock, which is no agent's."""
        return self.lock(path, None, LockKind.GATEWAY)

    def sessions_directory(self, directory: SessionsDir) -> Place:
        """Return a sessions directory as a place below which locks may have been removed."""
        return self.lock(os.path.join(directory.path, ""), directory.agent, LockKind.SESSION)


def places_of(root: RootView) -> RootPlaces:
    """Return the places of a root that is shown."""
    return RootPlaces(root.path, root.era, root.own_namespace)


def unknown_place(path: str, kind: LockKind) -> Place:
    """Return the place of a lock that belongs to no known root; nobody vouches for it."""
    return RootPlaces(os.path.dirname(path), "files", own_namespace=False).lock(path, None, kind)
