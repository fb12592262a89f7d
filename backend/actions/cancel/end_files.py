"""End the process that holds a lock file, and see its lock go with it. Never SIGKILL."""

from __future__ import annotations

from lockdeck.backend.actions.cancel.context import CancelContext
from lockdeck.backend.actions.cancel.ladder import Rung
from lockdeck.backend.actions.cancel.records import Step
from lockdeck.backend.actions.cancel.restart import await_end, find_supervisor, restart
from lockdeck.backend.model.words import duration
from lockdeck.backend.system.procfs import has_started


def end_files(context: CancelContext, rung: Rung) -> Step:
    """End the holder by its supervisor or by SIGTERM, and watch its lock go with it."""
    plan, began = context.plan, context.clock()
    assert plan.pid is not None
    assert plan.holder_ticks is not None
    supervisor = find_supervisor(plan.pid) if plan.is_gateway else None
    problem = restart(supervisor, plan.pid, plan.holder_ticks, plan.route.env)
    if problem is not None:
        return Step(rung.name, worked=False, sentence=f"{rung.title}: {problem}")
    ended_ms = await_end(context, began, context.limits.restart)
    if has_started(plan.pid, plan.holder_ticks):
        sentence = f"{rung.title}: pid {plan.pid} still runs after {duration(ended_ms / 1000)}; it may finish its runs first"
        return Step(rung.name, worked=False, sentence=sentence, went_on=True)
    record = context.read_lock()
    if record.payload is not None and record.payload.pid == plan.pid:
        sentence = f"{rung.title}: pid {plan.pid} has ended, but its lock was left behind: release it"
        return Step(rung.name, worked=False, sentence=sentence)
    sentence = f"{rung.title}: pid {plan.pid} has ended and released its lock"
    return Step(rung.name, True, sentence, "", ended_ms, None, ended_ms)
