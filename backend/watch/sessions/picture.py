"""The sessions of one directory, or of one gateway, as they were built last, and what has changed among them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from lockdeck.backend.model.fleet import LockView, SessionView
from lockdeck.backend.model.runs.records import Occupation
from lockdeck.backend.openclaw.store import SessionEntry
from lockdeck.backend.watch.directory import WatchedDirectory
from lockdeck.backend.watch.sessions.holdersigns import Signs

Put = Callable[["SessionPicture", SessionView | None, SessionView | None], None]
"""Takes a picture, a view that stood in it and the one that stands there now; None where there is none."""


class SessionPicture:
    """Sessions by key. `put_on` is told of each that comes, changes or goes. Owned by the collector's thread.

    `path` is that of its directory, "" where it has none. `live` are the keys of those that are more than a row in the store:
    time alone may change them. `until` is the next moment (epoch seconds) at which it may, by key. `alone` is itself in a
    tuple, one for all.
    """

    def __init__(self, put_on: Put, path: str = "") -> None:
        self.path = path
        self.views: dict[str, SessionView] = {}
        self.live: set[str] = set()
        self.until: dict[str, float] = {}
        self.alone = (self,)
        self._put_on = put_on

    def put(self, key: str, view: SessionView | None, *, live: bool = False) -> None:
        """Let one session be what it is now; one that looks as before stays the same object."""
        before = self.views.get(key)
        if live:
            self.live.add(key)
        else:
            self.live.discard(key)
        if view is None:
            self.views.pop(key, None)
        elif before != view:
            self.views[key] = view
        else:
            return
        self._put_on(self, before, view)

    def every(self) -> list[SessionView]:
        """Return all views."""
        return list(self.views.values())

    def of(self, key: str) -> list[SessionView]:
        """Return the views of a session: more than one where a lock that the store does not explain seems to be its, too."""
        return [self.views[key]] if key in self.views else []

    def clear(self) -> None:
        """Let all go: what it is of is watched no longer."""
        for key in list(self.views):
            self.put(key, None)
        self.until.clear()


class DirectoryPicture(SessionPicture):
    """The sessions of one directory: `entries` are their rows in the store, by key, `strangers` sessions by their lock's path.

    `holders` is what the process that proves to hold one showed when it was built.
    """

    def __init__(self, put_on: Put, path: str = "") -> None:
        super().__init__(put_on, path)
        self.entries: dict[str, SessionEntry] = {}
        self.holders: dict[str, Signs] = {}
        self.strangers: dict[str, SessionView] = {}
        self._generation: int | None = None
        self._locks: Mapping[str, LockView] = {}
        self._occupied: Mapping[str, Occupation] = {}

    def take(
        self, directory: WatchedDirectory, locks: Mapping[str, LockView], occupied: Mapping[str, Occupation]
    ) -> set[str]:
        """Take up rows, locks and occupations by session key; return the keys for which they are others than before."""
        keys = _differing(self._locks, locks) | _differing(self._occupied, occupied)
        self._locks, self._occupied = locks, occupied
        if directory.generation != self._generation:
            before = self.entries
            self._generation = directory.generation
            self.entries = {entry.key: entry for entry in directory.store.entries}
            keys |= _differing(before, self.entries)
            for key in before.keys() - self.entries.keys():
                self.put(key, None)
                self.forget(key)
        return keys

    @property
    def unlocked_transcripts(self) -> dict[str, str]:
        """The transcripts of those sessions that are more than a row while nothing holds or held their locks, by key."""
        alone = [key for key in self.live if key not in self._locks and key not in self._occupied]
        views = ((key, self.views.get(key)) for key in alone)
        return {
            key: view.transcript for key, view in views if view is not None and view.transcript is not None
        }

    def lock_of(self, key: str) -> LockView | None:
        """Return the lock of a session."""
        return self._locks.get(key)

    def forget(self, key: str) -> None:
        """Wait for nothing of a session any more."""
        self.until.pop(key, None)
        self.holders.pop(key, None)

    def put_strangers(self, views: Mapping[str, SessionView]) -> None:
        """Let the sessions that the store does not name be these."""
        before, self.strangers = self.strangers, dict(views)
        for path in before.keys() | views.keys():
            old, new = before.get(path), views.get(path)
            if old is not None and old == new:
                self.strangers[path] = old
            else:
                self._put_on(self, old, new)

    def every(self) -> list[SessionView]:
        """Return all views."""
        return [*super().every(), *self.strangers.values()]

    def of(self, key: str) -> list[SessionView]:
        """Return the views of a session: more than one where a lock that the store does not explain seems to be its, too."""
        return [*super().of(key), *(view for view in self.strangers.values() if view.key == key)]

    def clear(self) -> None:
        """Let all go: what it is of is watched no longer."""
        super().clear()
        self.put_strangers({})
        self.holders.clear()


def _differing(before: Mapping[str, object], now: Mapping[str, object]) -> set[str]:
    changed = {key for key, new in now.items() if (old := before.get(key)) is not new and old != new}
    return changed | (before.keys() - now.keys())
