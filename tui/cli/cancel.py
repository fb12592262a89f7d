"""`lockdeck cancel`: the ladder, its plan, and what came of it."""

from __future__ import annotations

import os
import sys
from typing import Any

import click
from msgspec import Struct

from lockdeck.backend.actions.cancel.cancel import cancel, cancel_many
from lockdeck.backend.actions.cancel.context import CancelTools
from lockdeck.backend.actions.cancel.ladder import ABORT, RESET, RESTART, STOP, TERMINATE
from lockdeck.backend.actions.cancel.plan import plan_cancel
from lockdeck.backend.actions.cancel.records import (
    CANCELLED,
    NOTHING,
    REFUSED,
    STILL_ROTATING,
    CancelOutcome,
    CancelPlan,
)
from lockdeck.backend.actions.journal import default_journal
from lockdeck.backend.model.fleet import FleetSnapshot, RootView, SessionView, State
from lockdeck.backend.model.wire import SCHEMA, dumps
from lockdeck.backend.openclaw.gateway.addresses import why_no_url
from lockdeck.backend.openclaw.log.inputs.words import is_pipe
from lockdeck.backend.openclaw.log.place import named_log
from lockdeck.backend.system.text import safe
from lockdeck.backend.watch.collector import Collector
from lockdeck.tui.cli.cancelling.text import bulk_lines, outcome_lines, plan_lines, rung_lines
from lockdeck.tui.cli.guide.values import providers, rungs, session_keys
from lockdeck.tui.cli.options import (
    Common,
    NamedHost,
    common_options,
    host_option,
    json_option,
    root_option,
)
from lockdeck.tui.cli.output import emit, narrate
from lockdeck.tui.cli.selection import session_of_key
from lockdeck.tui.cli.startup import collector_for, settings_of
from lockdeck.tui.exits import Exit

READ_ONLY = "lockdeck is in read-only mode: nothing is cancelled"
GENTLE = "confirm"
"""The danger of rungs that need no more than the command itself."""
RUNGS = (STOP, ABORT, RESET, RESTART, TERMINATE)
BUSY = (State.RUNNING, State.ROTATING, State.STUCK, State.COMPACTING, State.CANCELLING)


class CancelRequest(Struct, frozen=True):
    """The arguments and options of one call."""

    keys: tuple[str, ...]
    everything: bool
    providers: tuple[str, ...]
    allow: tuple[str, ...]
    dry_run: bool
    as_json: bool
    read_only: bool
    url: str | None
    fingerprint: str | None
    logs: tuple[str, ...]


@click.command("cancel")
@click.argument("keys", nargs=-1, metavar="SESSION_KEY...", shell_complete=session_keys)
@root_option
@click.option(
    "--provider",
    "providers",
    multiple=True,
    metavar="NAME",
    shell_complete=providers,
    help="Every session that waits for a provider that answers nobody, as `status` tells it (repeatable).",
)
@click.option("--all", "everything", is_flag=True, help="Every session that is running, rotating or stuck.")
@click.option(
    "--allow",
    multiple=True,
    metavar="RUNG",
    shell_complete=rungs,
    help="Only these rungs (repeatable), also the drastic ones.",
)
@click.option("--url", metavar="URL", help="The gateway's address, where it is not the local one.")
@click.option("--fingerprint", metavar="SHA256", help="The gateway's TLS certificate, with a wss:// address.")
@click.option("--dry-run", is_flag=True, help="Print the ladder; do nothing.")
@host_option
@json_option
@common_options
def command(
    common: Common,
    keys: tuple[str, ...],
    root: str | None,
    host: NamedHost | None,
    as_json: bool,
    **options: Any,
) -> int:
    """Cancel the run of a session, and verify that it stopped.

    A SESSION_KEY is the full key, agent:<agent>:<rest>, as `lockdeck status --format names` prints it. A RUNG is one way
    to end a run: stop, abort, reset, restart, terminate, the gentlest first. Which of them this release offers, and what
    each loses, --dry-run tells. Without --allow only those are used that end nothing but the run itself.
    """
    if sum(map(bool, (keys, options["everything"], options["providers"]))) != 1:
        raise click.UsageError("name the session keys to cancel, or --provider, or --all")
    once = tuple(dict.fromkeys(keys))
    request = CancelRequest(
        keys=once, as_json=as_json, read_only=common.read_only, logs=common.logs, **options
    )
    check_words(request)
    if host is not None:
        return _on_host(host, root, common, request)
    return cancel_sessions(request, collector_for((root,) if root else (), common))


