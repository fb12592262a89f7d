"""The rows of the fleet table and of the locks table that a change of the fleet changes. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from msgspec import Struct

from lockdeck.backend.model.delta import Change, FleetDelta
from lockdeck.backend.model.fleet import LockView, SessionView
from lockdeck.backend.model.identity import Identity
from lockdeck.tui.table.rows import Row, is_gateway_at_work, most_urgent
from lockdeck.tui.view.names import RowKey, row_key


class RowChange(Struct, frozen=True):
    """One row before and after; None where it was not there, or is no more."""

    key: RowKey
    old: Row | None
    new: Row | None


class RowChanges(Struct, frozen=True):
    """The rows of the fleet table that changed, and those of the locks table."""

    fleet: tuple[RowChange, ...] = ()
    locks: tuple[RowChange, ...] = ()


class RowFinder:
    """Knows the sessions and locks there are, and which of the locks a session shows; the others have a row of their own."""

    def __init__(self) -> None:
        self._sessions: dict[RowKey, tuple[SessionView, ...]] = {}
        self._locks: dict[Identity, LockView] = {}
        self._shown: Counter[Identity] = Counter()

    def take(self, delta: FleetDelta) -> RowChanges:
        """Return which rows are different by what is different in the fleet."""
        names = {*_lock_names(delta)}
        before = {name: self._row(name) for name in names}
        sessions = list(filter(None, map(self._take_session, delta.sessions)))
        for lock in delta.locks:
            if lock.new is not None:
                self._locks[lock.new.identity] = lock.new
            elif lock.old is not None:
                self._locks.pop(lock.old.identity, None)
        lonely = filter(None, (_changed(before[name], self._row(name)) for name in sorted(names)))
        locks = filter(None, (_changed(lock.old, lock.new) for lock in delta.locks))
        return RowChanges((*sessions, *lonely), tuple(locks))

    def _take_session(self, change: Change[SessionView]) -> RowChange | None:
        view = change.old if change.new is None else change.new
        if view is None:
            return None
        key = row_key(view)
        before = self._sessions.get(key, ())
        self._count(change.old, -1)
        self._count(change.new, 1)
        now = [view for view in before if view != change.old]
        if change.new is not None:
            now.append(change.new)
        if now:
            self._sessions[key] = tuple(now)
        else:
            self._sessions.pop(key, None)
        return _changed(most_urgent(before) if before else None, most_urgent(now) if now else None)

    def _row(self, name: Identity) -> LockView | None:
        """Return a lock where it has a row of the fleet table."""
        lock = self._locks.get(name)
        return None if lock is None or self._shown[name] or is_gateway_at_work(lock) else lock

    def _count(self, session: SessionView | None, step: int) -> None:
        if session is not None and session.lock is not None:
            name = session.lock.identity
            self._shown[name] += step
            if not self._shown[name]:
                del self._shown[name]


def _lock_names(delta: FleetDelta) -> Iterator[Identity]:
    """Yield the locks that appeared, vanished, changed, or belong to another session now."""
    for lock in delta.locks:
        yield from (view.identity for view in (lock.old, lock.new) if view is not None)
    for change in delta.sessions:
        for session in (change.old, change.new):
            if session is not None and session.lock is not None:
                yield session.lock.identity


def _changed(old: Row | None, new: Row | None) -> RowChange | None:
    row = old if new is None else new
    return None if row is None or old is new else RowChange(row_key(row), old, new)
