"""The columns of the fleet table, whose rows are sessions and locks without a session. Pure."""

from __future__ import annotations

from collections.abc import Callable

from lockdeck.backend.model.fleet import LockView, SessionView
from lockdeck.tui.table import fields, sessioncells, sortvalues
from lockdeck.tui.table.column import CellContext, Column, SortValue, no_cell
from lockdeck.tui.table.lockcells import age_line, holder_line, lock_only_line, verdict_line
from lockdeck.tui.table.rows import Row, file_name, free_at
from lockdeck.tui.view.lines import Line, line, span
from lockdeck.tui.view.sparkline import callers_line, holds_line


def row_cell(
    *,
    session: Callable[[SessionView, CellContext], Line],
    lock: Callable[[LockView, CellContext], Line],
) -> Callable[[Row, CellContext], Line]:
    """Return the cell of a column for both kinds of rows."""

    def cell(row: Row, context: CellContext) -> Line:
        return lock(row, context) if isinstance(row, LockView) else session(row, context)

    return cell


def _attempts(row: Row) -> int | None:
    rotation = None if isinstance(row, LockView) else row.rotation
    return None if rotation is None else -len(rotation.attempts)


def _occupied_since(row: Row) -> float | None:
    if not isinstance(row, LockView) and row.occupation is not None:
        return row.occupation.since if row.occupation.current is not None else None
    return sortvalues.lock_age(row)


def _callers(row: Row) -> int | None:
    return None if isinstance(row, LockView) or not row.blocked.count else -row.blocked.count


def _free_by(row: Row) -> float | None:
    return None if isinstance(row, LockView) else free_at(row)


COLUMNS: tuple[Column[Row], ...] = (
    Column(
        name="state",
        title="STATE",
        width=12,
        cell=row_cell(
            session=lambda view, context: sessioncells.state_line(view, context.symbols),
            lock=lambda lock, context: lock_only_line(lock, context.symbols),
        ),
        sort=sortvalues.URGENCY,
        field=fields.STATE,
    ),
    Column(
        name="agent",
        title="AGENT",
        width=5,
        flex=1,
        max_width=18,
        cell=row_cell(
            session=sessioncells.agent_cell,
            lock=lambda lock, context: sessioncells.agent_line(
                lock.record.agent or "", context.root_label(lock.record.root)
            ),
        ),
        sort=sortvalues.AGENT,
        field=fields.AGENT,
    ),
    Column(
        name="session",
        title="SESSION",
        width=13,
        flex=4,
        max_width=56,
        cell=row_cell(session=sessioncells.key_cell, lock=lambda lock, _context: line(span(file_name(lock)))),
        sort=sortvalues.SESSION_OR_FILE,
        field=fields.KEY,
    ),
    Column(
        name="attempts",
        title="ATTEMPTS",
        width=9,
        from_width=56,
        cell=row_cell(session=sessioncells.attempts_cell, lock=no_cell),
        sort=SortValue(_attempts, downward=True),
        field=None,
    ),
    Column(
        name="occupied",
        title="OCCUPIED",
        width=8,
        right=True,
        cell=row_cell(
            session=sessioncells.occupied_cell, lock=lambda lock, context: age_line(lock, context.now)
        ),
        sort=SortValue(_occupied_since, downward=True),
        field=None,
    ),
    Column(
        name="progress",
        title="",
        width=10,
        from_width=136,
        cell=row_cell(session=sessioncells.progress_cell, lock=no_cell),
        sort=None,
        field=None,
    ),
    Column(
        name="holder",
        title="HOLDER",
        width=8,
        flex=3,
        max_width=28,
        from_width=108,
        wide_width=20,
        cell=row_cell(session=sessioncells.holder_cell, lock=lambda lock, _context: holder_line(lock)),
        sort=sortvalues.HOLDER,
        field=fields.HOLDER,
    ),
    Column(
        name="lock",
        title="LOCK",
        width=12,
        from_width=78,
        cell=row_cell(
            session=sessioncells.verdict_cell, lock=lambda lock, context: verdict_line(lock, context.symbols)
        ),
        sort=sortvalues.VERDICT,
        field=fields.LOCK,
    ),
    Column(
        name="churn",
        title="CHURN",
        width=5,
        from_width=118,
        cell=row_cell(
            session=lambda view, context: holds_line(sessioncells.beats(view, context), context.symbols),
            lock=no_cell,
        ),
        sort=None,
        field=None,
    ),
    Column(
        name="callers",
        title="CALLERS",
        width=7,
        from_width=78,
        right=True,
        cell=row_cell(session=sessioncells.callers_cell, lock=no_cell),
        sort=SortValue(_callers, downward=True),
        field=None,
    ),
    Column(
        name="trend",
        title="TREND",
        width=5,
        from_width=118,
        cell=row_cell(
            session=lambda view, context: callers_line(sessioncells.beats(view, context), context.symbols),
            lock=no_cell,
        ),
        sort=None,
        field=None,
    ),
    Column(
        name="free_by",
        title="FREE BY",
        width=14,
        from_width=98,
        cell=row_cell(session=sessioncells.free_by_cell, lock=no_cell),
        sort=SortValue(_free_by),
        field=None,
    ),
)
