"""The sort values that columns of fleet and locks share. Pure."""

from __future__ import annotations

from typing import Any

from lockdeck.backend.model.fleet import LockView
from lockdeck.tui.table.column import SortValue
from lockdeck.tui.table.rows import Row, row_agent, row_lock, urgency
from lockdeck.tui.view.names import file_name, short_key


def _agent(row: Row) -> str | None:
    return row_agent(row).lower() or None


def _session_or_file(row: Row) -> str:
    return file_name(row.record.path) if isinstance(row, LockView) else short_key(row)


def lock_age(row: Row) -> float | None:
    """Return since when the lock of a row is there (epoch seconds)."""
    lock = row_lock(row)
    return None if lock is None else lock.record.created_at


def _holder(row: Row) -> tuple[str, int] | None:
    lock = row_lock(row)
    holder = lock.judgement.holder if lock is not None else None
    if holder is not None:
        return (holder.name, holder.pid)
    payload = lock.record.payload if lock is not None else None
    return ("", payload.pid) if payload is not None and payload.pid is not None else None


def _verdict(row: Row) -> tuple[Any, ...] | None:
    lock = row_lock(row)
    return None if lock is None else (*urgency(lock)[:1], lock.judgement.verdict.value)


HOST: SortValue[Row] = SortValue(lambda row: row.host)
URGENCY: SortValue[Row] = SortValue(urgency, downward=True)
AGENT = SortValue(_agent)
SESSION_OR_FILE = SortValue(_session_or_file)
AGE = SortValue(lock_age, downward=True)
HOLDER = SortValue(_holder)
VERDICT = SortValue(_verdict, downward=True)
