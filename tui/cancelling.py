"""`lockdeck cancel`: the ladder, its plan, and what came of it."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass

import click

from backend.actions.cancel import CancelOutcome, CancelPlan, Rung, cancel, cancel_many, plan_cancel
from backend.actions.cancel_plan import CANCELLED, NOTHING, REFUSED, STILL_ROTATING
from backend.actions.journal import Journal, default_journal
from backend.model.fleet import FleetSnapshot, RootView, SessionView, State
from backend.model.wire import SCHEMA, dumps
from backend.system.text import safe
from backend.watch.collector import Collector
from tui.exits import Exit
from tui.output import emit, narrate

GENTLE = "confirm"
"""The danger of rungs that need no more than the command itself."""
BUSY = (State.RUNNING, State.ROTATING, State.STUCK, State.COMPACTING, State.CANCELLING)


@dataclass(frozen=True, slots=True)
class Request:
    """What the person asked for on the command line."""

    keys: tuple[str, ...]
    everything: bool
    allow: tuple[str, ...]
    dry_run: bool
    as_json: bool
    read_only: bool
    url: str | None
    fingerprint: str | None
    logs: tuple[str, ...]


def cancel_sessions(request: Request, collector: Collector) -> Exit:
    """Cancel the sessions named; 0 all verified, 1 one still rotates or failed, 2 wrong use, 3 refused."""
    snapshot = collector.look()
    chosen = _chosen(request, snapshot)
    plans = [
        plan_cancel(
            s,
            root,
            env=os.environ,
            logs=request.logs or collector.log_files,
            url=request.url,
            fingerprint=request.fingerprint,
        )
        for s, root in chosen
    ]
    if request.everything:
        plans = _of_gateways(plans)
    read_only = request.read_only or collector.settings.read_only
    read_only = read_only or any(collector.settings.root(root.path).read_only for _, root in chosen)
    if request.dry_run or read_only:
        _show_plans(plans, request.as_json)
        if read_only and not request.dry_run:
            narrate("lockdeck is in read-only mode: nothing is cancelled")
        return Exit.REFUSED if read_only or any(plan.refusal for plan in plans) else Exit.OK
    journal = default_journal()
    report = narrate if request.as_json else emit_safe
    allowed = request.allow or tuple(
        {rung.name for plan in plans for rung in plan.rungs if rung.danger == GENTLE}
    )
    results = cancel_many(plans, allow=allowed, journal=journal, report=report)
    if not request.as_json and sys.stdin.isatty():
        results = [(plan, _offer_next(plan, outcome, journal)) for plan, outcome in results]
    _show_outcomes(results, request.as_json)
    return max((_exit(outcome) for _, outcome in results), default=Exit.OK)


def _of_gateways(plans: list[CancelPlan]) -> list[CancelPlan]:
    """Everything means: of the gateways. Other processes are only ended by the name of their session."""
    for plan in plans:
        if not plan.is_gateway:
            narrate(f"{plan.key}: left alone, its holder is not the gateway")
    return [plan for plan in plans if plan.is_gateway]


def emit_safe(sentence: str) -> None:
    """Print a sentence of progress."""
    emit(safe(sentence, 1000))


def _chosen(request: Request, snapshot: FleetSnapshot) -> list[tuple[SessionView, RootView]]:
    roots = {root.path: root for root in snapshot.roots}
    if request.everything:
        return [(s, roots[s.root]) for s in snapshot.sessions if s.state in BUSY]
    chosen = []
    for key in request.keys:
        found = [s for s in snapshot.sessions if s.key == key]
        if not found:
            raise click.UsageError(safe(f"no session {key}; `lockdeck status` lists the keys", 1000))
        if len(found) > 1:
            where = ", ".join(session.root for session in found)
            raise click.UsageError(safe(f"{key} is in several roots ({where}): name one with --root", 1000))
        chosen.append((found[0], roots[found[0].root]))
    return chosen


def _offer_next(plan: CancelPlan, outcome: CancelOutcome, journal: Journal) -> CancelOutcome:
    """Offer the next rung, and each after it, to the person at the terminal; the name is typed."""
    while outcome.status == STILL_ROTATING and outcome.next_rung is not None:
        rung = next((r for r in plan.rungs if r.name == outcome.next_rung), None)
        if rung is None:
            break
        _print_outcome(outcome)
        _print_rung(rung)
        typed = click.prompt(f"Type {rung.name} to do that", err=True, default="", show_default=False)
        if typed.strip() != rung.name:
            break
        outcome = cancel(plan, allow=(rung.name,), journal=journal, report=emit_safe)
    return outcome


def _exit(outcome: CancelOutcome) -> Exit:
    return {CANCELLED: Exit.OK, NOTHING: Exit.OK, REFUSED: Exit.REFUSED}.get(outcome.status, Exit.ATTENTION)


def _show_plans(plans: list[CancelPlan], as_json: bool) -> None:
    if as_json:
        emit(
            dumps(
                {"schema": SCHEMA, "status": "dry-run", "plans": [plan.to_json() for plan in plans]}, indent=2
            )
        )
        return
    for plan in plans:
        emit(safe(f"{plan.key}  {plan.root}"))
        emit(
            safe(
                f"  OpenClaw {plan.version or 'of unknown version'}, reached by {plan.reached_by or 'nothing yet'}"
            )
        )
        granted = "not told by this version" if plan.scopes is None else ", ".join(plan.scopes) or "none"
        emit(safe(f"  scopes: {granted}"))
        depth = "not known" if plan.queue_depth is None else str(plan.queue_depth)
        emit(f"  queued messages: {depth}")
        for reason in (*plan.refusal, *plan.notes):
            emit(safe(f"  {reason}", 1000))
        for rung in plan.rungs:
            _print_rung(rung)
        for left in plan.left_out:
            emit(safe(f"  not {left.name}: {left.why}", 1000))


def _print_rung(rung: Rung) -> None:
    emit(safe(f"  {rung.name}: {rung.title}"))
    emit(safe(f"    {rung.does}", 1000))
    for loss in rung.loses:
        emit(safe(f"    loses: {loss}", 1000))
    if rung.scopes_missing:
        emit(safe(f"    lacks: {', '.join(rung.scopes_missing)}"))


def _show_outcomes(results: list[tuple[CancelPlan, CancelOutcome]], as_json: bool) -> None:
    if not as_json:
        for _, outcome in results:
            _print_outcome(outcome)
        return
    outcomes = [{**outcome.to_json(), "root": plan.root} for plan, outcome in results]
    # One session gives one flat result, several give a list.
    body = outcomes[0] if len(outcomes) == 1 else {"results": outcomes}
    emit(dumps({"schema": SCHEMA, **body}, indent=2))


def _print_outcome(outcome: CancelOutcome) -> None:
    free = "" if outcome.free_after_ms is None else f", free {outcome.free_after_ms} ms after the key"
    by = f" by {outcome.rung}" if outcome.rung else ""
    emit(safe(f"{outcome.key}: {outcome.status}{by}{free}"))
    for sentence in outcome.sentences:
        emit(safe(f"  {sentence}", 1000))