def _on_host(host: NamedHost, root: str | None, common: Common, request: CancelRequest) -> Exit:
    """Have runs cancelled on another host."""
    from lockdeck.backend.hosts.asks import UNNAMED, Ask, Operation, Role
    from lockdeck.tui.cli.hosts.acting import cancel_there
    from lockdeck.tui.cli.hosts.places import host_meant

    if not request.keys or request.url is not None or request.fingerprint is not None:
        raise click.UsageError("--host goes with session keys; its gateways are known there")
    if not request.dry_run and (request.read_only or settings_of(common).read_only):
        narrate(READ_ONLY)
        return Exit.REFUSED
    asks = [Ask(UNNAMED, Operation.CANCEL, key, root or "", allow=request.allow) for key in request.keys]
    role = Role.ADMIN if {RESTART, TERMINATE} & set(request.allow) else Role.OPERATOR
    return cancel_there(
        host_meant(host, common, role), asks, dry_run=request.dry_run, as_json=request.as_json
    )


def check_words(request: CancelRequest) -> None:
    """Raise a usage error for a rung that no ladder has, and for an address that is none."""
    for name in request.allow:
        if name not in RUNGS:
            raise click.UsageError(f"--allow: there is no rung {name}; there are {', '.join(RUNGS)}")
    problem = None if request.url is None else why_no_url(request.url)
    if problem is not None:
        raise click.UsageError(f"--url: {problem}")


def cancel_sessions(request: CancelRequest, collector: Collector) -> Exit:
    """Cancel the sessions named; 0 all verified, 1 one still rotates or failed, 2 wrong use, 3 refused."""
    selection = _selection(request, collector.look())
    logs = tuple(named_log(path) for path in request.logs if not is_pipe(path)) or collector.log_places
    plans = [
        plan_cancel(s, root, env=os.environ, logs=logs, url=request.url, fingerprint=request.fingerprint)
        for s, root in selection
    ]
    if request.everything:
        plans = _of_gateways(plans)
    settings = collector.settings
    read_only = request.read_only or settings.read_only
    read_only = read_only or any(settings.root(root.path).read_only for _, root in selection)
    if request.dry_run or read_only:
        _show_plans(plans, request)
        if read_only:
            narrate(READ_ONLY)
        return _exit_of_plans(plans, read_only=read_only)
    return _carry_out(plans, request)


def _carry_out(plans: list[CancelPlan], request: CancelRequest) -> Exit:
    """Cancel; what happens on the way is narrated, how it ended is data."""
    narrated: set[str] = set()

    def report(sentence: str) -> None:
        narrated.add(sentence)
        narrate(f"  {sentence}")

    def announce(plan: CancelPlan, outcome: CancelOutcome | None) -> None:
        if outcome is None:
            narrate(f"{plan.key}:")

    tools = CancelTools(default_journal(), report=report)
    if len(plans) > 1:
        for line in bulk_lines(plans):
            narrate(line)
    gentle = {rung.consent for plan in plans for rung in plan.rungs if rung.danger == GENTLE}
    results = cancel_many(plans, allow=request.allow or gentle, tools=tools, progress=announce)
    if not request.as_json and sys.stdin.isatty():
        results = [(plan, _offer_next(plan, outcome, tools)) for plan, outcome in results]
    if request.as_json:
        bodies = [{**outcome.to_json(), "root": plan.root} for plan, outcome in results]
        emit(dumps({"schema": SCHEMA, **_shaped(bodies, request, "results")}, indent=2))
    else:
        for _, outcome in results:
            for line in outcome_lines(outcome, narrated):
                emit(line)
    return max((_exit(outcome) for _, outcome in results), default=Exit.OK)


