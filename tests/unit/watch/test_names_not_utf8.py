"""A name that is not UTF-8 is watched as any other."""

from __future__ import annotations

import os
import shutil

import pytest

from lockdeck.backend.settings.records import Settings
from lockdeck.backend.system.procfs import LINUX
from lockdeck.backend.watch.collector import Collector
from tests.unit.fleetdir import FleetDir, actor
from tests.unit.watch.test_collector import running, verdicts

pytestmark = pytest.mark.skipif(not LINUX, reason="macOS keeps no name that is not UTF-8")
NO_RESCAN = Settings(rescan_s=3600.0)


@pytest.fixture
def fleets(tmp_path):
    """Two roots, each with a session."""
    homes = [tmp_path / name for name in ("one", "two")]
    for home in homes:
        home.mkdir()
    return [FleetDir(home) for home in homes]


@pytest.fixture
def not_utf8(fleets):
    """A lock in the first root whose name is not UTF-8."""
    return os.fsencode(fleets[0].sessions()) + b"/\xff.jsonl.lock"


def watching(fleets):
    for fleet in fleets:
        fleet.session()
    given = [str(fleet.root) for fleet in fleets]
    logs = [str(fleet.log) for fleet in fleets]
    return Collector.discover(given, NO_RESCAN, logs=logs, env=fleets[0].env)


def create(name):
    os.close(os.open(name, os.O_CREAT | os.O_WRONLY, 0o600))


def modes(snapshot):
    return [root.watch for root in snapshot.roots]


def test_a_name_that_is_not_utf8_costs_no_event(fleets, not_utf8):
    with running(watching(fleets)) as until, actor() as holder:
        until(lambda s: modes(s) == ["live", "live"], "file events")
        create(not_utf8)
        name = os.path.basename(os.fsdecode(not_utf8))
        until(lambda s: name in verdicts(s) and modes(s) == ["live", "live"], "its lock")
        lock = holder.take(fleets[1].session("agent:main:second"))
        until(lambda s: lock.name in verdicts(s), "a lock in the other root")
        lock = holder.take(fleets[0].session("agent:main:second"))
        until(lambda s: lock.name in verdicts(s), "a lock beside it")
        os.unlink(not_utf8)
        until(lambda s: name not in verdicts(s), "its end")


def test_an_agent_whose_name_is_not_utf8_is_watched_and_shown(fleets):
    agents = os.fsencode(fleets[0].root / "agents")
    with running(watching(fleets)) as until:
        until(lambda s: modes(s) == ["live", "live"], "file events")
        os.makedirs(agents + b"/\xfe/sessions")
        create(agents + b"/\xfe/sessions/a.jsonl.lock")
        until(lambda s: "a.jsonl.lock" in verdicts(s) and modes(s) == ["live", "live"], "its lock")
        shutil.rmtree(agents + b"/\xfe")
        until(lambda s: "a.jsonl.lock" not in verdicts(s), "its end")
