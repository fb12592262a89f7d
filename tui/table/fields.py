"""The fields of the filter that fleet and locks share. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from lockdeck.backend.model.fleet import LockView
from lockdeck.tui.table.column import Field
from lockdeck.tui.table.rows import Row, row_agent, row_lock
from lockdeck.tui.view.severity import state_word


def _host(row: Row) -> str:
    return row.host


def _state(row: Row) -> str:
    return state_word(row)


def _agent(row: Row) -> str:
    """Let `agent:` also match a pasted session key, which begins with that very word."""
    agent = row_agent(row)
    if isinstance(row, LockView) or not row.key.startswith("agent:"):
        return agent
    return f"{agent} {row.key.removeprefix('agent:')}"


def _verdict(row: Row) -> str:
    lock = row_lock(row)
    return lock.judgement.verdict if lock else ""


def _root(row: Row) -> str:
    return row.record.root if isinstance(row, LockView) else row.root


def _key(row: Row) -> str:
    return row.record.path if isinstance(row, LockView) else row.key


def _holder(row: Row) -> str:
    lock = row_lock(row)
    if lock is None:
        return ""
    holder, payload = lock.judgement.holder, lock.record.payload
    if holder is not None:
        return f"{holder.pid} {holder.name}"
    return str(payload.pid) if payload else ""


def _pid_and_name(row: Row) -> Iterable[str]:
    return _holder(row).split(" ", 1)


HOST = Field("host", _host, quoted_whole=True, rank=0)
STATE = Field("state", _state, rank=1)
AGENT = Field("agent", _agent, suggestions=lambda row: (row_agent(row),), rank=2)
LOCK = Field("lock", _verdict, rank=3)
ROOT = Field("root", _root, rank=4)
KEY = Field("key", _key, rank=5)
HOLDER = Field("holder", _holder, suggestions=_pid_and_name, whole_numbers=True, rank=6)
