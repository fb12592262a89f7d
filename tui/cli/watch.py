"""`lockdeck watch`: one line per change, for people with a pipe and for programs."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import click

from lockdeck.backend.model.changes import changes
from lockdeck.backend.model.fleet import FleetSnapshot
from lockdeck.backend.model.needs import needs_person
from lockdeck.backend.model.wire import SessionSources, dumps
from lockdeck.tui.cli.options import (
    Common,
    OtherHosts,
    common_options,
    for_option,
    hosts_option,
    json_option,
    roots_argument,
)
from lockdeck.tui.cli.output import emit_all, output_trouble
from lockdeck.tui.cli.startup import collector_for, hosts_for
from lockdeck.tui.cli.watching.stopping import told_to_stop
from lockdeck.tui.cli.watching.words import change_json, change_line
from lockdeck.tui.exits import Exit

if TYPE_CHECKING:
    from lockdeck.backend.watch.collector import Collector


@click.command("watch")
@roots_argument
@json_option
@for_option
@hosts_option
@common_options
def command(
    common: Common, roots: tuple[str, ...], hosts: OtherHosts, as_json: bool, seconds: float | None
) -> int:
    """Print one line per change until interrupted.

    A ROOT is an OpenClaw state directory, or the address of another host (ssh://HOST).
    """
    addresses = hosts_for(roots, hosts, common)
    if addresses:
        from lockdeck.tui.cli.hosts.watch import watch_hosts

        return watch_hosts(addresses, seconds, as_json)
    return watch_fleet(collector_for(roots, common), seconds, as_json)


def watch_fleet(collector: Collector, seconds: float | None, as_json: bool) -> Exit:
    """Print changes until interrupted or for `seconds`; exit code as `status` at the end, 130 on ctrl+c."""
    stop = threading.Event()
    last: list[FleetSnapshot] = []

    def publish(snapshot: FleetSnapshot) -> None:
        previous = last[0] if last else None
        sources = SessionSources(snapshot.roots)
        emit_all(
            dumps(change_json(change, snapshot, sources)) if as_json else change_line(change, snapshot)
            for change in changes(previous, snapshot, snapshot.delta)
        )
        last[:] = [snapshot]
        if output_trouble() is not None:
            stop.set()  # nobody reads any more

    with told_to_stop(stop.set, seconds) as interrupted:
        collector.run(publish, stop)
    if interrupted:
        return Exit.INTERRUPTED
    return Exit.ATTENTION if last and needs_person(last[0]) else Exit.OK
