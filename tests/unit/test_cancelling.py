"""`lockdeck cancel` on the simulated gateway: plan, one session, all of a gateway, and what is refused."""

from __future__ import annotations

import json
import threading

import pytest

from backend.model.fleet import FleetSnapshot
from backend.settings import Settings
from backend.simulate.fleet import SimulatedFleet
from backend.watch.collector import Collector
from tests.unit.fleetdir import lockdeck

KEYS = {f"agent:{agent}:main" for agent in ("main", "silas", "ezra", "juno")}
SECONDS = 90


@pytest.fixture(scope="module")
def fleet(tmp_path_factory):
    """A simulated fleet in the middle of its outage: all four agents are held by the gateway."""
    with SimulatedFleet(tmp_path_factory.mktemp("fleet"), pace=14.0) as running:
        collector = Collector.discover(
            (str(running.root),), Settings(), logs=(str(running.log_file),), env=running.env
        )
        everybody = threading.Event()

        def publish(snapshot: FleetSnapshot) -> None:
            held = {s.key for s in snapshot.sessions if s.lock and s.lock.judgement.verdict == "held"}
            if held >= KEYS and snapshot.generated_at - min(_holds(snapshot)) > 2:
                everybody.set()

        thread = threading.Thread(target=collector.run, args=(publish, everybody), daemon=True)
        thread.start()
        assert everybody.wait(SECONDS)
        thread.join(10)
        yield running


def _holds(snapshot: FleetSnapshot):
    return [s.occupation.recent[-1].started_at for s in snapshot.sessions if s.key in KEYS and s.occupation]


def run(fleet, tmp_path, *words):
    words = ["cancel", *words, "--root", str(fleet.root), "--log", str(fleet.log_file), "--json"]
    done = lockdeck(*words, env={**fleet.env, "LOCKDECK_STATE_DIR": str(tmp_path / "state")}, text=True)
    return done.returncode, json.loads(done.stdout) if done.stdout else None, done


def test_a_dry_run_prints_the_ladder_and_changes_nothing(fleet, tmp_path):
    code, plan, _ = run(fleet, tmp_path, "agent:silas:main", "--dry-run")
    assert code == 0
    [ladder] = plan["plans"]
    assert [rung["name"] for rung in ladder["rungs"]] == ["stop", "reset", "restart"]
    assert all(rung["loses"] for rung in ladder["rungs"])
    assert ladder["holder"] == {"pid": fleet.gateway_pid, "gateway": True}
    assert not (tmp_path / "state" / "journal.jsonl").exists()


def test_read_only_cancels_nothing(fleet, tmp_path):
    code, _, done = run(fleet, tmp_path, "agent:silas:main", "--read-only")
    assert (code, "read-only mode" in done.stderr) == (3, True)


def test_an_unknown_session_is_wrong_use_and_the_way_out_is_named(fleet, tmp_path):
    code, _, done = run(fleet, tmp_path, "agent:nobody:main")
    assert (code, "lockdeck status" in done.stderr) == (2, True)


def test_one_command_cancels_all_of_a_gateway_verified_and_no_token_is_told(fleet, tmp_path):
    code, told, done = run(fleet, tmp_path, "--all")
    assert code == 0, told
    results = {result["key"]: result for result in told["results"]}
    assert set(results) == KEYS
    for result in results.values():
        assert (result["status"], result["rung"]) == ("cancelled", "stop")
        assert result["freeAfterMs"] < 2000
        assert result["verifiedMs"] >= 5000
    journal = (tmp_path / "state" / "journal.jsonl").read_text()
    assert fleet.token not in done.stdout + done.stderr + journal
