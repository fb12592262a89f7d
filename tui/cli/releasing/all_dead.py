"""`lockdeck release --all-dead`: every lock that provably nobody holds, with a plan first and a result for each."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence

import click
from msgspec import Struct

from lockdeck.backend.actions.journal import Journal
from lockdeck.backend.actions.release.newcomers import Patience, newcomers_at
from lockdeck.backend.actions.release.plan import plan_release
from lockdeck.backend.actions.release.records import Refusal, ReleaseOutcome, ReleasePlan, Status
from lockdeck.backend.actions.release.release import release
from lockdeck.backend.model.fleet import FleetSnapshot, every_lock
from lockdeck.backend.model.locks import LockKind, Verdict
from lockdeck.backend.model.wire import SCHEMA, dumps
from lockdeck.backend.model.words import times
from lockdeck.backend.settings.records import Settings
from lockdeck.backend.system.clocks import steady_time
from lockdeck.backend.system.text import safe
from lockdeck.backend.watch.collector import Collector
from lockdeck.tui.cli.output import emit, narrate
from lockdeck.tui.cli.releasing.countdown import countdown
from lockdeck.tui.exits import Exit

_DEAD = (Verdict.DEAD, Verdict.RECYCLED)
_READ_ONLY = Refusal(("lockdeck is in read-only mode for this root",))


class BulkRequest(Struct, frozen=True):
    """The options of one call. `count` is the number of locks that the person expects, None where it is to be typed."""

    count: int | None
    dry_run: bool
    as_json: bool
    read_only: bool
    watch_s: float
    no_wait: bool


def dead_locks(snapshot: FleetSnapshot) -> Iterator[tuple[str, str]]:
    """Yield path and release id of each session's lock whose process is proven gone and that may be released."""
    for view in every_lock(snapshot):
        judgement = view.judgement
        if judgement.verdict in _DEAD and judgement.releasable and view.record.kind is LockKind.SESSION:
            yield view.record.path, view.release_id or ""


def release_all_dead(request: BulkRequest, collector: Collector, journal: Journal) -> Exit:
    """Release all dead locks; 0 all released or none there, 1 one was not reached, 2 another count, 3 one was refused."""
    settings = collector.settings
    plans = [
        _planned(path, release_id, request, settings) for path, release_id in dead_locks(collector.look())
    ]
    ready = [plan for plan in plans if plan.refusal is None]
    if not request.as_json or not request.dry_run:
        show = emit if request.dry_run else narrate
        for line in _plan_lines(plans):
            show(line)
    if request.dry_run:
        if request.as_json:
            shown = [plan.to_json() for plan in plans]
            emit(dumps({"schema": SCHEMA, "status": Status.DRY_RUN.value, "plans": shown}, indent=2))
        return Exit.OK if len(ready) == len(plans) else Exit.REFUSED
    if ready or request.count is not None:
        _confirm(len(ready), request)
    return _show([_done(plan, request, journal) for plan in plans], request.as_json)


def _planned(path: str, release_id: str, request: BulkRequest, settings: Settings) -> ReleasePlan:
    plan = plan_release(
        path, release_id, env=os.environ, vouches=settings.vouch_for, patient=not request.no_wait
    )
    root = settings.root(plan.place.root) if plan.place else None
    if request.read_only or settings.read_only or (root is not None and root.read_only):
        return ReleasePlan(plan.path, plan.release_id, plan.looked_at, plan.place, plan.view, _READ_ONLY)
    return plan


def _plan_lines(plans: Sequence[ReleasePlan]) -> Iterator[str]:
    if not plans:
        yield "no dead lock: there is nothing to release"
        return
    ready = sum(plan.refusal is None for plan in plans)
    yield f"{times(len(plans), 'dead lock')}, of which {ready} would be released, one after the other, each proven anew:"
    for plan in plans:
        yield safe(f"  {plan.path}  release id {plan.release_id or '-'}", 4096)
        why = plan.refusal.reasons if plan.refusal else plan.view.judgement.reasons if plan.view else ()
        word = "refused" if plan.refusal else "because"
        yield from (safe(f"    {word}: {reason}", 1000) for reason in why)


def _confirm(number: int, request: BulkRequest) -> None:
    """Have the count confirmed, by `--yes` or at the terminal; a usage error where it is another one."""
    if request.count is None and sys.stdin.isatty():
        question = f"Type {number} to release {times(number, 'lock')}"
        typed = click.prompt(question, err=True, default="", show_default=False)
        if typed.strip() == str(number):
            return
        raise click.UsageError(f"nothing was done: {number} was not typed")
    if request.count is None:
        raise click.UsageError(
            f"nothing was done: without a terminal say how many you expect: --yes {number}"
        )
    if request.count != number:
        raise click.UsageError(
            f"nothing was done: {times(number, 'lock')} would be released, not {request.count}"
        )


def _done(plan: ReleasePlan, request: BulkRequest, journal: Journal) -> ReleaseOutcome:
    with countdown() as tell:
        patience = Patience(newcomers_at, steady_time, tell=tell)
        return release(plan, journal=journal, watch_s=request.watch_s, patience=patience)


def _show(outcomes: Sequence[ReleaseOutcome], as_json: bool) -> Exit:
    released = sum(outcome.status is Status.RELEASED for outcome in outcomes)
    if as_json:
        emit(dumps({"schema": SCHEMA, "results": [outcome.to_json() for outcome in outcomes]}, indent=2))
    else:
        for outcome in outcomes:
            emit(safe(f"{outcome.status.value}: {outcome.path}", 4096))
            for sentence in outcome.sentences:
                emit(safe(f"  {sentence}", 1000))
        emit(f"{released} of {times(len(outcomes), 'dead lock')} released")
    if released == len(outcomes):
        return Exit.OK
    failed = any(outcome.status is Status.FAILED for outcome in outcomes)
    return Exit.ATTENTION if failed else Exit.REFUSED
