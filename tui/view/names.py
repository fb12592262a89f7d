"""Names of rows through any re-sort, and short ones of sessions, locks and roots. Pure."""

from __future__ import annotations

from typing import NamedTuple

from lockdeck.backend.model.fleet import LockView, SessionView
from lockdeck.backend.model.identity import Identity
from lockdeck.backend.system.text import SafeText, safe

_ROOT_LABEL = 12
SESSION, LOCK, HOST = "session", "lock", "host"


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


def short_key(session: SessionView) -> str:
    """Return the session key without the part that only repeats the agent."""
    return session.key.removeprefix(f"agent:{session.agent}:")


def session_name(session: SessionView) -> str:
    """Return agent and session."""
    return f"{session.agent} {short_key(session)}"


def file_name(path: str) -> str:
    """Return the last part of a path."""
    return path.rpartition("/")[2]


def root_label(root: str) -> SafeText:
    """Return the name of a root's profile, or of its folder."""
    return safe(file_name(root.rstrip("/")).lstrip(".").removeprefix("openclaw-"), _ROOT_LABEL)
