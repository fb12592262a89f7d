"""What the filter can ask of a row, and what it may offer to ask. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from lockdeck.backend.model.fleet import LockView
from lockdeck.tui.table.rows import Row


def facts(row: Row) -> dict[str, str]:
    """Return a row's facts by field of the filter language, in lower case."""
    lock = row if isinstance(row, LockView) else row.lock
    found = {
        "lock": lock.judgement.verdict if lock else "",
        "holder": _holder(lock),
    }
    if isinstance(row, LockView):
        found |= {
            "state": "lock",
            "agent": row.record.agent or "",
            "root": row.record.root,
            "key": row.record.path,
        }
    else:
        found |= {"state": row.state, "agent": _agent(row.agent, row.key), "root": row.root, "key": row.key}
    return {field: str(value).lower() for field, value in found.items()}


def values(row: Row, field: str) -> Iterator[str]:
    """Yield what could be asked of a field to find this row: whole values, a holder's pid and name apart."""
    if field == "agent":
        yield (row.record.agent or "") if isinstance(row, LockView) else row.agent
    elif field == "holder":
        lock = row if isinstance(row, LockView) else row.lock
        yield from _holder(lock).split(" ", 1)
    else:
        yield facts(row)[field]


def _agent(agent: str, key: str) -> str:
    """Let `agent:` also match a pasted session key, which begins with that very word."""
    return f"{agent} {key.removeprefix('agent:')}" if key.startswith("agent:") else agent


def _holder(lock: LockView | None) -> str:
    if lock is None:
        return ""
    holder, payload = lock.judgement.holder, lock.record.payload
    if holder is not None:
        return f"{holder.pid} {holder.name}"
    return str(payload.pid) if payload else ""
