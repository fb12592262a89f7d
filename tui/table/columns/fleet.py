"""The columns of the fleet table, whose rows are sessions and locks without a session. Pure."""

from __future__ import annotations

from collections.abc import Callable

from lockdeck.backend.model.fleet import LockView, SessionView
from lockdeck.tui.table import fields, lockcells, sessioncells, sortvalues
from lockdeck.tui.table.column import CellContext, Column, SortValue, Width, no_cell
from lockdeck.tui.table.rows import Row
from lockdeck.tui.view.lines import Line


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
    return None if isinstance(row, LockView) else row.free_by


COLUMNS: tuple[Column[Row], ...] = (
    Column(
        name="state",
        title="STATE",
        width=Width(12),
        cell=row_cell(session=sessioncells.state_cell, lock=lockcells.lock_only_cell),
        sort=sortvalues.URGENCY,
        field=fields.STATE,
    ),
    Column(
        name="agent",
        title="AGENT",
        width=Width(5, flex=1, max_cells=18),
        cell=row_cell(session=sessioncells.agent_cell, lock=lockcells.agent_and_root_cell),
        sort=sortvalues.AGENT,
        field=fields.AGENT,
    ),
    Column(
        name="session",
        title="SESSION",
        width=Width(13, flex=4, max_cells=56),
        cell=row_cell(session=sessioncells.key_cell, lock=lockcells.file_cell),
        sort=sortvalues.SESSION_OR_FILE,
        field=fields.KEY,
    ),
    Column(
        name="attempts",
        title="ATTEMPTS",
        width=Width(9, from_table=56),
        cell=row_cell(session=sessioncells.attempts_cell, lock=no_cell),
        sort=SortValue(_attempts, downward=True),
        field=None,
    ),
    Column(
        name="occupied",
        title="OCCUPIED",
        width=Width(8),
        right=True,
        cell=row_cell(session=sessioncells.occupied_cell, lock=lockcells.age_cell),
        sort=SortValue(_occupied_since, downward=True),
        field=None,
    ),
    Column(
        name="progress",
        title="",
        width=Width(10, from_table=136),
        cell=row_cell(session=sessioncells.progress_cell, lock=no_cell),
        sort=None,
        field=None,
    ),
    Column(
        name="holder",
        title="HOLDER",
        width=Width(8, flex=3, max_cells=28, from_table=108, wide_cells=20),
        cell=row_cell(session=sessioncells.holder_cell, lock=lockcells.holder_cell),
        sort=sortvalues.HOLDER,
        field=fields.HOLDER,
    ),
    Column(
        name="lock",
        title="LOCK",
        width=Width(12, from_table=78),
        cell=row_cell(session=sessioncells.verdict_cell, lock=lockcells.verdict_cell),
        sort=sortvalues.VERDICT,
        field=fields.LOCK,
    ),
    Column(
        name="churn",
        title="CHURN",
        width=Width(5, from_table=118),
        cell=row_cell(session=sessioncells.churn_cell, lock=no_cell),
        sort=None,
        field=None,
    ),
    Column(
        name="callers",
        title="CALLERS",
        width=Width(7, from_table=78),
        right=True,
        cell=row_cell(session=sessioncells.callers_cell, lock=no_cell),
        sort=SortValue(_callers, downward=True),
        field=None,
    ),
    Column(
        name="trend",
        title="TREND",
        width=Width(5, from_table=118),
        cell=row_cell(session=sessioncells.trend_cell, lock=no_cell),
        sort=None,
        field=None,
    ),
    Column(
        name="free_by",
        title="FREE BY",
        width=Width(14, from_table=98),
        cell=row_cell(session=sessioncells.free_by_cell, lock=no_cell),
        sort=SortValue(_free_by),
        field=None,
    ),
)
