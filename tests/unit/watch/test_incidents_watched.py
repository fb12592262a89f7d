"""The cause as the collector sees it: one line for the outage of the simulated fleet, gone when the provider answers."""

from __future__ import annotations

import json
import threading

from jsonschema import Draft202012Validator, FormatChecker

from lockdeck.backend.model.fleet import FleetSnapshot
from lockdeck.backend.model.wire import dumps, snapshot_json
from lockdeck.backend.settings.records import Settings
from lockdeck.backend.simulate.fleet import SimulatedFleet
from lockdeck.backend.watch.collector import Collector
from tests.folders import DOCS

AGENTS = ("ezra", "juno", "main", "silas")
LIMIT_S = 100


def test_the_outage_of_a_fleet_is_one_line_about_its_provider_until_that_answers(tmp_path):
    seen: list[FleetSnapshot] = []
    over = threading.Event()

    def publish(snapshot: FleetSnapshot) -> None:
        whole = [s for s in seen if s.incidents and s.incidents[0].agents == AGENTS]
        if snapshot.incidents or whole:
            seen.append(snapshot)
        if whole and not snapshot.incidents:
            over.set()

    with SimulatedFleet(tmp_path, pace=2.0) as fleet:
        collector = Collector.discover(
            (str(fleet.root),), Settings(), logs=(str(fleet.log_file),), env=fleet.env
        )
        timer = threading.Timer(LIMIT_S, over.set)
        timer.daemon = True
        timer.start()
        collector.run(publish, over)
        timer.cancel()
    told = [snapshot.incidents for snapshot in seen if snapshot.incidents]
    assert {len(incidents) for incidents in told} == {1}
    assert {incident.kind for (incident,) in told} == {"provider"}
    assert {incident.subjects[0] for (incident,) in told} == {"atlas"}
    assert seen[-1].incidents == ()
    widest = max(seen, key=lambda snapshot: len(snapshot.incidents and snapshot.incidents[0].agents))
    assert widest.incidents[0].agents == AGENTS
    schema = json.loads((DOCS / "status.schema.json").read_text())
    shown = json.loads(dumps(snapshot_json(widest)))
    Draft202012Validator(schema, format_checker=FormatChecker()).validate(shown)
    assert shown["incidents"][0]["sessions"] == [f"agent:{agent}:main" for agent in AGENTS]
