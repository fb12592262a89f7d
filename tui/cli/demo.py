"""`lockdeck demo`: the dashboard on a simulated fleet, or its status where there is no terminal."""

from __future__ import annotations

import os
import threading
import time
from tempfile import TemporaryDirectory

import click

from lockdeck.backend.actions.journal import Journal
from lockdeck.backend.actions.past_cancels import PastCancels
from lockdeck.backend.model.fleet import FleetSnapshot
from lockdeck.backend.model.words import times
from lockdeck.backend.settings.records import Settings
from lockdeck.backend.simulate.fleet import SimulatedFleet
from lockdeck.backend.watch.collector import Collector
from lockdeck.tui.cli.dashboard import has_screen, open_dashboard, open_hosts
from lockdeck.tui.cli.options import Common, common_options, for_option
from lockdeck.tui.cli.output import narrate
from lockdeck.tui.cli.status import print_plain
from lockdeck.tui.exits import Exit

MOST_HOSTS = 20
ENOUGH_S = 24.0
"""Without a terminal the story is followed this long (seconds): into the third attempts of the outage."""


@click.command("demo")
@click.option(
    "--hosts",
    "count",
    type=click.IntRange(1, MOST_HOSTS),
    metavar="N",
    help=f"So many hosts, {MOST_HOSTS} at most: each a fleet and a lockdeck of its own, behind a pipe.",
)
@for_option
@common_options
def command(common: Common, count: int | None, seconds: float | None) -> int:
    """Live through openclaw#62351 in fast motion: a simulated fleet with real processes and real locks."""
    return run_demo(seconds, common) if count is None else run_hosts(count, seconds, common)


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


def run_hosts(count: int, seconds: float | None, common: Common) -> Exit:
    """Start so many hosts and show them; without a screen follow their story for a while, and print where each stands."""
    from lockdeck.tui.cli.hosts.simulated import simulated_hosts
    from lockdeck.tui.cli.hosts.status import print_hosts

    narrate(f"starting {times(count, 'simulated host')}, each with a gateway, four agents and a lockdeck")
    with simulated_hosts(count) as addresses:
        if has_screen():
            with TemporaryDirectory(prefix="lockdeck-demo-") as folder:
                journal = Journal(os.path.join(folder, "journal.jsonl"))
                return open_hosts(addresses, common, seconds=seconds, journal=journal, demo=True)
        threading.Event().wait(ENOUGH_S if seconds is None else seconds)
        print_hosts(addresses, "table")
    return Exit.OK


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
