"""The target of an action: the very session and hold that the person saw, never a row number. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from lockdeck.backend.model.fleet import FleetSnapshot, LockView, RootView, SessionView, every_lock
from lockdeck.backend.model.locks import LockKind
from lockdeck.tui.table.rows import Row
from lockdeck.tui.view.names import RowKey, file_name, row_key, session_name


class Target(Struct, frozen=True):
    """A row as it was when the key was pressed; an action carries its path, release id and session key."""

    row: RowKey
    session: SessionView | None = None
    lock: LockView | None = None
    root: RootView | None = None

    @property
    def name(self) -> str:
        """A short name on its host: agent and session, or the file name of the lock."""
        return file_name(self.row.name) if self.session is None else session_name(self.session)

    @property
    def title(self) -> str:
        """A short name for lists and questions: before it stands the host, where there are several."""
        return f"{self.row.host} {self.name}" if self.row.host else self.name

    @property
    def release_id(self) -> str | None:
        """The hold that was seen, None where there was none or it could not be read."""
        return None if self.lock is None else self.lock.release_id


def targets_of(keys: Iterable[RowKey], snapshot: FleetSnapshot) -> tuple[Target, ...]:
    """Return what the rows are in a snapshot, in the order of the keys; rows that are not there are left out."""
    sessions = {row_key(view): view for view in snapshot.sessions}
    by_lock = {row_key(view.lock): view for view in snapshot.sessions if view.lock is not None}
    locks = {row_key(lock): lock for lock in every_lock(snapshot)}
    roots = {root.identity: root for root in snapshot.roots}
    targets = []
    for key in keys:
        session = by_lock.get(key) or sessions.get(key)
        lock = locks.get(key) or (session.lock if session is not None else None)
        if session is not None or lock is not None:
            targets.append(Target(key, session, lock, roots.get((key.host, key.root))))
    return tuple(targets)


def has_lock(row: Row | None) -> bool:
    """Return whether a row is a lock or a session that has one."""
    return isinstance(row, LockView) or (row is not None and row.lock is not None)


def has_session(row: Row | None) -> bool:
    """Return whether a row is a session or a session's lock."""
    if isinstance(row, LockView):
        return row.record.kind is LockKind.SESSION
    return row is not None


def holder_pid(row: Row | None) -> int | None:
    """Return the process that has a row's lock, or that the lock names; None where nothing tells."""
    lock = row if isinstance(row, LockView) or row is None else row.lock
    if lock is None:
        return None
    if lock.judgement.holder is not None:
        return lock.judgement.holder.pid
    return lock.record.payload.pid if lock.record.payload is not None else None