def _of_gateways(plans: list[CancelPlan]) -> list[CancelPlan]:
    """Everything means: of the gateways. Other processes are only ended by the name of their session."""
    chosen = [plan for plan in plans if plan.is_gateway or plan.nothing or plan.not_known]
    for plan in plans:
        if plan not in chosen:
            narrate(f"{plan.key}: left alone, its holder is not the gateway")
    return chosen


def _shaped(bodies: list[dict[str, Any]], request: CancelRequest, name: str) -> dict[str, Any]:
    """Return the shape of the answer: flat for exactly one key, a list for several or for `--all`."""
    return bodies[0] if len(request.keys) == 1 else {name: bodies}


def _selection(request: CancelRequest, snapshot: FleetSnapshot) -> list[tuple[SessionView, RootView]]:
    roots = {root.path: root for root in snapshot.roots}
    if request.providers:
        sessions = waiting_for(snapshot, request.providers)
    elif request.everything:
        sessions = [session for session in snapshot.sessions if session.state in BUSY]
    else:
        sessions = [session_of_key(snapshot, key) for key in request.keys]
    return [(session, roots[session.root]) for session in sessions]


def waiting_for(snapshot: FleetSnapshot, providers: tuple[str, ...]) -> list[SessionView]:
    """Return the busy sessions of the incidents of some providers or models; a usage error where one has none.

    That a session uses a provider is no reason to cancel it: only that this provider answers nobody.
    """
    members = set()
    for name in providers:
        of_name = [incident for incident in snapshot.incidents if incident.is_of_provider(name)]
        if not of_name:
            causes = ", ".join(incident.subject for incident in snapshot.incidents) or "none"
            raise click.UsageError(
                safe(
                    f"nothing shows that {name} answers nobody (causes that `lockdeck status` tells now: {causes})",
                    1000,
                )
            )
        members |= {member for incident in of_name for member in incident.members}
    return [s for s in snapshot.sessions if s.identity in members and s.state in BUSY]


def _offer_next(plan: CancelPlan, outcome: CancelOutcome, tools: CancelTools) -> CancelOutcome:
    """Offer the next rung, and each after it, to the person at the terminal; the name is typed."""
    while outcome.status == STILL_ROTATING and outcome.next_rung is not None:
        rung = next((r for r in plan.rungs if r.name == outcome.next_rung), None)
        if rung is None:
            break
        for line in rung_lines(rung):
            narrate(line)
        word = plan.process_name if rung.ends_process else rung.consent
        typed = click.prompt(f"Type {word} to do that", err=True, default="", show_default=False)
        if typed.strip() != word:
            break
        outcome = cancel(plan, allow=(rung.consent,), tools=tools)
    return outcome


def _exit(outcome: CancelOutcome) -> Exit:
    return {CANCELLED: Exit.OK, NOTHING: Exit.OK, REFUSED: Exit.REFUSED}.get(outcome.status, Exit.ATTENTION)


def _exit_of_plans(plans: list[CancelPlan], *, read_only: bool) -> Exit:
    if read_only or any(plan.refusal for plan in plans):
        return Exit.REFUSED
    return Exit.ATTENTION if any(plan.not_known for plan in plans) else Exit.OK


def _show_plans(plans: list[CancelPlan], request: CancelRequest) -> None:
    if request.as_json:
        shaped = _shaped([plan.to_json() for plan in plans], request, "plans")
        emit(dumps({"schema": SCHEMA, "status": "dry-run", **shaped}, indent=2))
        return
    for plan in plans:
        for line in plan_lines(plan):
            emit(line)
