"""`lockdeck release`: plan, confirmation, act, and the result with its exit code."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import click
from msgspec import Struct

from lockdeck.backend.actions.journal import default_journal
from lockdeck.backend.actions.release.newcomers import Patience, newcomers_at
from lockdeck.backend.actions.release.plan import plan_release
from lockdeck.backend.actions.release.records import Override, ReleaseOutcome, ReleasePlan, Status
from lockdeck.backend.actions.release.recovery import recover
from lockdeck.backend.actions.release.release import release
from lockdeck.backend.model.wire import SCHEMA, dumps
from lockdeck.backend.system.clocks import steady_time
from lockdeck.backend.system.folders import ForeignFolderError
from lockdeck.backend.system.text import safe
from lockdeck.tui.cli.explain import NOTHING_THERE, nothing_there
from lockdeck.tui.cli.guide.values import lock_paths, release_ids
from lockdeck.tui.cli.options import (
    Common,
    LockPath,
    NamedHost,
    PathName,
    common_options,
    host_option,
    json_option,
)
from lockdeck.tui.cli.output import emit, narrate
from lockdeck.tui.cli.releasing.countdown import countdown
from lockdeck.tui.cli.startup import collector_for, settings_of
from lockdeck.tui.exits import Exit

if TYPE_CHECKING:
    from lockdeck.backend.actions.journal import Journal
    from lockdeck.backend.settings.records import Settings

WATCH_S = 30.0
"""So long (seconds) the name of a released lock is watched."""
OVERRIDABLE = "leaked"
READ_ONLY = "lockdeck is in read-only mode: nothing is released"


class ReleaseRequest(Struct, frozen=True):
    """The arguments and options of one call."""

    lock: str
    release_id: str | None
    dry_run: bool
    as_json: bool
    read_only: bool
    override: str | None
    checked_path: str | None
    watch_s: float
    no_wait: bool


@click.command("release")
@click.argument("lock", type=LockPath(), required=False, shell_complete=lock_paths)
@click.option("--all-dead", is_flag=True, help="Every session's lock that provably nobody holds, plan first.")
@click.option(
    "--yes",
    "count",
    type=click.IntRange(min=0),
    metavar="N",
    help="With --all-dead: N locks, without asking.",
)
@click.option(
    "--root", "roots", type=PathName(), multiple=True, metavar="ROOT", help="With --all-dead: of these roots."
)
@click.option(
    "--release-id",
    metavar="ID",
    shell_complete=release_ids,
    help="The hold to release, as status or explain names it.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be done; change nothing.")
@click.option(
    "--override", type=click.Choice([OVERRIDABLE]), help="Release although the owner is alive (leaked only)."
)
@click.option(
    "--yes-i-checked",
    "checked_path",
    metavar="PATH",
    help="The full path, for --override without a terminal.",
)
@click.option(
    "--watch",
    "watch_s",
    type=click.FloatRange(0, 300),
    help=f"Seconds to watch afterwards ({WATCH_S:g}; with --all-dead 0).",
)
@click.option("--no-wait", is_flag=True, help="Refuse at once where OpenClaw has just started.")
@host_option
@json_option
@common_options
def command(common: Common, as_json: bool, **options: Any) -> int:
    """Release a stale lock safely: proven twice, exchanged, verified, journaled.

    A LOCK is the path of a lock file (<session>.jsonl.lock), as `lockdeck status` prints it; its release id names the
    very hold that stands there, so that no other can be hit. What is held is never released.
    """
    host: NamedHost | None = options.pop("host")
    if host is not None:
        return _on_host(host, common, as_json, options)
    if options.pop("all_dead"):
        return _all_dead(common, as_json, options)
    if options["lock"] is None:
        raise click.UsageError(
            "Missing argument 'LOCK': name a lock (`lockdeck status` lists them), or --all-dead"
        )
    count, roots = options.pop("count"), options.pop("roots")
    if count is not None or roots:
        raise click.UsageError("--yes and --root go with --all-dead")
    if options["watch_s"] is None:
        options["watch_s"] = WATCH_S
    request = ReleaseRequest(as_json=as_json, read_only=common.read_only, **options)
    return release_lock(request, settings_of(common))


def _on_host(host: NamedHost, common: Common, as_json: bool, options: dict[str, Any]) -> Exit:
    """Have a lock released on another host."""
    from lockdeck.backend.hosts.asks import UNNAMED, Ask, Operation, Role
    from lockdeck.tui.cli.hosts.acting import release_there
    from lockdeck.tui.cli.hosts.places import host_meant

    if options["lock"] is None or options["all_dead"] or options["count"] is not None or options["roots"]:
        raise click.UsageError("--host goes with one LOCK")
    if options["override"] is not None or options["checked_path"] is not None:
        raise click.UsageError("--override is for who can look at the process: use it on that host")
    dry_run = options["dry_run"]
    if not dry_run and (common.read_only or settings_of(common).read_only):
        narrate(READ_ONLY)
        return Exit.REFUSED
    watch_s = WATCH_S if options["watch_s"] is None else options["watch_s"]
    ask = Ask(
        UNNAMED,
        Operation.RELEASE,
        options["lock"],
        release_id=options["release_id"],
        watch_s=watch_s,
        patient=not options["no_wait"],
    )
    return release_there(host_meant(host, common, Role.OPERATOR), ask, dry_run=dry_run, as_json=as_json)


def _all_dead(common: Common, as_json: bool, options: dict[str, Any]) -> Exit:
    """Release every dead lock of some roots, of all where none is named."""
    from lockdeck.tui.cli.releasing.all_dead import BulkRequest, release_all_dead

    alone = ("lock", "release_id", "override", "checked_path")
    if any(options[name] is not None for name in alone):
        raise click.UsageError("--all-dead goes with no LOCK, --release-id, --override or --yes-i-checked")
    collector = collector_for(tuple(options["roots"]), common)
    request = BulkRequest(
        count=options["count"],
        dry_run=options["dry_run"],
        as_json=as_json,
        read_only=common.read_only,
        watch_s=options["watch_s"] or 0.0,
        no_wait=options["no_wait"],
    )
    journal = default_journal()
    changes_nothing = request.dry_run or request.read_only or collector.settings.read_only
    code = None if changes_nothing else _recover(journal)
    return release_all_dead(request, collector, journal) if code is None else code


def release_lock(request: ReleaseRequest, settings: Settings) -> Exit:
    """Release one lock, or say why not; 0 released, 1 not reached, 2 wrong use, 3 refused."""
    journal = default_journal()
    changes_nothing = request.dry_run or request.read_only or settings.read_only
    code = None if changes_nothing else _recover(journal)
    if code is not None:
        return code
    plan = plan_release(
        request.lock,
        request.release_id,
        env=os.environ,
        override=_override(request),
        vouches=settings.vouch_for,
        patient=not request.no_wait,
    )
    if request.release_id is None and plan.view is not None and nothing_there(plan.view):
        narrate(f"{plan.path}: {NOTHING_THERE}")
        return Exit.USAGE
    root = settings.root(plan.place.root) if plan.place else None
    read_only = request.read_only or settings.read_only or (root is not None and root.read_only)
    if request.dry_run:
        code = _show_plan(plan, request.as_json)
        if not read_only:
            return code
        narrate(READ_ONLY)
        return Exit.REFUSED
    if read_only:
        return _refuse_read_only(plan, request.as_json)
    if not request.as_json and plan.refusal is None:
        _print_plan(plan)
    if plan.refusal is None and request.release_id is None and not _typed(plan):
        raise click.UsageError(f"nothing was done: name the hold with --release-id {plan.release_id}")
    with countdown() as tell:
        patience = Patience(newcomers_at, steady_time, tell=tell)
        outcome = release(plan, journal=journal, watch_s=request.watch_s, patience=patience)
    _show_outcome(outcome, request.as_json)
    return {Status.RELEASED: Exit.OK, Status.REFUSED: Exit.REFUSED}.get(outcome.status, Exit.ATTENTION)


def _recover(journal: Journal) -> Exit | None:
    """Put right what an earlier lockdeck left half done; the exit code where that can't be tried."""
    try:
        for sentence in recover(journal):
            narrate(f"recovered: {sentence}")
    except ForeignFolderError as error:
        narrate(f"nothing was released: {error}")
        return Exit.REFUSED
    except OSError as error:
        narrate(f"{journal.path}: can't be read or written: {error.strerror or error}; nothing was released")
        return Exit.USAGE
    return None


