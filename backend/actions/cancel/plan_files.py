"""Plan the cancel of a run that holds a lock file: its holder, what the gateway grants, and the ladder."""

from __future__ import annotations

import os
from collections.abc import Sequence

from msgspec.structs import replace

from lockdeck.backend.actions.cancel.access import (
    granted_scopes,
    open_line,
    rows_told,
    version_of,
)
from lockdeck.backend.actions.cancel.context import CancelLimits, Clock, Wait
from lockdeck.backend.actions.cancel.cost import cost_files
from lockdeck.backend.actions.cancel.holder import HolderFacts, holder_files, no_run_to_end, with_holder
from lockdeck.backend.actions.cancel.ladder import (
    EndingCost,
    Rung,
    gentle_rungs,
    restart_rung,
    sigterm,
    terminate_rung,
)
from lockdeck.backend.actions.cancel.log import queue_depth
from lockdeck.backend.actions.cancel.plan_lockless import RUN_GOES_ON, ask_of_session, plan_lockless
from lockdeck.backend.actions.cancel.process.restart import find_supervisor
from lockdeck.backend.actions.cancel.records import CancelPlan
from lockdeck.backend.model.fleet import LockView, SessionView
from lockdeck.backend.model.locks import LockKind, Verdict
from lockdeck.backend.model.releases.lookup import traits_of
from lockdeck.backend.model.releases.table import LockScope
from lockdeck.backend.openclaw.gateway.rows import SessionRow
from lockdeck.backend.openclaw.gateway.trouble import GatewayError
from lockdeck.backend.openclaw.locks.examination import examine
from lockdeck.backend.openclaw.roots.place import Place

_UNWRITTEN = frozenset({Verdict.CREATING, Verdict.UNREADABLE})
_TAKING_S = 3.0
"""So long (seconds) a lock that can't be read may be one that is just being taken: on a busy machine it is empty for a second."""


def plan_files(
    plan: CancelPlan,
    session: SessionView,
    version: str | None,
    clock: Clock,
    steady: Clock,
    wait: Wait,
    limits: CancelLimits,
) -> CancelPlan:
    """Judge the session's lock as it is now, and name the rungs that end the run of its holder.

    `version` is the release of the root's gateway as far as it was told before. While a run goes on, the gap between two
    attempts is waited out.
    """
    place = _place_of_lock(plan, session)
    plan = replace(plan, place=place, version=version)
    view = None if place is None else _current_view(place, clock, steady, wait, 0.0, limits.poll)
    if view is None:
        word, waited = ask_of_session(plan), session.state in RUN_GOES_ON
        waits = waited or word.may_run_in_gap(session.state)
        if word.active is not False and not word.runs_without_lock and place is not None and waits:
            view = _current_view(place, clock, steady, wait, limits.gap, limits.poll)
            word = word if view is not None else ask_of_session(plan)
        if view is None:
            return plan_lockless(plan, session, word, waited=waited)
    rotation = session.rotation
    plan = replace(
        plan,
        view=view,
        run_id=rotation.run_id if rotation is not None and not rotation.finished else None,
        queue_depth=queue_depth(plan.logs, session.key, session.session_id),
    )
    reasons = no_run_to_end(view)
    if reasons:
        return replace(plan, refusal=reasons)
    return _with_ladder(plan, view)


def _place_of_lock(plan: CancelPlan, session: SessionView) -> Place | None:
    """Return where the session's lock stands or would stand; None where nothing tells."""
    path = _lock_path(session)
    return None if path is None else plan.route.places.lock(path, session.agent, LockKind.SESSION)


def _lock_path(session: SessionView) -> str | None:
    if session.lock is not None:
        return session.lock.record.path
    if session.occupation is not None:
        return session.occupation.path
    return None if session.transcript is None else session.transcript + ".lock"


def _current_view(
    place: Place, clock: Clock, steady: Clock, wait: Wait, seconds: float, poll: float
) -> LockView | None:
    """Judge the session's lock as it is now; None where none is taken for so many seconds."""
    until = steady() + seconds
    while not os.path.lexists(place.path):
        if steady() >= until:
            return None
        wait(poll)
    view, whole_by = examine([place], clock())[0], steady() + _TAKING_S
    # Who takes a lock makes its file first and writes into it then.
    while view.judgement.verdict in _UNWRITTEN and steady() < whole_by:
        wait(poll)
        view = examine([place], clock())[0]
    return view


def _with_ladder(plan: CancelPlan, view: LockView) -> CancelPlan:
    holder = holder_files(view, plan.route, plan.port)
    if holder is None:
        return replace(plan, refusal=("nothing names the holder of this lock", *view.judgement.reasons))
    plan = with_holder(plan, holder)
    if holder.deaf is not None:
        return replace(plan, refusal=(holder.deaf,))
    may_signal = holder.signal_refusal is None
    if not holder.is_gateway and may_signal:
        cost = _cost(plan, holder.pid, view)
        return replace(plan, held=cost.sessions, rungs=(terminate_rung(holder.pid, holder.argv, cost),))
    if not holder.is_gateway and view.judgement.verdict is Verdict.LEAKED:
        # The process that wrote it is known and is not the gateway: no call reaches it.
        return replace(plan, refusal=(holder.signal_refusal or "", *view.judgement.reasons))
    plan, rows, obstacle = _with_gateway(plan)
    reasons = [reason for reason in (obstacle, holder.signal_refusal) if reason is not None]
    if may_signal:
        cost = _cost(plan, holder.pid, view, rows)
        plan = replace(plan, held=cost.sessions, rungs=(*plan.rungs, _last_rung(holder, cost)))
    if not plan.rungs:
        return replace(plan, refusal=tuple(reasons))
    return replace(plan, notes=(*plan.notes, *reasons))


def _cost(plan: CancelPlan, pid: int, view: LockView, rows: Sequence[SessionRow] = ()) -> EndingCost:
    return cost_files(pid, plan.root, plan.route.config, plan.key, view.record.path, rows)


def _with_gateway(plan: CancelPlan) -> tuple[CancelPlan, Sequence[SessionRow], str | None]:
    """Add what the gateway itself tells, and the rungs that go through it; a sentence where it can't be reached."""
    try:
        line = open_line(plan)
    except GatewayError as error:
        return plan, (), error.sentence
    try:
        scopes, version = granted_scopes(line), version_of(line)
        rows = rows_told(line)
    finally:
        line.close()
    number = None if version is None else str(version)
    plan = replace(plan, version=number or plan.version, reached_by=line.transport, scopes=scopes)
    row = next((row for row in rows if row.key == plan.key), None)
    if row is not None and row.active is False and not plan.is_gateway:
        return (
            plan,
            rows,
            "the gateway shows no active run of this session: whoever has the lock is another process",
        )
    rungs, left_out = gentle_rungs(version, scopes)
    # Where the lock stands only while something is written, it is the gateway's word by which a run is ended.
    short = traits_of(version).lock_scope is LockScope.WRITES and row is not None and row.active is True
    return replace(plan, rungs=rungs, left_out=left_out, by_gateway=short), rows, None


def _last_rung(holder: HolderFacts, cost: EndingCost) -> Rung:
    supervisor = find_supervisor(holder.pid)
    does = (
        f"run `{supervisor.command}`"
        if supervisor
        else sigterm(f"the gateway (pid {holder.pid})", holder.argv)
    )
    return restart_rung(does, cost, supervisor is not None)
