"""End a gateway that lets its runs end first (2026.8 and later), and see what becomes of the run. Never SIGKILL."""

from __future__ import annotations

from lockdeck.backend.actions.cancel.access import POLL_S
from lockdeck.backend.actions.cancel.context import CancelContext
from lockdeck.backend.actions.cancel.holder import gateway_lock_of
from lockdeck.backend.actions.cancel.ladder import Rung
from lockdeck.backend.actions.cancel.process.remains import Moment, answering, moment_now, shows_run
from lockdeck.backend.actions.cancel.process.restart import (
    DRAIN_S,
    STOP_S,
    await_end,
    find_supervisor,
    restart,
    still_runs,
)
from lockdeck.backend.actions.cancel.records import Step
from lockdeck.backend.model.words import duration
from lockdeck.backend.system.procfs import has_started


def end_sqlite(context: CancelContext, rung: Rung) -> Step:
    """End the gateway, and see whether the next one, if any, begins the run again."""
    plan, limits = context.plan, context.limits
    assert plan.claim is not None
    supervisor = find_supervisor(plan.claim.pid, STOP_S)
    context.report(
        f"{rung.title}: pid {plan.claim.pid} is told to end; it may let its runs go on for up to {DRAIN_S} s first"
    )
    began, since = context.steady(), moment_now()
    problem = restart(supervisor, plan.claim, plan.route.env, limits.drain)
    if problem is not None:
        return Step(rung.name, worked=False, sentence=f"{rung.title}: {problem}")
    ended_ms = await_end(context, began, limits.drain)
    if has_started(plan.claim.pid, plan.claim.ticks or 0):
        sentence = still_runs(plan.claim.pid, ended_ms, "it lets its runs go on")
        return Step(rung.name, worked=False, sentence=f"{rung.title}: {sentence}", went_on=True)
    return _after_end(context, rung, ended_ms, since, supervised=supervisor is not None)


def _after_end(context: CancelContext, rung: Rung, ended_ms: int, since: Moment, *, supervised: bool) -> Step:
    """See what follows a gateway that has ended: nothing, or a next one that may begin the run again."""
    limits = context.limits
    ended = (
        f"{rung.title}: pid {context.plan.pid} has ended within {duration(ended_ms / 1000)} of the signal, "
        "and its runs with it"
    )
    follower = _follower(context, limits.restart if supervised else limits.quiet)
    if follower is None and supervised:
        sentence = f"{ended}; no gateway came up within {duration(limits.restart)}"
        return Step(rung.name, False, sentence, "", ended_ms)
    answer = answering(context.plan.port, since) if follower is None else None
    if answer is not None:
        shows, words = shows_run(context, limits.quiet)
        sentence = f"{ended}; but {answer.words}, so that was not all that serves this root: {words}"
        return Step(rung.name, worked=False, sentence=sentence, went_on=shows is True)
    if follower is None:
        sentence = f"{ended}; no gateway serves this root until one is started"
        return Step(rung.name, True, sentence, "", ended_ms, None, ended_ms)
    # It begins with what a crash left behind some 8 s after it is ready (seen on 2026.9.6).
    shows, words = shows_run(context, limits.quiet_blind)
    sentence = f"{ended}; a new gateway (pid {follower}) serves the root; {words}"
    return Step(rung.name, shows is False, sentence, "", ended_ms, None, ended_ms, went_on=shows is True)


def _follower(context: CancelContext, seconds: float) -> int | None:
    """Return the pid of another gateway that serves the root, waiting for it at most `seconds`."""
    plan, until = context.plan, context.steady() + seconds
    while True:
        view = gateway_lock_of(plan.route, context.clock())
        holder = view.judgement.holder if view is not None else None
        if holder is not None and (holder.pid, holder.start_ticks) != (plan.pid, plan.holder_ticks):
            return holder.pid
        if context.steady() >= until:
            return None
        context.wait(POLL_S)
