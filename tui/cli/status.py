"""`lockdeck status`: one snapshot of the fleet."""

from __future__ import annotations

import click

from lockdeck.backend.model.fleet import FleetSnapshot
from lockdeck.backend.model.needs import needs_person
from lockdeck.backend.model.wire import dumps, snapshot_json
from lockdeck.backend.watch.collector import Collector
from lockdeck.tui.cli.options import Common, common_options, json_option, roots_argument
from lockdeck.tui.cli.output import emit, narrate
from lockdeck.tui.cli.startup import collector_for
from lockdeck.tui.exits import Exit


@click.command("status")
@roots_argument
@json_option
@common_options
def command(common: Common, roots: tuple[str, ...], as_json: bool) -> int:
    """Print one snapshot of the fleet."""
    return print_status(collector_for(roots, common), as_json)


def print_status(collector: Collector, as_json: bool) -> Exit:
    """Take one snapshot, print it, and say whether a person is needed."""
    snapshot = collector.look()
    if as_json:
        emit(dumps(snapshot_json(snapshot), indent=2))
    else:
        print_plain(snapshot)
        for note in snapshot.notes:
            narrate(note)
    return Exit.ATTENTION if needs_person(snapshot) else Exit.OK


def print_plain(snapshot: FleetSnapshot) -> None:
    """Print a snapshot as text."""
    from lockdeck.tui.view.plain import snapshot_lines

    for line in snapshot_lines(snapshot):
        emit(line)
