"""Cancel the run that holds a session: plan the ladder, climb it as far as allowed, prove that it stopped.

A gateway often answers "ok" to an abort while the rotation goes on.  So no answer counts here: the run is
cancelled when its lock has gone, is not taken again by the same run, the log shows no further attempt and
the gateway no active run.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from backend.actions.cancel_fire import NobodyThereError, Scene, fire
from backend.actions.cancel_log import FileLog, GatewayLog, queue_depth
from backend.actions.cancel_look import granted_scopes, held_by, holder_of, no_run_to_end
from backend.actions.cancel_plan import (
    CANCELLED,
    FAILED,
    NOTHING,
    REFUSED,
    STILL_ROTATING,
    CancelOutcome,
    CancelPlan,
    Step,
    Way,
)
from backend.actions.cancel_restart import find_supervisor
from backend.actions.journal import Journal, default_state_dir
from backend.actions.ladder import RESTART, Rung, gentle_rungs, restart_rung, terminate_rung
from backend.actions.turns import NotOurTurnError, turn
from backend.actions.verify import Limits, Target
from backend.model.fleet import LockView, RootView, SessionView, State
from backend.model.locks import LockKind
from backend.model.wire import evidence_json
from backend.openclaw.config import load_config
from backend.openclaw.evidence import Place, examine
from backend.openclaw.failover import read_profiles
from backend.openclaw.gateway_reach import Line, reach
from backend.openclaw.gateway_trouble import GatewayError
from backend.system import processes

__all__ = ["CancelOutcome", "CancelPlan", "Limits", "Rung", "cancel", "cancel_many", "plan_cancel"]

TURN_S = 10.0
"""How long, in seconds, another lockdeck at work in the same sessions directory is waited for."""
_GOING_ON = frozenset({State.RUNNING, State.COMPACTING, State.ROTATING, State.STUCK, State.CANCELLING})

Clock = Callable[[], float]
Wait = Callable[[float], object]
Report = Callable[[str], None]


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
    """Look afresh and say how the run of a session could be ended. Changes nothing; takes up to some 10 s.

    `logs` are the gateway's log files where known, `folder` lockdeck's state folder (default: the user's).
    """
    config = load_config(session.root, env)
    way = Way(config, env, folder or default_state_dir(), url, fingerprint)
    plan = CancelPlan(session.key, session.root, clock(), way, logs=tuple(logs))
    view = _fresh_view(session, root, clock, wait, limits or Limits())
    if view is None:
        return replace(plan, nothing=True, notes=("no lock stands: no run holds this session",))
    rotation = session.rotation
    plan = replace(
        plan,
        view=view,
        place=_place(view, root),
        run_id=rotation.run_id if rotation is not None and not rotation.finished else None,
        chain=config.chain_for(session.agent, read_profiles(session.root, session.agent)),
        queue_depth=queue_depth(logs, session.key, session.session_id),
    )
    nobody = no_run_to_end(view)
    if nobody:
        return replace(plan, refusal=nobody)
    return _with_ladder(plan, view)


def cancel(
    plan: CancelPlan,
    *,
    allow: Collection[str],
    journal: Journal,
    clock: Clock = time.time,
    report: Report = lambda _sentence: None,
    wait: Wait = time.sleep,
    limits: Limits | None = None,
) -> CancelOutcome:
    """Climb the allowed rungs, gentlest first, until one is proven to have worked.

    `allow` names the rungs that the person confirmed. Every rung is journaled before and after; what can't be
    journaled is not done. `report` hears each sentence as it comes. Raises nothing for what gateways do.
    """
    if plan.nothing:
        return CancelOutcome(NOTHING, plan.key, sentences=plan.notes)
    reasons = plan.refusal or _not_confirmed(plan, allow)
    if reasons or plan.view is None:
        return _refused(plan, journal, reasons)
    pressed = clock()
    try:
        with turn(journal.folder, os.path.dirname(plan.view.record.path), TURN_S):
            return _climb(plan, allow, journal, clock, report, wait, limits or Limits(), pressed)
    except NotOurTurnError:
        return _refused(plan, journal, ("another lockdeck is at work in this sessions directory: try again",))
    except OSError as error:
        # Not even the journal could be written.
        return CancelOutcome(FAILED, plan.key, sentences=(f"nothing more is done: {error}",))


def cancel_many(
    plans: Sequence[CancelPlan],
    *,
    allow: Collection[str],
    journal: Journal,
    clock: Clock = time.time,
    report: Report = lambda _sentence: None,
    wait: Wait = time.sleep,
    limits: Limits | None = None,
) -> list[tuple[CancelPlan, CancelOutcome]]:
    """Cancel one session after another, with a result for each.

    From the second failure on one gateway on, the result says that a restart is the honest answer.
    """
    results: list[tuple[CancelPlan, CancelOutcome]] = []
    failures: dict[tuple[str, int | None], int] = {}
    for plan in plans:
        outcome = cancel(
            plan, allow=allow, journal=journal, clock=clock, report=report, wait=wait, limits=limits
        )
        gateway = (plan.root, plan.pid)
        if outcome.status in (STILL_ROTATING, FAILED):
            failures[gateway] = failures.get(gateway, 0) + 1
            if failures[gateway] >= 2:
                told = _honest_answer(plan, failures[gateway])
                report(told)
                outcome = replace(outcome, sentences=(*outcome.sentences, told))
        results.append((plan, outcome))
    return results


def _fresh_view(
    session: SessionView, root: RootView, clock: Clock, wait: Wait, limits: Limits
) -> LockView | None:
    """Judge the session's lock as it is now; while a run goes on, the gap between two attempts is waited out."""
    path = _lock_path(session)
    if path is None:
        return None
    place = Place(path, session.root, session.agent, LockKind.SESSION, root.era)
    until = clock() + (limits.gap if session.state in _GOING_ON else 0.0)
    while not os.path.lexists(path):
        if clock() >= until:
            return None
        wait(limits.poll)
    return examine([place], clock())[0]


def _lock_path(session: SessionView) -> str | None:
    if session.lock is not None:
        return session.lock.record.path
    if session.occupation is not None:
        return session.occupation.path
    return None if session.transcript is None else session.transcript + ".lock"


def _place(view: LockView, root: RootView) -> Place:
    record = view.record
    return Place(record.path, record.root, record.agent, record.kind, root.era)


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
        line = _open(plan, time.time)
    except GatewayError as error:
        return plan, error.sentence
    try:
        scopes = granted_scopes(line)
    finally:
        line.close()
    rungs, left_out = gentle_rungs(line.hello.version, scopes)
    version = None if line.hello.version is None else str(line.hello.version)
    known = replace(plan, version=version, reached_by=line.how, scopes=scopes)
    return replace(known, rungs=rungs, left_out=left_out), None


def _last_rung(plan: CancelPlan, pid: int) -> Rung:
    supervisor = find_supervisor(pid)
    others = {key for key in held_by(pid, plan.root, plan.way.config) if key != plan.key}
    does = f"send SIGTERM to the gateway (pid {pid}), checked by its start time"
    return restart_rung(f"run `{supervisor.command}`" if supervisor else does, others, supervisor is not None)


def _open(plan: CancelPlan, clock: Clock) -> Line:
    way = plan.way
    return reach(
        plan.root, way.config, way.env, way.folder, url=way.url, fingerprint=way.fingerprint, clock=clock
    )


def _not_confirmed(plan: CancelPlan, allow: Collection[str]) -> tuple[str, ...]:
    chosen = [rung for rung in plan.rungs if rung.name in allow]
    if not chosen:
        names = ", ".join(rung.name for rung in plan.rungs)
        return (f"none of the rungs that there are was confirmed: {names}", *plan.notes)
    if all(rung.scopes_missing for rung in chosen):
        return tuple(f"{rung.title}: {', '.join(rung.scopes_missing)} is not granted" for rung in chosen)
    return ()


def _refused(plan: CancelPlan, journal: Journal, reasons: Sequence[str]) -> CancelOutcome:
    try:
        journal.append("cancel-refused", key=plan.key, root=plan.root, reasons=list(reasons))
    except OSError as error:
        reasons = (*reasons, f"the journal can't be written: {error}")
    return CancelOutcome(REFUSED, plan.key, sentences=tuple(reasons))


def _climb(
    plan: CancelPlan,
    allow: Collection[str],
    journal: Journal,
    clock: Clock,
    report: Report,
    wait: Wait,
    limits: Limits,
    pressed: float,
) -> CancelOutcome:
    """Try the allowed rungs in order. OSError when the journal can't be written."""
    changed = _changed_holder(plan)
    if changed is not None:
        return _refused(plan, journal, (changed,))
    steps: list[Step] = []
    line, problem = _line_for(plan, allow, clock)
    try:
        scene = _scene(plan, line, clock, wait, limits)
        for rung in (rung for rung in plan.rungs if rung.name in allow and not rung.scopes_missing):
            journal.append("cancel-begin", **_facts(plan, rung))
            began = clock()
            try:
                step = _try(scene, rung, problem)
            except NobodyThereError as nobody:
                journal.append("cancel-end", **_facts(plan, rung), outcome=NOTHING, why=str(nobody))
                return _nobody(plan, steps, str(nobody))
            journal.append("cancel-end", **_facts(plan, rung), outcome=step.to_json())
            report(step.sentence)
            steps.append(step)
            if step.worked:
                return _cancelled(plan, steps, began - pressed)
    finally:
        if line is not None:
            line.close()
    return _not_cancelled(plan, allow, steps)


def _try(scene: Scene, rung: Rung, problem: GatewayError | None) -> Step:
    if problem is not None and rung.danger != "restart":
        return Step(rung.name, worked=False, sentence=problem.sentence)
    try:
        return fire(scene, rung)
    except GatewayError as error:
        return Step(rung.name, worked=False, sentence=f"{rung.title}: {error.sentence}", answer=error.code)


def _line_for(
    plan: CancelPlan, allow: Collection[str], clock: Clock
) -> tuple[Line | None, GatewayError | None]:
    """Open a line where a rung needs one; also a restart is better verified with one, but does without."""
    if not plan.is_gateway or plan.reached_by is None or allow == {RESTART}:
        return None, None
    try:
        return _open(plan, clock), None
    except GatewayError as error:
        return None, error


def _scene(plan: CancelPlan, line: Line | None, clock: Clock, wait: Wait, limits: Limits) -> Scene:
    assert plan.view is not None
    assert plan.pid is not None
    target = Target(plan.key, plan.view.record.path, plan.pid, plan.run_id, plan.chain)
    log = FileLog(plan.logs, clock) if plan.logs or line is None else GatewayLog(line, clock)
    return Scene(plan, target, limits, line, log, clock, wait)


def _changed_holder(plan: CancelPlan) -> str | None:
    """Say why the process of the plan is not the one to deal with any more."""
    if plan.holder_ticks is None or plan.pid is None:
        return None
    stat = processes.read_stat(plan.pid)
    if stat is None or stat.start_ticks != plan.holder_ticks:
        return f"pid {plan.pid} is not the process any more that held the session: plan again"
    return None


def _facts(plan: CancelPlan, rung: Rung) -> dict[str, object]:
    return {
        "key": plan.key,
        "root": plan.root,
        "rung": rung.name,
        "does": rung.does,
        "version": plan.version,
        "pid": plan.pid,
        "startTicks": plan.holder_ticks,
        "releaseId": plan.view.release_id if plan.view else None,
        "evidence": evidence_json(plan.view.evidence) if plan.view else None,
    }


def _cancelled(plan: CancelPlan, steps: Sequence[Step], until_rung: float) -> CancelOutcome:
    step = steps[-1]
    free = None if step.free_after_ms is None else round(until_rung * 1000) + step.free_after_ms
    told = tuple(step.sentence for step in steps)
    return CancelOutcome(CANCELLED, plan.key, step.rung, free, step.verified_ms, told, tuple(steps))


def _nobody(plan: CancelPlan, steps: Sequence[Step], why: str) -> CancelOutcome:
    """Report that nothing was left to end; after a rung that seemed not to work, that is its late effect."""
    told = (*(step.sentence for step in steps), why)
    return CancelOutcome(NOTHING, plan.key, sentences=told, steps=tuple(steps))


def _not_cancelled(plan: CancelPlan, allow: Collection[str], steps: Sequence[Step]) -> CancelOutcome:
    status = STILL_ROTATING if any(step.went_on for step in steps) else FAILED
    following = next((rung for rung in plan.rungs if rung.name not in allow), None)
    told = [step.sentence for step in steps]
    if following is not None:
        told.append(f"next rung: {following.name} ({following.does}); it loses {'; '.join(following.loses)}")
    return CancelOutcome(
        status,
        plan.key,
        sentences=tuple(told),
        steps=tuple(steps),
        next_rung=following.name if following else None,
    )


def _honest_answer(plan: CancelPlan, failures: int) -> str:
    last = next((rung for rung in plan.rungs if rung.name == RESTART), None)
    cost = "; ".join(last.loses) if last else "the runs of all its sessions"
    return f"{failures} cancels failed on this gateway: a restart is the honest answer; it costs {cost}"
