"""End a gateway that lets its runs end first (2026.8 and later), and see what becomes of the run. Never SIGKILL."""

from __future__ import annotations

from lockdeck.backend.actions.cancel.access import POLL_S, row_of_session
from lockdeck.backend.actions.cancel.context import CancelContext
from lockdeck.backend.actions.cancel.holder import gateway_lock_of
from lockdeck.backend.actions.cancel.ladder import Rung
from lockdeck.backend.actions.cancel.records import Step
from lockdeck.backend.actions.cancel.restart import DRAIN_S, STOP_S, await_end, find_supervisor, restart
from lockdeck.backend.model.words import duration
from lockdeck.backend.openclaw.gateway.access import Line
from lockdeck.backend.openclaw.gateway.trouble import GatewayError, Trouble
from lockdeck.backend.system.procfs import has_started

_STARTING = frozenset({Trouble.UNREACHABLE, Trouble.UNAVAILABLE, Trouble.CLOSED, Trouble.SILENT})
"""What a gateway that is just starting gives for an answer."""


def end_sqlite(context: CancelContext, rung: Rung) -> Step:
    """End the gateway, and see whether the next one, if any, begins the run again."""
    plan, began, limits = context.plan, context.clock(), context.limits
    assert plan.pid is not None
    assert plan.holder_ticks is not None
    supervisor = find_supervisor(plan.pid, STOP_S)
    context.report(
        f"{rung.title}: pid {plan.pid} is told to end; it may let its runs go on for up to {DRAIN_S} s first"
    )
    problem = restart(supervisor, plan.pid, plan.holder_ticks, plan.route.env, limits.drain)
    if problem is not None:
        return Step(rung.name, worked=False, sentence=f"{rung.title}: {problem}")
    ended_ms = await_end(context, began, limits.drain)
    if has_started(plan.pid, plan.holder_ticks):
        sentence = f"{rung.title}: pid {plan.pid} still runs after {duration(ended_ms / 1000)} and lets its runs go on"
        return Step(rung.name, worked=False, sentence=sentence, went_on=True)
    return _after_end(context, rung, ended_ms, supervised=supervisor is not None)


def _after_end(context: CancelContext, rung: Rung, ended_ms: int, *, supervised: bool) -> Step:
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
    if follower is None:
        sentence = f"{ended}; no gateway serves this root until one is started"
        return Step(rung.name, True, sentence, "", ended_ms, None, ended_ms)
    stays_over, observation = _not_begun_again(context, follower)
    sentence = f"{ended}; {observation}"
    return Step(
        rung.name, stays_over is True, sentence, "", ended_ms, None, ended_ms, went_on=stays_over is False
    )


def _follower(context: CancelContext, seconds: float) -> int | None:
    """Return the pid of another gateway that serves the root, waiting for it at most `seconds`."""
    plan, until = context.plan, context.clock() + seconds
    while True:
        view = gateway_lock_of(plan.route, context.clock())
        holder = view.judgement.holder if view is not None else None
        if holder is not None and (holder.pid, holder.start_ticks) != (plan.pid, plan.holder_ticks):
            return holder.pid
        if context.clock() >= until:
            return None
        context.wait(POLL_S)


def _not_begun_again(context: CancelContext, pid: int) -> tuple[bool | None, str]:
    """Return whether the run of the plan stays over in the new gateway, None where that can't be seen; with a sentence."""
    gateway = f"a new gateway (pid {pid}) serves the root"
    try:
        line = _line_to_follower(context)
    except GatewayError as error:
        return None, f"{gateway}; whether it began the run again can't be seen: {error.sentence}"
    # It begins with what a crash left behind some 8 s after it is ready (seen on 2026.9.6).
    until = context.clock() + context.limits.quiet_blind
    try:
        while True:
            row = row_of_session(line, context.target.key)
            if row is not None and row.active:
                return False, f"{gateway} and shows an active run of the session again"
            if context.clock() >= until:
                return (
                    True,
                    f"{gateway} and has shown no run of the session for {context.limits.quiet_blind:g} s",
                )
            context.wait(POLL_S)
    except GatewayError as error:
        return None, f"{gateway}; whether it began the run again can't be seen: {error.sentence}"
    finally:
        line.close()


def _line_to_follower(context: CancelContext) -> Line:
    """Connect to the new gateway as soon as it takes calls. GatewayError."""
    until = context.clock() + context.limits.restart
    while True:
        try:
            return context.connect()
        except GatewayError as error:
            if error.kind not in _STARTING or context.clock() >= until:
                raise
        context.wait(POLL_S)
