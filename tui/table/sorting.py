"""What each column is sorted by. Values hold no clock, so rows keep still while time passes. All pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

from lockdeck.backend.model.fleet import LockView
from lockdeck.tui.table.rows import Order, Row, rank, short_key

DEFAULT = "urgency"
"""The order when no column was asked for: most urgent first."""

Value = Callable[[Row], Any]


class Sort(Struct, frozen=True):
    """The column rows are sorted by, and whether against its natural direction."""

    column: str = DEFAULT
    reverse: bool = False

    @property
    def order(self) -> Order:
        """What rows are ordered by."""
        return Order(VALUES[self.column], self.reverse)

    @property
    def downward(self) -> bool:
        """Whether the greatest, longest or most urgent comes first."""
        return (self.column in GREATEST_FIRST) is not self.reverse

    def reversed(self) -> Sort:
        """Return the same column in the other direction."""
        return Sort(self.column, not self.reverse)

    def moved(self, step: int, columns: Sequence[str]) -> Sort:
        """Return the sort by the next or previous of the columns that are shown, round and round."""
        names = [name for name in columns if name in VALUES]
        if not names:
            return self
        if self.column not in names:
            return Sort(names[0] if step > 0 else names[-1])
        return Sort(names[(names.index(self.column) + step) % len(names)])

    def chosen(self, column: str) -> Sort:
        """Return the sort by a column; by the other direction when it is sorted by already."""
        if column not in VALUES:
            return self
        return self.reversed() if column == self.column else Sort(column)


def _lock(row: Row) -> LockView | None:
    return row if isinstance(row, LockView) else row.lock


def _agent(row: Row) -> str | None:
    name = row.record.agent if isinstance(row, LockView) else row.agent
    return name.lower() if name else None


def _session(row: Row) -> str:
    return row.record.path.rpartition("/")[2] if isinstance(row, LockView) else short_key(row)


def _attempts(row: Row) -> int | None:
    rotation = None if isinstance(row, LockView) else row.rotation
    return None if rotation is None else -len(rotation.attempts)


def _occupied_since(row: Row) -> float | None:
    if not isinstance(row, LockView) and row.occupation is not None:
        return row.occupation.since if row.occupation.current is not None else None
    return _age(row)


def _age(row: Row) -> float | None:
    lock = _lock(row)
    return None if lock is None else lock.record.created_at


def _holder(row: Row) -> tuple[str, int] | None:
    lock = _lock(row)
    holder = lock.judgement.holder if lock is not None else None
    if holder is not None:
        return (holder.name, holder.pid)
    payload = lock.record.payload if lock is not None else None
    return ("", payload.pid) if payload is not None and payload.pid is not None else None


def _verdict(row: Row) -> tuple[Any, ...] | None:
    lock = _lock(row)
    return None if lock is None else (*rank(lock)[:1], lock.judgement.verdict.value)


def _callers(row: Row) -> int | None:
    return None if isinstance(row, LockView) or not row.blocked.count else -row.blocked.count


def _free_by(row: Row) -> float | None:
    rotation = None if isinstance(row, LockView) else row.rotation
    return None if rotation is None or rotation.finished else rotation.free_by


def _kind(row: Row) -> str | None:
    lock = _lock(row)
    return None if lock is None else lock.record.kind.value


def _release_id(row: Row) -> str | None:
    lock = _lock(row)
    return None if lock is None else lock.release_id


def _why(row: Row) -> str | None:
    lock = _lock(row)
    return lock.judgement.reasons[0] if lock is not None and lock.judgement.reasons else None


VALUES: dict[str, Value] = {
    DEFAULT: rank,
    "state": rank,
    "agent": _agent,
    "session": _session,
    "attempts": _attempts,
    "occupied": _occupied_since,
    "holder": _holder,
    "lock": _verdict,
    "callers": _callers,
    "free_by": _free_by,
    "verdict": rank,
    "kind": _kind,
    "age": _age,
    "file": _session,
    "release_id": _release_id,
    "why": _why,
}
"""By column name: what a row is sorted by, None where the row has nothing there; such rows come last."""
GREATEST_FIRST = frozenset({DEFAULT, "state", "verdict", "lock", "attempts", "occupied", "age", "callers"})
"""Columns whose natural direction is: the greatest, longest or most urgent first."""
