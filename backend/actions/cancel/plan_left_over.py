"""Plan for a session that lets nobody in although nothing runs in it: there is no run to end, the session itself is to be freed."""

from __future__ import annotations

from msgspec.structs import replace

from lockdeck.backend.actions.cancel.context import Clock
from lockdeck.backend.actions.cancel.cost import cost_by_log, cost_sqlite
from lockdeck.backend.actions.cancel.holder import gateway_lock_of, holder_sqlite
from lockdeck.backend.actions.cancel.ladder import RESET, Rung, free_rung
from lockdeck.backend.actions.cancel.plan_sqlite import Answer, ask_gateway, with_gateway, with_last
from lockdeck.backend.actions.cancel.records import CancelPlan
from lockdeck.backend.model.fleet import RootView, SessionView, State
from lockdeck.backend.model.releases.lookup import traits_of
from lockdeck.backend.model.releases.version import Version
from lockdeck.backend.openclaw.gateway.trouble import GatewayError

NO_RUN = "no run has this session, and it lets nobody in: what refuses its callers is left over"


def lets_nobody_in(session: SessionView) -> bool:
    """Return whether a session is stuck without a holder."""
    return session.state is State.STUCK and session.occupation is None and session.lock is None


def plan_left_over(plan: CancelPlan, session: SessionView, root: RootView, clock: Clock) -> CancelPlan | None:
    """Name the rungs that free the session; None where its gateway shows a run by now, which can be ended."""
    holder = holder_sqlite(gateway_lock_of(plan.route, clock()), plan.route, plan.port)
    plan = with_gateway(replace(plan, left_over=True, notes=(*plan.notes, NO_RUN)), session, root, holder)
    try:
        answer = ask_gateway(plan)
    except GatewayError as error:
        cost = cost_by_log(plan.logs, session.key, plan.run_id, plan.looked_at)
        return with_last(plan, holder, cost, error.sentence)
    if answer.row is not None and answer.row.active:
        return None
    plan = replace(
        plan,
        version=answer.version or plan.version,
        reached_by=answer.transport,
        scopes=answer.scopes,
        rungs=_gentle(answer, plan),
    )
    return with_last(plan, holder, cost_sqlite(answer.rows, session.key, answer.doubt), None)


def _gentle(answer: Answer, plan: CancelPlan) -> tuple[Rung, ...]:
    """Return the reset, where this release has one; of an unknown release none is known to harm nothing else."""
    version = Version.parse(answer.version or plan.version)
    return (free_rung(answer.scopes),) if RESET in traits_of(version).cancel_ladder else ()
