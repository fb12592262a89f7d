"""One sessions directory followed through time: its store, its index and the locks that stand in it."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterable, Sequence
from heapq import nlargest

from msgspec import Struct, field

from lockdeck.backend.model.locks import LockKind
from lockdeck.backend.openclaw.locks.lockfile import work_folders_among
from lockdeck.backend.openclaw.roots.budgets import LOCKS, STORE_ENTRIES
from lockdeck.backend.openclaw.roots.layout import lock_kind, locks_among, names_in
from lockdeck.backend.openclaw.roots.place import Place, RootPlaces
from lockdeck.backend.openclaw.roots.sessionsdirs import SessionsDir
from lockdeck.backend.openclaw.store import SessionEntry, Store, read_store
from lockdeck.backend.openclaw.storeindex import StoreIndex

MOST_PATHS = 20_000
"""So many lock paths are remembered with their sessions: paths may come and go while the store stays."""

QUIET_S = 2.5
"""What comes within one step of a file system's clock (2 s at most) after a listing leaves no trace in its times."""
LISTED_S = 15.0
"""A listing is believed for so long (seconds): some file systems (of containers, of the user) keep no times of directories."""
MOST_NEWEST = 16
"""So many sessions of a store are looked at without a lock, those that changed last."""


class WatchedDirectory(Struct):
    """A sessions directory as last looked at. Owned by the collector's thread.

    `newest_locks` are where the locks stand, or would, of the sessions that the store changed last, each with the time of that.
    `locks`, of these `session_locks`, and `work_folders` (folders of releases of ours, at work or cut off) are paths in it.
    """

    where: SessionsDir
    store: Store = field(default_factory=Store)
    index: StoreIndex = field(default_factory=lambda: StoreIndex({}, {}))
    locks: tuple[str, ...] = ()
    session_locks: tuple[str, ...] = ()
    newest_locks: tuple[tuple[float, str], ...] = ()
    work_folders: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    unread_store: str | None = None
    unlisted: str | None = None
    generation: int = 0
    _listed: tuple[int, ...] | None = None
    _listed_at: float = -math.inf
    _sessions: dict[str, SessionEntry | None] = field(default_factory=dict)
    _places: tuple[object, Sequence[Place]] = (None, ())

    def refresh(self, most: int = STORE_ENTRIES, most_locks: int = LOCKS) -> None:
        """Look again. Raises nothing; `generation` grows whenever the store's entries changed.

        `unread_store` says why its sessions can't be seen, `unlisted` why its locks can't; None where they can.
        `most` sessions are taken of the store, else none; `most_locks` locks of the directory, else none.
        """
        store = read_store(self.where.store_path, self.store, below=self.where.below, most=most)
        if store is not self.store:
            self.store = store
            spellings, follow = (self.where.spelling,), self.where.below is None
            self.index = StoreIndex.build(store.entries, self.where.path, spellings=spellings, follow=follow)
            self.newest_locks = self._newest(store.entries)
            self.generation += 1
            self._sessions.clear()
        problems = [str(store.problem)] if store.problem else []
        # With a signature the store was read, and only some of its entries could not be understood.
        self.unread_store = (
            problems[0] if problems and (store.signature is None or store.over_budget) else None
        )
        self.unlisted = self._list(most_locks)
        self.problems = (*problems, *filter(None, (self.unlisted,)))

    def _list(self, most: int) -> str | None:
        """List the locks and work folders anew, unless nothing came or went; say why they can't be seen where they can't."""
        times, self._listed = self._listed, _quiet_times(self.where.path)
        now = time.monotonic()
        same = times is not None and times == self._listed and now - self._listed_at < LISTED_S
        if same and len(self.locks) + len(self.work_folders) <= most:
            return None
        self._listed_at = now
        try:
            names = names_in(self.where.path)
        except OSError as error:
            self._listed = None
            return f"{self.where.path} can't be listed: {error.strerror or error}"
        locks, folders = locks_among(self.where.path, names), work_folders_among(self.where.path, names)
        count = len(locks) + len(folders)
        if count > most:
            self.locks = self.session_locks = self.work_folders = ()
            self._listed = None
            return f"{self.where.path} has {count} locks; its root has more than {LOCKS}: none of these is looked at"
        self.locks, self.work_folders = tuple(locks), tuple(folders)
        self.session_locks = tuple(path for path in locks if lock_kind(path) is LockKind.SESSION)
        return None

    def _newest(self, entries: Iterable[SessionEntry]) -> tuple[tuple[float, str], ...]:
        """Return when the sessions changed that changed last, and where their locks would stand; the newest first."""
        candidates = (
            entry for entry in entries if entry.session_file is not None or entry.session_id is not None
        )
        newest = nlargest(MOST_NEWEST, candidates, key=lambda entry: (entry.updated_at or 0.0, entry.key))
        return tuple(
            (entry.updated_at, path)
            for entry in newest
            if entry.updated_at is not None and (path := self.lock_path_of(entry)) is not None
        )

    @property
    def unseen(self) -> bool:
        """Whether sessions or locks can't be seen; `problems` say why."""
        return self.unread_store is not None or self.unlisted is not None

    @property
    def is_without_store(self) -> bool:
        """Whether there is no store: then nothing names the sessions of the locks."""
        return self.store.signature is None and self.store.problem is None

    def lock_places(self, root: RootPlaces) -> Sequence[Place]:
        """Return the locks as places of their root; made once for each listing and store."""
        made_from = (self.locks, root, self.generation)
        if self._places[0] != made_from:
            self._places = (made_from, [root.lock(path, self.agent_of(path)) for path in self.locks])
        return self._places[1]

    def session_of(self, lock_path: str) -> SessionEntry | None:
        """Return the session a lock guards, None when the store knows none; looked up once per store."""
        if lock_path not in self._sessions:
            if len(self._sessions) >= MOST_PATHS:
                self._sessions.clear()
            self._sessions[lock_path] = self.index.find(lock_path)
        return self._sessions[lock_path]

    def agent_of(self, lock_path: str) -> str | None:
        """Return the agent a lock belongs to: the directory's, else the one its session key names."""
        if self.where.agent is not None:
            return self.where.agent
        entry = self.session_of(lock_path) if lock_kind(lock_path) is LockKind.SESSION else None
        return agent_of_key(entry.key) if entry else None

    def lock_path_of(self, entry: SessionEntry) -> str | None:
        """Return where the lock of a session would stand; None when the entry names no transcript."""
        if entry.session_file is not None:
            return os.path.join(self.where.path, entry.session_file) + ".lock"
        if entry.session_id is not None:
            return os.path.join(self.where.path, f"{entry.session_id}.jsonl.lock")
        return None


def _quiet_times(directory: str) -> tuple[int, ...] | None:
    """Return what tells whether anything has come to a directory or gone since; None while that would not show."""
    try:
        status = os.stat(directory)
    except OSError:
        return None
    changed_ns = max(status.st_mtime_ns, status.st_ctime_ns)
    quiet = time.time() - changed_ns / 1e9 >= QUIET_S
    return (status.st_dev, status.st_ino, status.st_mtime_ns, status.st_ctime_ns) if quiet else None


def agent_of_key(key: str) -> str | None:
    """Return the agent id inside a session key `agent:<id>:<rest>`; None for other keys."""
    parts = key.split(":", 2)
    return parts[1] if len(parts) == 3 and parts[0] == "agent" and parts[1] else None
