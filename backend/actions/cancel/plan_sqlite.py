"""Plan the cancel of a run that holds no lock file (2026.8 and later): the gateway tells, or log and process table."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from lockdeck.backend.actions.cancel.access import (
    ANSWER_S,
    EVERYTHING,
    MOST_ROWS,
    granted_scopes,
    open_line,
    row_of_session,
    version_of,
)
from lockdeck.backend.actions.cancel.context import Clock
from lockdeck.backend.actions.cancel.cost import cost_by_log, cost_sqlite, with_open_locks
from lockdeck.backend.actions.cancel.holder import HolderFacts, gateway_lock_of, holder_sqlite, with_holder
from lockdeck.backend.actions.cancel.ladder import ABORT, RESET, EndingCost, restart_rung, rung, sigterm
from lockdeck.backend.actions.cancel.process.restart import DRAIN_S, STOP_S, find_supervisor
from lockdeck.backend.actions.cancel.records import CancelPlan
from lockdeck.backend.model.fleet import LockView, RootView, SessionView
from lockdeck.backend.model.locks import Verdict
from lockdeck.backend.model.releases.lookup import NEWEST, basis_of, traits_of
from lockdeck.backend.model.releases.table import Traits
from lockdeck.backend.model.runs.budget import budget_of
from lockdeck.backend.model.sessions.stuck import MARGIN_S
from lockdeck.backend.openclaw.gateway.rows import SessionRow, rows_of
from lockdeck.backend.openclaw.gateway.trouble import GatewayError

_DRAINS = (
    "it takes no more calls then, lets its runs go on (this one, too, if nothing ended it before) "
    f"for up to {DRAIN_S} s and cuts them off ({basis_of(Traits.drain_s)})"
)
_TAKEN_UP = (
    "a run cut off by this ends as killed; one that a crash or a supervisor's SIGKILL cut off is begun again by the "
    f"next gateway ({basis_of(Traits.begins_lost_runs_again)})"
)


def plan_sqlite(plan: CancelPlan, session: SessionView, root: RootView, clock: Clock) -> CancelPlan:
    """Ask the gateway what runs and what it grants, and name the rungs.

    Without access the last rung is left: a process can be ended without a word to it.
    """
    view = gateway_lock_of(plan.route, clock())
    holder = holder_sqlite(view, plan.route, plan.port)
    plan = with_gateway(plan, session, root, holder)
    if holder is not None and holder.deaf is not None:
        return replace(plan, refusal=(holder.deaf,))
    try:
        answer = ask_gateway(plan)
    except GatewayError as error:
        return _without_access(plan, session, view, holder, error)
    plan = replace(
        plan, version=answer.version or plan.version, reached_by=answer.transport, scopes=answer.scopes
    )
    active = None if answer.row is None else answer.row.active
    if active is False:
        return replace(plan, nothing=True, notes=("the gateway shows no active run of this session",))
    cost = cost_sqlite(answer.rows, session.key, answer.doubt)
    if active is None:
        silent = "the gateway does not tell whether this session has an active run"
        if session.occupation is None:
            return replace(plan, refusal=(silent,))
        return with_last(plan, holder, cost, silent)
    gentle = (rung(ABORT, answer.scopes), rung(RESET, answer.scopes))
    return with_last(replace(plan, rungs=gentle), holder, cost, None)


def with_gateway(
    plan: CancelPlan, session: SessionView, root: RootView, holder: HolderFacts | None
) -> CancelPlan:
    """Add what is known without a word from the gateway; only a process that may be signalled has its start time."""
    plan = replace(plan, is_gateway=True, version=root.version)
    if holder is not None:
        plan = with_holder(plan, holder)
    if session.holder is not None:
        plan = replace(plan, run_id=session.holder.run_id, queue_depth=session.holder.queue_depth)
    return plan


class Answer(Struct, frozen=True):
    """The answer of a gateway: its sessions (`cut`: there may be more), the one to cancel, and what it grants."""

    rows: tuple[SessionRow, ...]
    row: SessionRow | None
    scopes: tuple[str, ...] | None
    version: str | None
    transport: str
    cut: bool

    @property
    def doubt(self) -> str:
        """What can't be known of the cost, because there may be more sessions."""
        return f"more may end with it: only the {MOST_ROWS} sessions used last were told" if self.cut else ""


def ask_gateway(plan: CancelPlan) -> Answer:
    """Ask a gateway for its sessions, its version and what it grants. GatewayError."""
    line = open_line(plan)
    try:
        rows = rows_of(line.call("sessions.list", EVERYTHING, ANSWER_S))
        row = next((row for row in rows if row.key == plan.key), None) or row_of_session(line, plan.key)
        version = version_of(line)
        number = None if version is None else str(version)
        return Answer(rows, row, granted_scopes(line), number, line.transport, len(rows) >= MOST_ROWS)
    finally:
        line.close()


def _without_access(
    plan: CancelPlan,
    session: SessionView,
    view: LockView | None,
    holder: HolderFacts | None,
    error: GatewayError,
) -> CancelPlan:
    """Plan where the gateway tells nothing: by its lock, the log and the process table alone."""
    if view is not None and view.judgement.verdict in (Verdict.DEAD, Verdict.RECYCLED):
        notes = (*view.judgement.reasons[:1], "the gateway is gone, and its runs with it")
        return replace(plan, nothing=True, notes=notes)
    if session.occupation is None:
        return replace(plan, refusal=(error.sentence, "and nothing else tells of a run of this session"))
    traits = traits_of(None)
    budgets = [budget_of(plan.chain, candidate, traits).seconds or 0.0 for candidate in plan.chain.candidates]
    quiet = max([NEWEST.idle_timeout_s, *budgets]) + MARGIN_S
    process = view.judgement.holder if view is not None else None
    began = process.started_at if process is not None and process.started_at is not None else 0.0
    cost = cost_by_log(plan.logs, session.key, plan.run_id, max(began, plan.looked_at - quiet))
    return with_last(plan, holder, cost, error.sentence)


def with_last(
    plan: CancelPlan, holder: HolderFacts | None, cost: EndingCost, obstacle: str | None
) -> CancelPlan:
    """Add the rung that ends the gateway where its process is proven; refuse where no rung is left."""
    no_signal = "no lock names the gateway of this root" if holder is None else holder.signal_refusal
    reasons = tuple(reason for reason in (obstacle, no_signal) if reason is not None)
    if holder is None or no_signal is not None:
        return (
            replace(plan, refusal=reasons) if not plan.rungs else replace(plan, notes=(*plan.notes, *reasons))
        )
    cost = with_open_locks(cost, holder.pid, plan.root, plan.route.config, plan.key)
    supervisor = find_supervisor(holder.pid, STOP_S)
    does = f"{f'run `{supervisor.command}`' if supervisor else sigterm(f'the gateway (pid {holder.pid})', holder.argv)}; {_DRAINS}"
    last = restart_rung(does, cost, supervisor is not None)
    plan = replace(plan, held=cost.sessions)
    return replace(plan, rungs=(*plan.rungs, last), notes=(*plan.notes, *reasons, _TAKEN_UP))
