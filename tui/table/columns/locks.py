"""The columns of the locks table. Pure."""

from __future__ import annotations

from lockdeck.backend.model.fleet import LockView
from lockdeck.tui.table import fields, sortvalues
from lockdeck.tui.table.column import CellContext, Column, SortValue
from lockdeck.tui.table.lockcells import age_line, holder_line, verdict_line
from lockdeck.tui.table.rows import file_name
from lockdeck.tui.view.lines import EMPTY, Line, line, span


def _release_id(lock: LockView, _context: CellContext) -> Line:
    return line(span(lock.release_id, "dim")) if lock.release_id else EMPTY


def _first_reason(lock: LockView) -> str | None:
    return lock.judgement.reasons[0] if lock.judgement.reasons else None


def _reason(lock: LockView, _context: CellContext) -> Line:
    reason = _first_reason(lock)
    return EMPTY if reason is None else line(span(reason, "dim"))


COLUMNS: tuple[Column[LockView], ...] = (
    Column(
        name="verdict",
        title="VERDICT",
        width=12,
        cell=lambda lock, context: verdict_line(lock, context.symbols),
        sort=sortvalues.URGENCY,
        field=fields.LOCK,
    ),
    Column(
        name="kind",
        title="KIND",
        width=7,
        from_width=78,
        cell=lambda lock, _context: line(span(lock.record.kind, "dim")),
        sort=SortValue(lambda lock: lock.record.kind.value),
        field=None,
    ),
    Column(
        name="agent",
        title="AGENT",
        width=5,
        flex=1,
        max_width=18,
        cell=lambda lock, _context: line(span(lock.record.agent or "")),
        sort=sortvalues.AGENT,
        field=fields.AGENT,
    ),
    Column(
        name="age",
        title="AGE",
        width=8,
        right=True,
        cell=lambda lock, context: age_line(lock, context.now),
        sort=sortvalues.AGE,
        field=None,
    ),
    Column(
        name="holder",
        title="HOLDER",
        width=14,
        flex=2,
        max_width=28,
        cell=lambda lock, _context: holder_line(lock),
        sort=sortvalues.HOLDER,
        field=fields.HOLDER,
    ),
    Column(
        name="file",
        title="FILE",
        width=12,
        flex=3,
        max_width=60,
        cell=lambda lock, _context: line(span(file_name(lock))),
        sort=sortvalues.SESSION_OR_FILE,
        field=fields.KEY,
    ),
    Column(
        name="release_id",
        title="RELEASE ID",
        width=12,
        from_width=98,
        cell=_release_id,
        sort=SortValue(lambda lock: lock.release_id),
        field=None,
    ),
    Column(
        name="why",
        title="WHY",
        width=20,
        flex=4,
        from_width=116,
        cell=_reason,
        sort=SortValue(_first_reason),
        field=None,
    ),
)
