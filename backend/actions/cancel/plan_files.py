"""Plan a cancel: look afresh, ask the gateway what it grants, and put the ladder together. Changes nothing."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence

from msgspec.structs import replace

from lockdeck.backend.actions.cancel.holder import (
    granted_scopes,
    held_by,
    holder_of,
    no_run_to_end,
    version_of,
)
from lockdeck.backend.actions.cancel.ladder import Rung, gentle_rungs, restart_rung, terminate_rung
from lockdeck.backend.actions.cancel.log import queue_depth
from lockdeck.backend.actions.cancel.plan_sqlite import plan_claimed
from lockdeck.backend.actions.cancel.records import CancelPlan, Way
from lockdeck.backend.actions.cancel.restart import find_supervisor
from lockdeck.backend.actions.cancel.verify_files import Limits
from lockdeck.backend.model.fleet import LockView, RootView, SessionView, State
from lockdeck.backend.model.locks import LockKind
from lockdeck.backend.openclaw.gateway.access import Line, reach
from lockdeck.backend.openclaw.gateway.trouble import GatewayError
from lockdeck.backend.openclaw.locks.evidence import examine
from lockdeck.backend.openclaw.roots.config import load_config
from lockdeck.backend.openclaw.roots.failover import read_profiles
from lockdeck.backend.openclaw.roots.place import Place, places_of
from lockdeck.backend.system.folders import state_dir

_GOING_ON = frozenset({State.RUNNING, State.COMPACTING, State.ROTATING, State.STUCK, State.CANCELLING})

Clock = Callable[[], float]
Wait = Callable[[float], object]


def plan_cancel(
    session: SessionView,
    root: RootView,
    *,
    env: Mapping[str, str],
    logs: Sequence[str] = (),
    url: str | None = None,
    fingerprint: str | None = None,
    folder: str | None = None,
    clock: Clock = time.time,
    wait: Wait = time.sleep,
    limits: Limits | None = None,
) -> CancelPlan:
    """Look afresh and say how the run of a session could be ended. Changes nothing.

    At worst it takes some 45 s: 30 s until a lock is back after a gap, 8 s to connect, 5 s for an answer.

    `logs` are the gateway's log files where known, `folder` lockdeck's state folder (default: the user's).
    """
    config = load_config(session.root, env)
    way = Way(places_of(root), config, env, folder or state_dir(env), url, fingerprint)
    plan = CancelPlan(session.key, session.root, clock(), way, logs=tuple(logs))
    if root.era == "sqlite":
        return plan_claimed(plan, session, root, lambda: open_line(plan, clock), clock)
    place = _place_of_lock(session, way)
    view = None if place is None else _fresh_view(place, session, clock, wait, limits or Limits())
    if view is None:
        return replace(plan, nothing=True, notes=("no lock stands: no run holds this session",))
    rotation = session.rotation
    plan = replace(
        plan,
        view=view,
        place=place,
        run_id=rotation.run_id if rotation is not None and not rotation.finished else None,
        chain=config.chain_for(session.agent, read_profiles(session.root, session.agent)),
        queue_depth=queue_depth(logs, session.key, session.session_id),
    )
    nobody = no_run_to_end(view)
    if nobody:
        return replace(plan, refusal=nobody)
    return _with_ladder(plan, view)


def open_line(plan: CancelPlan, clock: Clock) -> Line:
    """Connect to the plan's gateway, or find the command that does. GatewayError."""
    way = plan.way
    return reach(
        plan.root, way.config, way.env, way.folder, url=way.url, fingerprint=way.fingerprint, clock=clock
    )


def _fresh_view(
    place: Place, session: SessionView, clock: Clock, wait: Wait, limits: Limits
) -> LockView | None:
    """Judge the session's lock as it is now; while a run goes on, the gap between two attempts is waited out."""
    until = clock() + (limits.gap if session.state in _GOING_ON else 0.0)
    while not os.path.lexists(place.path):
        if clock() >= until:
            return None
        wait(limits.poll)
    return examine([place], clock())[0]


def _place_of_lock(session: SessionView, way: Way) -> Place | None:
    """Return where the session's lock stands or would stand; None where nothing tells."""
    path = _lock_path(session)
    return None if path is None else way.places.lock(path, session.agent, LockKind.SESSION)


def _lock_path(session: SessionView) -> str | None:
    if session.lock is not None:
        return session.lock.record.path
    if session.occupation is not None:
        return session.occupation.path
    return None if session.transcript is None else session.transcript + ".lock"


def _with_ladder(plan: CancelPlan, view: LockView) -> CancelPlan:
    holder = holder_of(view, plan.root, plan.way.config, plan.way.env)
    if holder is None:
        return replace(plan, refusal=("nothing names the holder of this lock", *view.judgement.reasons))
    plan = replace(plan, pid=holder.pid, holder_ticks=holder.ticks, is_gateway=holder.is_gateway)
    may_signal = holder.signal_refusal is None
    if not holder.is_gateway and may_signal:
        return replace(plan, rungs=(terminate_rung(holder.pid, holder.argv),))
    plan, obstacle = _with_gateway(plan)
    reasons = [reason for reason in (obstacle, holder.signal_refusal) if reason is not None]
    if may_signal:
        plan = replace(plan, rungs=(*plan.rungs, _last_rung(plan, holder.pid)))
    if not plan.rungs:
        return replace(plan, refusal=tuple(reasons))
    return replace(plan, notes=(*plan.notes, *reasons))


def _with_gateway(plan: CancelPlan) -> tuple[CancelPlan, str | None]:
    """Add what the gateway itself tells, and the rungs that go through it; a sentence where it can't be reached."""
    try:
        line = open_line(plan, time.time)
    except GatewayError as error:
        return plan, error.sentence
    try:
        scopes, version = granted_scopes(line), version_of(line)
    finally:
        line.close()
    rungs, left_out = gentle_rungs(version, scopes)
    known = replace(
        plan, version=None if version is None else str(version), reached_by=line.transport, scopes=scopes
    )
    return replace(known, rungs=rungs, left_out=left_out), None


def _last_rung(plan: CancelPlan, pid: int) -> Rung:
    supervisor = find_supervisor(pid)
    others = {key for key in held_by(pid, plan.root, plan.way.config) if key != plan.key}
    does = f"send SIGTERM to the gateway (pid {pid}), checked by its start time"
    return restart_rung(f"run `{supervisor.command}`" if supervisor else does, others, supervisor is not None)
