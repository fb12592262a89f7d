"""Plan the cancel of a run that holds no lock file (2026.8 and later): the gateway tells, or log and process table.

Changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from lockdeck.backend.actions.cancel.gateway import (
    DRAIN_S,
    DRAINS,
    TAKEN_UP,
    active_elsewhere,
    gateway_holder,
    gateway_lock_of,
    logged_elsewhere,
)
from lockdeck.backend.actions.cancel.holder import HolderFacts, granted_scopes, version_of
from lockdeck.backend.actions.cancel.ladder import ABORT, RESET, restart_rung, rung
from lockdeck.backend.actions.cancel.records import CancelPlan
from lockdeck.backend.actions.cancel.restart import find_supervisor
from lockdeck.backend.actions.cancel.verify_sqlite import ANSWER_S, row_of_session
from lockdeck.backend.model.fleet import LockView, RootView, SessionView
from lockdeck.backend.model.locks import Verdict
from lockdeck.backend.model.releases.lookup import NEWEST, traits_of
from lockdeck.backend.model.runs.forecast import budget_of
from lockdeck.backend.model.sessions.stuck import MARGIN_S
from lockdeck.backend.openclaw.gateway.access import Line
from lockdeck.backend.openclaw.gateway.rows import SessionRow, rows_of
from lockdeck.backend.openclaw.gateway.trouble import GatewayError
from lockdeck.backend.openclaw.roots.failover import read_profiles

MOST_ROWS = 500
"""How many sessions a gateway is asked for, those used last first."""
_EVERYTHING = {"limit": MOST_ROWS, "includeGlobal": True, "includeUnknown": True}


def plan_claimed(
    plan: CancelPlan,
    session: SessionView,
    root: RootView,
    connect: Callable[[], Line],
    clock: Callable[[], float],
) -> CancelPlan:
    """Ask the gateway what runs and what it grants, and name the rungs. Changes nothing.

    Without access the last rung is left: a process can be ended without a word to it.
    """
    view = gateway_lock_of(plan.way, clock())
    owner = gateway_holder(view)
    plan = replace(plan, is_gateway=True, version=root.version)
    if owner is not None:
        plan = replace(
            plan, pid=owner.pid, holder_ticks=owner.ticks if owner.signal_refusal is None else None
        )
    if session.holder is not None:
        plan = replace(plan, run_id=session.holder.run_id, queue_depth=session.holder.queue_depth)
    try:
        told = _ask(connect, session.key)
    except GatewayError as error:
        return _without_word(plan, session, view, owner, error)
    plan = replace(plan, version=told.version or plan.version, reached_by=told.how, scopes=told.scopes)
    if told.row is not None and told.row.active is False:
        return replace(plan, nothing=True, notes=("the gateway shows no active run of this session",))
    others = active_elsewhere(told.rows, session.key)
    doubt = f"more may end with it: only the {MOST_ROWS} sessions used last were told" if told.more else ""
    cost = Cost(others, "no other session of this gateway has an active run now", doubt)
    if told.row is None or told.row.active is None:
        silent = "the gateway does not tell whether this session has an active run"
        if session.occupation is None:
            return replace(plan, refusal=(silent,))
        return _with_last(plan, owner, cost, silent)
    gentle = (rung(ABORT, told.scopes), rung(RESET, told.scopes))
    return _with_last(replace(plan, rungs=gentle), owner, cost, None)


class Cost(Struct, frozen=True):
    """What the end of a gateway costs: the other sessions with a run, what is said where there are none, a doubt."""

    others: tuple[str, ...]
    none: str
    doubt: str = ""


class _Asked(Struct, frozen=True):
    rows: tuple[SessionRow, ...]
    row: SessionRow | None
    scopes: tuple[str, ...] | None
    version: str | None
    how: str
    more: bool


def _ask(connect: Callable[[], Line], key: str) -> _Asked:
    """Ask a gateway for its sessions, its version and what it grants. GatewayError."""
    line = connect()
    try:
        rows = rows_of(line.call("sessions.list", _EVERYTHING, ANSWER_S))
        row = next((row for row in rows if row.key == key), None) or row_of_session(line, key)
        version = version_of(line)
        named = None if version is None else str(version)
        return _Asked(rows, row, granted_scopes(line), named, line.transport, len(rows) >= MOST_ROWS)
    finally:
        line.close()


def _without_word(
    plan: CancelPlan,
    session: SessionView,
    view: LockView | None,
    owner: HolderFacts | None,
    error: GatewayError,
) -> CancelPlan:
    """Plan where the gateway tells nothing: by its lock, the log and the process table alone."""
    verdict = None if view is None else view.judgement.verdict
    if verdict in (Verdict.DEAD, Verdict.RECYCLED) and view is not None:
        gone = (*view.judgement.reasons[:1], "the gateway is gone, and its runs with it")
        return replace(plan, nothing=True, notes=gone)
    if session.occupation is None:
        return replace(plan, refusal=(error.sentence, "and nothing else tells of a run of this session"))
    config = plan.way.config
    chain = config.chain_for(session.agent, read_profiles(plan.root, session.agent))
    budgets = [budget_of(chain, candidate, traits_of(None)).seconds or 0.0 for candidate in chain.candidates]
    quiet = max([NEWEST.idle_timeout_s, *budgets]) + MARGIN_S
    holder = view.judgement.holder if view is not None else None
    began = holder.started_at if holder is not None and holder.started_at is not None else 0.0
    logged = logged_elsewhere(plan.logs, session.key, plan.run_id, max(began, plan.looked_at - quiet))
    if logged is None:
        cost = Cost((), "how many other runs end with it can't be known: neither access nor a log tells")
    else:
        cost = Cost(
            logged,
            "the log tells of no other run that goes on",
            "runs without trouble are not in the log: how many more end with it can't be known without access",
        )
    return _with_last(plan, owner, cost, error.sentence)


def _with_last(plan: CancelPlan, owner: HolderFacts | None, cost: Cost, obstacle: str | None) -> CancelPlan:
    """Add the rung that ends the gateway where its process is proven; refuse where no rung is left."""
    why_not = "no lock names the gateway of this root" if owner is None else owner.signal_refusal
    reasons = tuple(reason for reason in (obstacle, why_not) if reason is not None)
    if owner is None or why_not is not None:
        return (
            replace(plan, refusal=reasons) if not plan.rungs else replace(plan, notes=(*plan.notes, *reasons))
        )
    supervisor = find_supervisor(owner.pid, DRAIN_S + 15)
    signal = f"send SIGTERM to the gateway (pid {owner.pid}), checked by its start time"
    does = f"{f'run `{supervisor.command}`' if supervisor else signal}; {DRAINS}"
    last = restart_rung(does, cost.others, supervisor is not None, no_others=cost.none, doubt=cost.doubt)
    return replace(plan, rungs=(*plan.rungs, last), notes=(*plan.notes, *reasons, TAKEN_UP))
