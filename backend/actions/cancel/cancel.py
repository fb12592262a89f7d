"""Cancel the run that holds a session: plan the ladder, climb it as far as allowed, prove that it stopped.

A gateway often answers "ok" to an abort while the rotation goes on.  So no answer counts here: the run is
cancelled when its lock has gone, is not taken again by the same run, the log shows no further attempt and
the gateway no active run.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Sequence

from msgspec.structs import replace

from lockdeck.backend.actions.cancel.call import fire
from lockdeck.backend.actions.cancel.ladder import RESTART, Rung
from lockdeck.backend.actions.cancel.log import FileLog, GatewayLog
from lockdeck.backend.actions.cancel.plan_files import open_line, plan_cancel
from lockdeck.backend.actions.cancel.records import (
    CANCELLED,
    FAILED,
    NOTHING,
    REFUSED,
    STILL_ROTATING,
    CancelOutcome,
    CancelPlan,
    Step,
)
from lockdeck.backend.actions.cancel.scene import NobodyThereError, Scene
from lockdeck.backend.actions.cancel.verify_files import Limits, Target
from lockdeck.backend.actions.journal import Journal
from lockdeck.backend.actions.turns import NotOurTurnError, turn
from lockdeck.backend.model.wire import evidence_json
from lockdeck.backend.openclaw.gateway.access import Line
from lockdeck.backend.openclaw.gateway.trouble import GatewayError
from lockdeck.backend.system import procfs

__all__ = ["CancelOutcome", "CancelPlan", "Limits", "Rung", "cancel", "cancel_many", "plan_cancel"]

TURN_S = 10.0
"""How long, in seconds, another lockdeck at work in the same sessions directory is waited for."""

Clock = Callable[[], float]
Wait = Callable[[float], object]
Report = Callable[[str], None]
Heard = Callable[[CancelPlan, "CancelOutcome | None"], None]


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
    if reasons:
        return _refused(plan, journal, reasons)
    pressed = clock()
    try:
        with turn(journal.folder, os.path.dirname(plan.view.record.path) if plan.view else plan.root, TURN_S):
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
    heard: Heard = lambda _plan, _outcome: None,
) -> list[tuple[CancelPlan, CancelOutcome]]:
    """Cancel one session after another, with a result for each.

    `heard` is told each plan when its turn comes (with None) and again with its outcome. From the second
    failure on one gateway on, the result says that a restart is the honest answer.
    """
    results: list[tuple[CancelPlan, CancelOutcome]] = []
    failures: dict[tuple[str, int | None], int] = {}
    for plan in plans:
        heard(plan, None)
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
        heard(plan, outcome)
        results.append((plan, outcome))
    return results


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
    if changed is not None and plan.view is not None and not os.path.lexists(plan.view.record.path):
        return CancelOutcome(NOTHING, plan.key, sentences=("the process that held the session has ended",))
    if changed is not None:
        return _refused(plan, journal, (changed,))
    steps: list[Step] = []
    line, problem = _line_for(plan, allow, clock)
    try:
        scene = _scene(plan, line, clock, wait, limits, report)
        for rung in (rung for rung in plan.rungs if rung.name in allow and not rung.scopes_missing):
            journal.append("cancel-begin", **_facts(plan, rung))
            began = clock()
            try:
                step = _try(scene, rung, problem)
            except NobodyThereError as nobody:
                journal.append("cancel-end", **_facts(plan, rung), outcome=NOTHING, why=str(nobody))
                return _nobody(plan, steps, str(nobody), limits)
            steps.append(_recorded(journal, plan, rung, step))
            report(steps[-1].sentence)
            if step.worked:
                return _cancelled(plan, steps, began - pressed)
    finally:
        if line is not None:
            line.close()
    return _not_cancelled(plan, allow, steps)


def _recorded(journal: Journal, plan: CancelPlan, rung: Rung, step: Step) -> Step:
    """Journal how a rung ended; what can't be written any more is said instead, for the rung has been done."""
    try:
        journal.append("cancel-end", **_facts(plan, rung), outcome=step.to_json())
    except OSError as error:
        return replace(step, sentence=f"{step.sentence} (the journal can't be written: {error})")
    return step


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
    if not plan.is_gateway or plan.reached_by is None or set(allow) <= {RESTART}:
        return None, None
    try:
        return open_line(plan, clock), None
    except GatewayError as error:
        return None, error


def _scene(
    plan: CancelPlan, line: Line | None, clock: Clock, wait: Wait, limits: Limits, report: Report
) -> Scene:
    path = plan.view.record.path if plan.view is not None else ""
    target = Target(plan.key, path, plan.pid or 0, plan.run_id, plan.chain)
    log = FileLog(plan.logs, clock) if plan.logs or line is None else GatewayLog(line, clock)
    return Scene(plan, target, limits, line, log, clock, wait, report, lambda: open_line(plan, clock))


def _changed_holder(plan: CancelPlan) -> str | None:
    """Say why the process of the plan is not the one to deal with any more."""
    if plan.holder_ticks is None or plan.pid is None:
        return None
    stat = procfs.read_stat(plan.pid)
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
    told = [step.sentence for step in steps]
    if free is not None:
        told.append(f"{free} ms from key to free session")
    return CancelOutcome(CANCELLED, plan.key, step.rung, free, step.verified_ms, tuple(told), tuple(steps))


def _nobody(plan: CancelPlan, steps: Sequence[Step], why: str, limits: Limits) -> CancelOutcome:
    """Report that nothing is left to end: after a rung that did not seem to work, that is its late effect."""
    told = (*(step.sentence for step in steps), why)
    if not any(step.answer for step in steps):
        return CancelOutcome(NOTHING, plan.key, sentences=told, steps=tuple(steps))
    gap = round(limits.gap * 1000)
    return CancelOutcome(CANCELLED, plan.key, steps[-1].rung, None, gap, told, tuple(steps))


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
