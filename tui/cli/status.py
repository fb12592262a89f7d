"""`lockdeck status`: one snapshot of the fleet."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import click

from lockdeck.backend.model.fleet import FleetSnapshot
from lockdeck.backend.model.needs import needs_person
from lockdeck.backend.model.wire import dumps, snapshot_json
from lockdeck.backend.watch.collector import Collector
from lockdeck.tui.cli.options import (
    Common,
    OtherHosts,
    common_options,
    hosts_option,
    json_option,
    roots_argument,
)
from lockdeck.tui.cli.output import emit, emit_all, narrate, terminal_width
from lockdeck.tui.cli.startup import collector_for, hosts_for
from lockdeck.tui.exits import Exit

FORMATS = ("table", "wide", "names", "markdown", "json")


@click.command("status")
@roots_argument
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    help="table (default), wide (every session, one line each), names (keys alone), markdown (to paste), json.",
)
@json_option
@hosts_option
@common_options
def command(
    common: Common, roots: tuple[str, ...], hosts: OtherHosts, form: str | None, as_json: bool
) -> int:
    """Print one snapshot of the fleet.

    First what several sessions have in common, then the roots and their sources, then every session with something to
    say: with its key, its lock, and the command for what may be done. A ROOT is an OpenClaw state directory, or the
    address of another host (ssh://HOST); without one lockdeck looks where OpenClaw does.
    """
    if as_json and form not in (None, "json"):
        raise click.UsageError(f"--json and --format {form} exclude each other")
    form = "json" if as_json else form or "table"
    addresses = hosts_for(roots, hosts, common)
    if addresses:
        from lockdeck.tui.cli.hosts.status import print_hosts

        return print_hosts(addresses, form)
    return print_status(collector_for(roots, common), form)


def print_status(collector: Collector, form: str = "table") -> Exit:
    """Take one snapshot, print it in one of the formats, and say whether a person is needed."""
    with _nothing_collected():
        snapshot = collector.look()
        if form == "json":
            emit(dumps(snapshot_json(snapshot), indent=2))
        else:
            emit_all(snapshot_text(snapshot, form))
            for note in snapshot.notes if form == "table" else ():
                narrate(note)
    return Exit.ATTENTION if needs_person(snapshot) else Exit.OK


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """Let no cycles be looked for: a single look leaves none, and all that it made would be gone through for nothing."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def print_plain(snapshot: FleetSnapshot) -> None:
    """Print a snapshot as text."""
    for line in snapshot_text(snapshot, "table"):
        emit(line)


def snapshot_text(snapshot: FleetSnapshot, form: str, host_options: Sequence[str] = ()) -> Iterator[str]:
    """Yield the lines of a snapshot in one of the formats that are text; `host_options` names another host in a command."""
    from lockdeck.backend.system.text import safe
    from lockdeck.tui.view.printed.markdown import markdown_lines
    from lockdeck.tui.view.printed.plain import cause_lines, snapshot_lines
    from lockdeck.tui.view.printed.table import table_lines

    if form == "names":
        yield from (safe(session.key, 4096) for session in snapshot.sessions)
    elif form == "markdown":
        yield from markdown_lines(snapshot, host_options)
    elif form == "wide":
        yield from cause_lines(snapshot, host_options)
        yield from table_lines(snapshot, snapshot.sessions, None, wide=True, host_options=host_options)
    else:
        yield from snapshot_lines(snapshot, terminal_width(), host_options)
