"""`lockdeck cancel` on the simulated gateway: plan, one session, all of a gateway, and what is refused."""

from __future__ import annotations

import io
import json
import threading

import click
import pytest
from msgspec.structs import replace

from lockdeck.backend.actions.cancel.records import CancelOutcome, CancelPlan, GatewayRoute
from lockdeck.backend.model.fleet import FleetSnapshot, State
from lockdeck.backend.model.incidents.records import Incident, IncidentKind, Symptom
from lockdeck.backend.openclaw.roots.config import Config
from lockdeck.backend.openclaw.roots.place import RootPlaces
from lockdeck.backend.settings.records import Settings
from lockdeck.backend.simulate.fleet import SimulatedFleet
from lockdeck.backend.watch.collector import Collector
from lockdeck.tui.cli import cancel as cancelling
from tests.tui import samples
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
    code, ladder, _ = run(fleet, tmp_path, "agent:silas:main", "--dry-run")
    assert (code, ladder["schema"], ladder["status"]) == (0, 2, "dry-run")
    assert [rung["name"] for rung in ladder["rungs"]] == ["stop", "reset", "restart"]
    assert all(rung["loses"] for rung in ladder["rungs"])
    holder = ladder["holder"]
    assert (holder["pid"], holder["gateway"]) == (fleet.gateway_pid, True)
    assert holder["argv"].startswith("openclaw-gateway")
    assert set(holder["otherSessions"]) == KEYS - {"agent:silas:main"}
    assert not (tmp_path / "state" / "journal.jsonl").exists()


@pytest.mark.parametrize(
    ("words", "keys"),
    [
        (("agent:silas:main", "agent:ezra:main"), ["agent:silas:main", "agent:ezra:main"]),
        (("--all", "--read-only"), None),
    ],
)
def test_several_keys_and_all_are_always_answered_with_a_list(fleet, tmp_path, words, keys):
    _, told, _ = run(fleet, tmp_path, *words, "--dry-run")
    found = [plan["key"] for plan in told["plans"]]
    assert (found == keys) if keys else set(found) == KEYS


def test_a_provider_means_the_sessions_of_its_incident_alone():
    snapshot = samples.incident()
    silas = next(s for s in snapshot.sessions if s.agent == "silas" and s.state is State.STUCK)
    idle = next(s for s in snapshot.sessions if s.state is State.IDLE)
    members = (silas.identity, idle.identity)
    incident = Incident(IncidentKind.PROVIDER, ("copilot", "openai"), Symptom.SILENT, 0.0, members=members)
    known = replace(snapshot, incidents=(incident,))
    assert cancelling.waiting_for(known, ("openai",)) == [silas]
    with pytest.raises(click.UsageError, match=r"nothing shows that ollama answers nobody .*copilot, openai"):
        cancelling.waiting_for(known, ("ollama",))


def test_a_key_that_is_named_twice_is_one_key(fleet, tmp_path):
    _, told, _ = run(fleet, tmp_path, "agent:silas:main", "agent:silas:main", "--dry-run")
    assert told["key"] == "agent:silas:main"


def outcome(key, *sentences):
    return CancelOutcome("still-rotating", key, sentences=sentences)


def carried_out(monkeypatch, tmp_path, request):
    """Carry out plans for the keys of a request where each cancel tells `seen` and ends with two sentences."""

    def cancel_many(plans, *, tools, progress, **_more):
        for plan in plans:
            progress(plan, None)
            tools.report("seen")
        return [(plan, outcome(plan.key, "seen", "next rung: reset")) for plan in plans]

    monkeypatch.setenv("LOCKDECK_STATE_DIR", str(tmp_path))
    monkeypatch.setattr(cancelling, "cancel_many", cancel_many)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    route = GatewayRoute(
        RootPlaces("/root", "files", own_namespace=False), Config("/root"), {}, str(tmp_path)
    )
    plans = [CancelPlan(key, "/root", 0.0, route) for key in request.keys]
    return cancelling._carry_out(plans, request)


def asked(*keys, **changes):
    plain = {
        "everything": False,
        "providers": (),
        "allow": (),
        "dry_run": False,
        "as_json": False,
        "read_only": False,
    }
    return cancelling.CancelRequest(
        keys, **(plain | {"url": None, "fingerprint": None, "logs": ()} | changes)
    )


def test_progress_is_narrated_and_not_repeated_as_data(monkeypatch, tmp_path, capsys):
    code = carried_out(monkeypatch, tmp_path, asked("a", "b"))
    told = capsys.readouterr()
    assert code == 1
    plan = "2 sessions to cancel, one after the other, each verified:\n"
    plan += "".join(f"  {key}: nothing: no rung can be had\n" for key in "ab")
    assert told.err == f"{plan}a:\n  seen\nb:\n  seen\n"
    assert told.out == "a: still-rotating\n  next rung: reset\nb: still-rotating\n  next rung: reset\n"


@pytest.mark.parametrize(("keys", "flat"), [(("a",), True), (("a", "b"), False)])
def test_the_shape_of_the_answer_follows_from_the_question(monkeypatch, tmp_path, capsys, keys, flat):
    carried_out(monkeypatch, tmp_path, asked(*keys, as_json=True))
    told = json.loads(capsys.readouterr().out)
    results = [told] if flat else told["results"]
    assert [(found["key"], found["sentences"]) for found in results] == [
        (key, ["seen", "next rung: reset"]) for key in keys
    ]


def test_all_that_finds_nothing_or_one_is_a_list_too():
    for bodies in ([], [{"key": "a"}]):
        assert cancelling._shaped(bodies, asked(everything=True), "results") == {"results": bodies}


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


def test_what_is_not_known_needs_a_person_and_is_no_success():
    assert cancelling._exit(CancelOutcome("not-known", "a")) == 1
    route = GatewayRoute(RootPlaces("/root", "files", own_namespace=False), Config("/root"), {}, "/deck")
    plans = [
        CancelPlan("a", "/root", 0.0, route, **more) for more in ({"nothing": True}, {"not_known": ("why",)})
    ]
    assert cancelling._exit_of_plans(plans[:1], read_only=False) == 0
    assert cancelling._exit_of_plans(plans, read_only=False) == 1
    assert cancelling._exit_of_plans(plans, read_only=True) == 3


def test_everything_means_of_the_gateways_and_hides_nothing_that_is_not_known(capsys):
    route = GatewayRoute(RootPlaces("/root", "files", own_namespace=False), Config("/root"), {}, "/deck")
    kinds = ({"is_gateway": True}, {"not_known": ("why",)}, {"nothing": True}, {"pid": 4711})
    plans = [CancelPlan(str(at), "/root", 0.0, route, **more) for at, more in enumerate(kinds)]
    assert cancelling._of_gateways(plans) == plans[:3]
    assert capsys.readouterr().err == "3: left alone, its holder is not the gateway\n"
