"""What an agent tells first is what a single look sees, for which gateways get a moment to answer."""

from __future__ import annotations

import threading

from lockdeck.backend.actions.journal import Journal
from lockdeck.backend.hosts.agent import HostAgent
from lockdeck.backend.hosts.asks import Role
from lockdeck.backend.model.fleet import FleetSnapshot
from lockdeck.backend.settings.records import Settings


class TwoLooks:
    """A collector whose single look knows more than the first picture of its run."""

    settings = Settings()
    log_places = ()

    def look(self):
        return FleetSnapshot(1.0, "alpha", notes=("asked the gateways",), sequence=1)

    def run(self, publish, stop):
        self.first = self.agent.board.newest(0)


def test_the_first_picture_is_that_of_a_single_look(tmp_path):
    collector = TwoLooks()
    journal = Journal(str(tmp_path / "state" / "journal.jsonl"))
    collector.agent = HostAgent(collector, threading.Event(), Role.VIEWER, journal, "here")
    collector.agent.run()
    assert collector.first is not None
    assert collector.first.notes == ("asked the gateways",)
