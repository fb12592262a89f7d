"""`lockdeck demo`: the dashboard on a simulated fleet, or its status where there is no terminal."""

from __future__ import annotations

import os
import threading

from lockdeck.backend.actions.journal import Journal
from lockdeck.backend.model.fleet import FleetSnapshot
from lockdeck.backend.settings.settings import Settings
from lockdeck.backend.simulate.fleet import SimulatedFleet
from lockdeck.backend.watch.collector import Collector
from lockdeck.tui.cli.exits import Exit
from lockdeck.tui.cli.main import has_screen, print_plain, run_dashboard
from lockdeck.tui.cli.options import Common
from lockdeck.tui.cli.output import narrate
from lockdeck.tui.operations import Hands

ENOUGH_S = 24.0
"""Without a terminal the story is followed this long (seconds): into the third attempts of the outage."""


def run_demo(seconds: float | None, common: Common) -> Exit:
    """Start the fleet, show it, and leave nothing behind."""
    with SimulatedFleet() as fleet:
        collector = Collector.discover(
            (str(fleet.root),), Settings(), logs=(str(fleet.log_file),), env=fleet.env
        )
        if has_screen():
            journal = Journal(os.path.join(fleet.root, "lockdeck", "journal.jsonl"))
            hands = Hands(journal=journal, env=fleet.env, logs=lambda: (str(fleet.log_file),))
            return run_dashboard(collector, common, seconds, hands)
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
