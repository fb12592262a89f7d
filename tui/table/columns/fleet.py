"""The columns of the fleet table, whose rows are sessions and locks without a session. Pure."""

from __future__ import annotations

from collections.abc import Callable

from lockdeck.backend.model.fleet import LockView, SessionView
from lockdeck.tui.table import fields, lockcells, sessioncells, sortvalues
from lockdeck.tui.table.column import ON_DEMAND, CellContext, Column, SortValue, Width, no_cell
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


HOST: Column[Row] = Column(
    name="host",
    title="HOST",
    width=Width(12, flex=1, max_cells=20, brief_cells=6, full_from=110),
    cell=lockcells.host_cell,
    sort=sortvalues.HOST,
    field=fields.HOST,
    names=True,
    meaning="the host whose session or lock this is; one that is lost says since when in the place of the state",
)
COLUMNS: tuple[Column[Row], ...] = (
    Column(
        name="state",
        title="STATE",
        width=Width(12),
        cell=lockcells.state_cell,
        brief=lockcells.state_brief,
        sort=sortvalues.URGENCY,
        field=fields.STATE,
        meaning="what needs a person in this row, else what its session is doing",
    ),
    Column(
        name="agent",
        title="AGENT",
        width=Width(6, flex=1, max_cells=18),
        cell=row_cell(session=sessioncells.agent_cell, lock=lockcells.agent_and_root_cell),
        sort=sortvalues.AGENT,
        field=fields.AGENT,
        names=True,
        meaning="the agent whose session this is; behind it the root, where there are several",
    ),
    Column(
        name="session",
        title="SESSION",
        width=Width(13, flex=4, max_cells=48),
        cell=row_cell(session=sessioncells.key_cell, lock=lockcells.file_cell),
        sort=sortvalues.SESSION_OR_FILE,
        field=fields.KEY,
        names=True,
        meaning="the session key without its agent; of a lock that belongs to no session the name of its file",
    ),
    Column(
        name="attempts",
        title="ATTEMPT",
        width=Width(9, from_table=56, brief_cells=7, full_from=90),
        cell=row_cell(session=sessioncells.attempts_cell, lock=no_cell),
        brief=row_cell(session=sessioncells.attempts_brief, lock=no_cell),
        sort=SortValue(_attempts, downward=True),
        field=None,
        meaning="which account and model is tried, of how many: one after the other, with the session taken",
    ),
    Column(
        name="occupied",
        title="OCCUPIED",
        width=Width(8, from_table=46),
        right=True,
        cell=row_cell(session=sessioncells.occupied_cell, lock=lockcells.age_cell),
        sort=SortValue(_occupied_since, downward=True),
        field=None,
        meaning="for how long callers have met a locked session: the chain of its locks, not the age of the last one",
    ),
    Column(
        name="progress",
        title="",
        width=Width(10, from_table=132),
        cell=row_cell(session=sessioncells.progress_cell, lock=no_cell),
        sort=None,
        field=None,
        meaning="how much of the way to FREE BY is over",
    ),
    Column(
        name="free_by",
        title="FREE BY",
        width=Width(22, from_table=76, brief_cells=10, full_from=118),
        cell=row_cell(session=sessioncells.free_by_cell, lock=no_cell),
        brief=row_cell(session=sessioncells.free_by_brief, lock=no_cell),
        sort=SortValue(_free_by),
        field=None,
        meaning="when the session is free again by itself at the latest, if every attempt to come takes its full time",
    ),
    Column(
        name="holder",
        title="HOLDER",
        width=Width(20, flex=2, max_cells=32, from_table=76, brief_cells=11, full_from=100),
        cell=row_cell(session=sessioncells.holder_cell, lock=lockcells.holder_cell),
        brief=row_cell(session=sessioncells.holder_brief, lock=lockcells.holder_brief),
        sort=sortvalues.HOLDER,
        field=fields.HOLDER,
        meaning="the process that has the lock, by its pid; where none has it, the one that the lock names",
    ),
    Column(
        name="lock",
        title="LOCK",
        width=Width(12, from_table=ON_DEMAND),
        cell=row_cell(session=sessioncells.verdict_cell, lock=lockcells.verdict_cell),
        sort=sortvalues.VERDICT,
        field=fields.LOCK,
        meaning="the verdict on the lock of the session",
    ),
    Column(
        name="callers",
        title="WAITING",
        width=Width(7, from_table=88),
        right=True,
        cell=row_cell(session=sessioncells.callers_cell, lock=no_cell),
        sort=SortValue(_callers, downward=True),
        field=None,
        meaning="callers that gave up on this session or wait for it since it was taken",
    ),
    Column(
        name="churn",
        title="CHURN",
        width=Width(5, from_table=ON_DEMAND),
        cell=row_cell(session=sessioncells.churn_cell, lock=no_cell),
        sort=None,
        field=None,
        meaning="how often the lock was taken in each of the last five minutes",
    ),
    Column(
        name="trend",
        title="TREND",
        width=Width(5, from_table=ON_DEMAND),
        cell=row_cell(session=sessioncells.trend_cell, lock=no_cell),
        sort=None,
        field=None,
        meaning="how many callers began to wait in each of the last five minutes",
    ),
)
