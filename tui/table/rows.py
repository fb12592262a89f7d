"""Rows of the fleet: sessions and locks, how urgent they are, and what they are called. Pure."""

from __future__ import annotations

from lockdeck.backend.model.fleet import FleetSnapshot, LockView, SessionView, Severity, State
from lockdeck.backend.model.locks import LockKind, Verdict

Row = SessionView | LockView
RowKey = tuple[str, str, str]
"""`("session", root, key)` or `("lock", root, path)`: what names a row through any re-sort."""
Urgency = tuple[int, int, float, str, str]

_STATE_ORDER = {
    state: place
    for place, state in enumerate(
        (
            State.STUCK,
            State.FAILED,
            State.ROTATING,
            State.CANCELLING,
            State.COMPACTING,
            State.RUNNING,
            State.UNKNOWN,
            State.IDLE,
        )
    )
}
SEVERITY_STYLE = {
    Severity.OK: "ok",
    Severity.NOTICE: "notice",
    Severity.WARNING: "warning",
    Severity.CRITICAL: "critical",
}
VERDICT_SEVERITY = {
    Verdict.CREATING: Severity.OK,
    Verdict.HELD: Severity.OK,
    Verdict.LEAKED: Severity.CRITICAL,
    Verdict.RECYCLED: Severity.WARNING,
    Verdict.DEAD: Severity.WARNING,
    Verdict.REMOVED: Severity.CRITICAL,
    Verdict.FOREIGN: Severity.NOTICE,
    Verdict.UNREADABLE: Severity.WARNING,
    Verdict.LITTER: Severity.OK,
}


def urgency(row: Row) -> Urgency:
    """Return what the most urgent row has the least of; the longest comes first. Holds no clock."""
    if isinstance(row, LockView):
        severity = VERDICT_SEVERITY[row.judgement.verdict]
        return (-severity, 99, row.record.created_at or 0.0, row.record.agent or "", row.record.path)
    since = row.since if row.since is not None and row.state is not State.IDLE else 0.0
    return (-row.severity, _STATE_ORDER[row.state], since, row.agent, row.key)


def row_lock(row: Row) -> LockView | None:
    """Return the lock that a row is, or that its session has."""
    return row if isinstance(row, LockView) else row.lock


def row_agent(row: Row) -> str:
    """Return the agent whose session or lock a row is, empty where a lock belongs to none."""
    return (row.record.agent or "") if isinstance(row, LockView) else row.agent


def short_key(view: SessionView) -> str:
    """Return the session key without the part that only repeats the agent."""
    prefix = f"agent:{view.agent}:"
    return view.key.removeprefix(prefix)


def file_name(lock: LockView) -> str:
    """Return the name of a lock's file, without its folder."""
    return lock.record.path.rpartition("/")[2]


def occupied_s(row: SessionView, now: float) -> float | None:
    """Return for how many seconds callers have met a locked session, None when it is free."""
    if row.occupation is not None and not row.occupation.over(now):
        return max(0.0, now - row.occupation.since)
    if row.occupation is None and row.lock is not None and row.lock.record.created_at is not None:
        return max(0.0, now - row.lock.record.created_at)
    return None


def free_at(view: SessionView) -> float | None:
    """Return when a rotation that goes on lets the session go at the latest (epoch seconds)."""
    return view.rotation.free_by if view.rotation and not view.rotation.finished else None


def locks_without_session(snapshot: FleetSnapshot) -> tuple[LockView, ...]:
    """Return the locks that no session row shows; that of a gateway at work is in the header."""
    paths = {view.lock.record.path for view in snapshot.sessions if view.lock is not None}
    return tuple(
        lock for lock in snapshot.locks if lock.record.path not in paths and not _is_gateway_at_work(lock)
    )


def _is_gateway_at_work(lock: LockView) -> bool:
    return lock.record.kind is LockKind.GATEWAY and lock.judgement.verdict is Verdict.HELD
