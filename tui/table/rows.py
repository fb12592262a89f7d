"""Rows of the fleet: sessions and locks, and how urgent they are. Pure."""

from __future__ import annotations

from lockdeck.backend.model.fleet import FleetSnapshot, LockView, SessionView, State
from lockdeck.backend.model.locks import LockKind, Verdict
from lockdeck.tui.view.severity import STATE_ORDER, verdict_severity

Row = SessionView | LockView
RowKey = tuple[str, str, str]
"""`("session", root, key)` or `("lock", root, path)`: what names a row through any re-sort."""
Urgency = tuple[int, int, float, str, str]
_STATE_RANK = {state: rank for rank, state in enumerate(STATE_ORDER)}


def urgency(row: Row) -> Urgency:
    """Return what the most urgent row has the least of; the longest comes first. Holds no clock."""
    if isinstance(row, LockView):
        return (
            -verdict_severity(row),
            99,
            row.record.created_at or 0.0,
            row.record.agent or "",
            row.record.path,
        )
    since = row.since if row.since is not None and row.state is not State.IDLE else 0.0
    return (-row.severity, _STATE_RANK[row.state], since, row.agent, row.key)


def row_lock(row: Row) -> LockView | None:
    """Return the lock that a row is, or that its session has."""
    return row if isinstance(row, LockView) else row.lock


def row_agent(row: Row) -> str:
    """Return the agent whose session or lock a row is, empty where a lock belongs to none."""
    return (row.record.agent or "") if isinstance(row, LockView) else row.agent


def locks_without_session(snapshot: FleetSnapshot) -> tuple[LockView, ...]:
    """Return the locks that no session row shows; that of a gateway at work is in the header."""
    paths = {view.lock.record.path for view in snapshot.sessions if view.lock is not None}
    return tuple(
        lock for lock in snapshot.locks if lock.record.path not in paths and not _is_gateway_at_work(lock)
    )


def _is_gateway_at_work(lock: LockView) -> bool:
    return lock.record.kind is LockKind.GATEWAY and lock.judgement.verdict is Verdict.HELD
