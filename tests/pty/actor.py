"""Runs the dashboard in a terminal of the test's, with a source that plays a part: `python -m tests.pty.actor PART`."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable

from lockdeck.backend.model.fleet import FleetSnapshot
from lockdeck.tui import entry
from lockdeck.tui.run import run_dashboard
from lockdeck.tui.snapshots import Source
from tests.ownprocesses import narrow_to_the_starters
from tests.tui.samples import NOW, hostile, incident


class Calm:
    """Publishes one snapshot."""

    def __init__(self, snapshot: FleetSnapshot) -> None:
        self.snapshot = snapshot

    def run(self, publish: Callable[[FleetSnapshot], None], stop: threading.Event) -> None:
        publish(self.snapshot)
        stop.wait()


class Hanging(Calm):
    """Publishes one snapshot, then hangs as in a read that never returns."""

    def run(self, publish: Callable[[FleetSnapshot], None], stop: threading.Event) -> None:
        publish(self.snapshot)
        threading.Event().wait()


def real() -> Source:
    """Watch a real root, with pauses and boxes small enough for a test."""
    from lockdeck.backend.openclaw.gateway import client as gateway
    from lockdeck.backend.settings.records import Settings
    from lockdeck.backend.watch.collector import Collector
    from lockdeck.backend.watch.gateway_feed import feed, inbox

    gateway.CONNECT_S = gateway.CALL_S = feed.ANSWER_S = feed.LIST_S = 0.5
    feed.LONGEST_PAUSE_S = 0.5
    inbox.MOST_EVENTS = 64  # few enough that a flood fills it however slow the machine is
    return Collector.discover([os.environ["LOCKDECK_TEST_ROOT"]], Settings())


def broken_clock() -> float:
    """Fail with a secret in a local variable, as a bug would."""
    secret = "s3cr3t-TOKEN"
    if threading.active_count() > 1:
        raise ValueError(f"clock broke after {len(secret)} characters")
    return NOW


def main() -> int:
    narrow_to_the_starters()
    part = sys.argv[1]
    source = {"hostile": Calm(hostile()), "hanging": Hanging(incident())}.get(part, Calm(incident()))
    if part == "command-line":
        sys.argv[1:] = json.loads(os.environ["LOCKDECK_TEST_WORDS"])
        entry.main()
    if part == "root":
        return run_dashboard(real(), theme_folders=())
    clock = broken_clock if part == "broken" else lambda: NOW
    seconds = 0.2 if part == "brief" else None
    return run_dashboard(source, clock=clock, theme_folders=(), seconds=seconds, mouse=part != "mouseless")


if __name__ == "__main__":
    sys.exit(main())
