"""`lockdeck cancel`: the ladder, its plan, and what came of it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection, Iterator
from typing import Any

import click
from msgspec import Struct

from lockdeck.backend.actions.cancel.cancel import (
    CancelOutcome,
    CancelPlan,
    Rung,
    cancel,
    cancel_many,
    plan_cancel,
)
from lockdeck.backend.actions.cancel.ladder import ABORT, RESET, RESTART, STOP, TERMINATE
from lockdeck.backend.actions.cancel.records import CANCELLED, NOTHING, REFUSED, STILL_ROTATING
from lockdeck.backend.actions.journal import Journal, default_journal
from lockdeck.backend.model.fleet import FleetSnapshot, RootView, SessionView, State
from lockdeck.backend.model.wire import SCHEMA, dumps
from lockdeck.backend.openclaw.gateway.credentials import why_no_url
from lockdeck.backend.system.text import SafeText, safe
from lockdeck.backend.watch.collector import Collector
from lockdeck.tui.cli.exits import Exit
from lockdeck.tui.cli.output import emit, narrate

GENTLE = "confirm"
"""The danger of rungs that need no more than the command itself."""
RUNGS = (STOP, ABORT, RESET, RESTART, TERMINATE)
BUSY = (State.RUNNING, State.ROTATING, State.STUCK, State.COMPACTING, State.CANCELLING)


class Request(Struct, frozen=True):
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


def check_words(request: Request) -> None:
    """Raise a usage error for a rung that no ladder has, and for an address that is none."""
    for name in request.allow:
        if name not in RUNGS:
            raise click.UsageError(f"--allow: there is no rung {name}; there are {', '.join(RUNGS)}")
    problem = None if request.url is None else why_no_url(request.url)
    if problem is not None:
        raise click.UsageError(f"--url: {problem}")


def cancel_sessions(request: Request, collector: Collector) -> Exit:
    """Cancel the sessions named; 0 all verified, 1 one still rotates or failed, 2 wrong use, 3 refused."""
    chosen = _chosen(request, collector.look())
    logs = request.logs or collector.log_files
    plans = [
        plan_cancel(s, root, env=os.environ, logs=logs, url=request.url, fingerprint=request.fingerprint)
        for s, root in chosen
    ]
    if request.everything:
        plans = _of_gateways(plans)
    settings = collector.settings
    read_only = request.read_only or settings.read_only
    read_only = read_only or any(settings.root(root.path).read_only for _, root in chosen)
    if request.dry_run or read_only:
        _show_plans(plans, request)
        if read_only:
            narrate("lockdeck is in read-only mode: nothing is cancelled")
        return Exit.REFUSED if read_only or any(plan.refusal for plan in plans) else Exit.OK
    return _carry_out(plans, request)


def _carry_out(plans: list[CancelPlan], request: Request) -> Exit:
    """Cancel; what happens on the way is narrated, how it ended is data."""
    told: set[str] = set()

    def report(sentence: str) -> None:
        told.add(sentence)
        narrate(f"  {sentence}")

    def heard(plan: CancelPlan, outcome: CancelOutcome | None) -> None:
        if outcome is None:
            narrate(f"{plan.key}:")

    journal = default_journal()
    gentle = {rung.name for plan in plans for rung in plan.rungs if rung.danger == GENTLE}
    results = cancel_many(plans, allow=request.allow or gentle, journal=journal, report=report, heard=heard)
    if not request.as_json and sys.stdin.isatty():
        results = [(plan, _offer_next(plan, outcome, journal, report)) for plan, outcome in results]
    if request.as_json:
        bodies = [{**outcome.to_json(), "root": plan.root} for plan, outcome in results]
        emit(dumps({"schema": SCHEMA, **_shaped(bodies, request, "results")}, indent=2))
    else:
        for _, outcome in results:
            _print_outcome(outcome, told)
    return max((_exit(outcome) for _, outcome in results), default=Exit.OK)


def _of_gateways(plans: list[CancelPlan]) -> list[CancelPlan]:
    """Everything means: of the gateways. Other processes are only ended by the name of their session."""
    for plan in plans:
        if not plan.is_gateway:
            narrate(f"{plan.key}: left alone, its holder is not the gateway")
    return [plan for plan in plans if plan.is_gateway]


def _shaped(bodies: list[dict[str, Any]], request: Request, name: str) -> dict[str, Any]:
    """Return the shape of the answer: flat for exactly one key, a list for several or for `--all`."""
    return bodies[0] if len(request.keys) == 1 else {name: bodies}


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


def _offer_next(
    plan: CancelPlan, outcome: CancelOutcome, journal: Journal, report: Callable[[str], None]
) -> CancelOutcome:
    """Offer the next rung, and each after it, to the person at the terminal; the name is typed."""
    while outcome.status == STILL_ROTATING and outcome.next_rung is not None:
        rung = next((r for r in plan.rungs if r.name == outcome.next_rung), None)
        if rung is None:
            break
        for line in _rung_lines(rung):
            narrate(line)
        typed = click.prompt(f"Type {rung.name} to do that", err=True, default="", show_default=False)
        if typed.strip() != rung.name:
            break
        outcome = cancel(plan, allow=(rung.name,), journal=journal, report=report)
    return outcome


def _exit(outcome: CancelOutcome) -> Exit:
    return {CANCELLED: Exit.OK, NOTHING: Exit.OK, REFUSED: Exit.REFUSED}.get(outcome.status, Exit.ATTENTION)


def _show_plans(plans: list[CancelPlan], request: Request) -> None:
    if request.as_json:
        shaped = _shaped([plan.to_json() for plan in plans], request, "plans")
        emit(dumps({"schema": SCHEMA, "status": "dry-run", **shaped}, indent=2))
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
            for line in _rung_lines(rung):
                emit(line)
        for left in plan.left_out:
            emit(safe(f"  not {left.name}: {left.why}", 1000))


def _rung_lines(rung: Rung) -> Iterator[SafeText]:
    yield safe(f"  {rung.name}: {rung.title}")
    yield safe(f"    {rung.does}", 1000)
    for loss in rung.loses:
        yield safe(f"    loses: {loss}", 1000)
    if rung.scopes_missing:
        yield safe(f"    lacks: {', '.join(rung.scopes_missing)}")


def _print_outcome(outcome: CancelOutcome, told: Collection[str]) -> None:
    """Print how it ended, with the sentences that were not told on the way."""
    free = "" if outcome.free_after_ms is None else f", free {outcome.free_after_ms} ms after the key"
    by = f" by {outcome.rung}" if outcome.rung else ""
    emit(safe(f"{outcome.key}: {outcome.status}{by}{free}"))
    for sentence in outcome.sentences:
        if sentence not in told:
            emit(safe(f"  {sentence}", 1000))
