"""The columns of the locks table. Pure."""

from __future__ import annotations

from lockdeck.backend.model.fleet import LockView
from lockdeck.tui.table import fields, lockcells, sortvalues
from lockdeck.tui.table.column import Column, SortValue, Width


def _first_reason(lock: LockView) -> str | None:
    return lock.judgement.reasons[0] if lock.judgement.reasons else None


COLUMNS: tuple[Column[LockView], ...] = (
    Column(
        name="verdict",
        meaning="what follows from all that is known about the lock",
        title="VERDICT",
        width=Width(12),
        cell=lockcells.verdict_cell,
        brief=lockcells.verdict_brief,
        sort=sortvalues.URGENCY,
        field=fields.LOCK,
    ),
    Column(
        name="kind",
        meaning="what the lock is for: a session, a gateway, ...",
        title="KIND",
        width=Width(7, from_table=84),
        cell=lockcells.kind_cell,
        sort=SortValue(lambda lock: lock.record.kind.value),
        field=None,
    ),
    Column(
        name="agent",
        names=True,
        meaning="the agent whose session the lock is for",
        title="AGENT",
        width=Width(5, flex=1, max_cells=18),
        cell=lockcells.agent_cell,
        sort=sortvalues.AGENT,
        field=fields.AGENT,
    ),
    Column(
        name="age",
        meaning="how old the lock file is; age alone never makes it stale",
        title="AGE",
        width=Width(8),
        right=True,
        cell=lockcells.age_cell,
        sort=sortvalues.AGE,
        field=None,
    ),
    Column(
        name="holder",
        meaning="the process that has the file open; where none has it, the one that the lock names",
        title="HOLDER",
        width=Width(14, flex=2, max_cells=28),
        cell=lockcells.holder_cell,
        sort=sortvalues.HOLDER,
        field=fields.HOLDER,
    ),
    Column(
        name="file",
        names=True,
        meaning="the name of the file",
        title="FILE",
        width=Width(12, flex=3, max_cells=60),
        cell=lockcells.file_cell,
        sort=sortvalues.SESSION_OR_FILE,
        field=fields.KEY,
    ),
    Column(
        name="release_id",
        meaning="names this one lifetime of the lock, so that an action can't hit another",
        title="RELEASE ID",
        width=Width(12, from_table=98),
        cell=lockcells.release_id_cell,
        sort=SortValue(lambda lock: lock.release_id),
        field=None,
    ),
    Column(
        name="why",
        meaning="the first reason of the verdict; enter shows all",
        title="WHY",
        width=Width(20, flex=4, from_table=116),
        cell=lockcells.reason_cell,
        sort=SortValue(_first_reason),
        field=None,
    ),
)
