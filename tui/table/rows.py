"""Rows of the fleet: sessions and locks, and how urgent they are. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from lockdeck.backend.model.fleet import FleetSnapshot, LockView, SessionView, State, every_lock
from lockdeck.backend.model.locks import LockKind, Verdict
from lockdeck.tui.view.names import RowKey, row_key
from lockdeck.tui.view.severity import STATE_ORDER, verdict_severity

Row = SessionView | LockView
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


def fleet_rows(snapshot: FleetSnapshot) -> dict[RowKey, Row]:
    """Return sessions and the locks that no session has."""
    rows: dict[RowKey, Row] = {}
    for view in snapshot.sessions:
        key = row_key(view)
        other = rows.get(key)
        rows[key] = view if other is None else most_urgent((other, view))
    return rows | {row_key(lock): lock for lock in locks_without_session(snapshot)}


def most_urgent(rows: Iterable[Row]) -> Row:
    """Return the one of several rows that is shown: two logs may give two locks one session's name."""
    return min(rows, key=urgency)


def lock_rows(snapshot: FleetSnapshot) -> dict[RowKey, Row]:
    """Return all locks."""
    return {row_key(lock): lock for lock in every_lock(snapshot)}


def locks_without_session(snapshot: FleetSnapshot) -> tuple[LockView, ...]:
    """Return the locks that no session row shows; that of a gateway at work is in the header."""
    shown = {view.lock.identity for view in snapshot.sessions if view.lock is not None}
    return tuple(
        lock for lock in snapshot.locks if lock.identity not in shown and not is_gateway_at_work(lock)
    )


def is_gateway_at_work(lock: LockView) -> bool:
    """Return whether a lock is that of a gateway that has it: it stands in the header."""
    return lock.record.kind is LockKind.GATEWAY and lock.judgement.verdict is Verdict.HELD
