"""The name of a row of the dashboard's tables, through any re-sort. Pure."""

from __future__ import annotations

from typing import NamedTuple

from lockdeck.backend.model.fleet import LockView, SessionView
from lockdeck.backend.model.identity import Identity

SESSION, LOCK = "session", "lock"


class RowKey(NamedTuple):
    """The name of a session or of a lock; `name` is the session's key or the lock's path. `host`: see `Identity`."""

    kind: str
    host: str
    root: str
    name: str


def row_key(row: SessionView | LockView) -> RowKey:
    """Return the name of a row."""
    return RowKey(LOCK if isinstance(row, LockView) else SESSION, *row.identity)


def session_row(identity: Identity) -> RowKey:
    """Return the name of the row of a session."""
    return RowKey(SESSION, *identity)