def _override(request: ReleaseRequest) -> Override | None:
    if request.override is None:
        if request.checked_path is not None:
            raise click.UsageError(f"--yes-i-checked goes with --override {OVERRIDABLE}")
        return None
    if request.checked_path is not None:
        return Override(request.override, request.checked_path)
    if request.dry_run:
        return Override(request.override, os.path.abspath(request.lock))
    if not sys.stdin.isatty():
        raise click.UsageError("--override without a terminal needs --yes-i-checked PATH with the full path")
    narrate("This process is alive and may still believe that it holds the lock; cancel or restart it first.")
    typed = click.prompt(
        "Type the full path of the lock to override", err=True, default="", show_default=False
    )
    return Override(request.override, typed)


def _typed(plan: ReleasePlan) -> bool:
    """Ask for the release id where a person can be asked."""
    if not sys.stdin.isatty():
        return False
    typed = click.prompt("Type the release id to release this hold", err=True, default="", show_default=False)
    return bool(typed.strip() == plan.release_id)


def _refuse_read_only(plan: ReleasePlan, as_json: bool) -> Exit:
    if as_json:
        answer = {"schema": SCHEMA, "status": Status.REFUSED.value, "sentences": [READ_ONLY]}
        emit(dumps({**answer, "path": plan.path, "releaseId": plan.release_id}, indent=2))
    narrate(READ_ONLY)
    return Exit.REFUSED


def _show_plan(plan: ReleasePlan, as_json: bool) -> Exit:
    if as_json:
        emit(dumps({"schema": SCHEMA, "status": Status.DRY_RUN.value, **plan.to_json()}, indent=2))
    else:
        _print_plan(plan)
        emit("dry run: nothing was changed")
    return Exit.REFUSED if plan.refusal else Exit.OK


def _print_plan(plan: ReleasePlan) -> None:
    emit(safe(plan.path, 4096))
    if plan.view is not None:
        verdict = plan.view.judgement.verdict.value
        emit(safe(f"  verdict {verdict}, release id {plan.release_id or '-'}"))
        _print("because", plan.view.judgement.reasons)
    if plan.refusal is not None:
        _print("refused", plan.refusal.reasons)
        return
    _print("would do", plan.effects)
    _print("safe because", plan.safe_because)
    _print("then", plan.then)


def _show_outcome(outcome: ReleaseOutcome, as_json: bool) -> None:
    if as_json:
        emit(dumps({"schema": SCHEMA, **outcome.to_json()}, indent=2))
        return
    _print(outcome.status.value, outcome.sentences)
    if outcome.quarantined:
        emit(safe(f"  kept: {outcome.quarantined}", 4096))


def _print(title: str, sentences: tuple[str, ...]) -> None:
    if sentences:
        emit(f"  {title}:")
    for sentence in sentences:
        emit(safe(f"    {sentence}", 1000))
