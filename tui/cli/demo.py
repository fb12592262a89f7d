"""`lockdeck demo`: the dashboard on a simulated fleet, or its status where there is no terminal."""

from __future__ import annotations

import os
import threading
import time

import click

from lockdeck.backend.actions.journal import Journal
from lockdeck.backend.actions.past_cancels import PastCancels
from lockdeck.backend.model.fleet import FleetSnapshot
from lockdeck.backend.settings.records import Settings
from lockdeck.backend.simulate.fleet import SimulatedFleet
from lockdeck.backend.watch.collector import Collector
from lockdeck.tui.cli.dashboard import has_screen, open_dashboard
from lockdeck.tui.cli.options import Common, common_options, for_option
from lockdeck.tui.cli.output import narrate
from lockdeck.tui.cli.status import print_plain
from lockdeck.tui.exits import Exit

ENOUGH_S = 24.0
"""Without a terminal the story is followed this long (seconds): into the third attempts of the outage."""


@click.command("demo")
@for_option
@common_options
def command(common: Common, seconds: float | None) -> int:
    """Live through openclaw#62351 in fast motion: a simulated fleet with real processes and real locks."""
    return run_demo(seconds, common)


def run_demo(seconds: float | None, common: Common) -> Exit:
    """Start the fleet, show it, and leave nothing behind."""
    began = time.monotonic()
    narrate("starting a simulated fleet: a gateway, four agents and their sessions, real processes and locks")
    with SimulatedFleet() as fleet:
        narrate(
            f"gateway pid {fleet.gateway_pid} is up on port {fleet.port}, {time.monotonic() - began:.1f} s"
        )
        logs = (str(fleet.log_file),)
        journal = Journal(os.path.join(fleet.root, "lockdeck", "journal.jsonl"))
        cancels = PastCancels(journal.path).by_session
        collector = Collector.discover(
            (str(fleet.root),), Settings(), logs=logs, env=fleet.env, cancels=cancels
        )
        if has_screen():
            return open_dashboard(
                collector, common, logs=logs, seconds=seconds, journal=journal, env=fleet.env, demo=True
            )
        narrate("simulated fleet: openclaw#62351 in fast motion, four agents, a provider that hangs")
        return _narrated(collector, ENOUGH_S if seconds is None else seconds)


def _narrated(collector: Collector, seconds: float) -> Exit:
    """Follow the story for a while, then print where it stands."""
    stop = threading.Event()
    timer = threading.Timer(seconds, stop.set)
    timer.daemon = True
    last: list[FleetSnapshot] = []
    timer.start()
    try:
        collector.run(lambda snapshot: last.__setitem__(slice(None), [snapshot]), stop)
    finally:
        timer.cancel()
    print_plain(last[0])
    # The fleet is a play: what needs a person in it is no failure of the command.
    return Exit.OK
