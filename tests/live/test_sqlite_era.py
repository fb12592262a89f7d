"""What lockdeck says about a real OpenClaw that keeps its sessions in SQLite, alone and beside one with lock files."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from lockdeck.backend.actions.cancel.cancel import cancel
from lockdeck.backend.actions.cancel.context import CancelTools
from lockdeck.backend.actions.cancel.ladder import ABORT, RESTART
from lockdeck.backend.actions.cancel.plan import plan_cancel
from lockdeck.backend.actions.cancel.records import CancelOutcome, CancelPlan
from lockdeck.backend.actions.journal import Journal
from lockdeck.backend.model.fleet import RootView, SessionView
from lockdeck.backend.openclaw.log.place import named_log
from lockdeck.backend.settings.records import Settings
from lockdeck.backend.watch.collector import Collector
from tests.live.conftest import InstanceMaker
from tests.live.deck import Watch, by_agent, lockdeck, status, watching
from tests.live.install import Release
from tests.live.instance import Instance
from tests.live.provider import Mode
from tests.live.waiting import eventually

pytestmark = pytest.mark.timeout(1200)
IDLE_TIMEOUT = 10
PATIENCE = 180


@pytest.fixture(scope="module")
def shared(make_instance: InstanceMaker) -> Instance:
    """The latest release, with an idle timeout short enough to wait for."""
    return make_instance("2026.9.6", idle_timeout=IDLE_TIMEOUT)


@pytest.fixture
def instance(shared: Instance) -> Iterator[Instance]:
    """The shared instance with no run going on."""
    shared.start()
    shared.provider.mode(Mode.OK)
    yield shared
    shared.provider.mode(Mode.OK)
    if shared.running:
        for agent in ("silas", "ezra", "juno", "main"):
            shared.client.call("sessions.abort", {"key": f"agent:{agent}:main"})


def told(watch: Watch) -> str:
    roots = [line["root"]["problems"] for line in watch.lines if "root" in line]
    return str({agent: watch.states(agent) for agent in ("main", "silas", "ezra", "juno")}) + str(roots)


def last_root(watch: Watch) -> dict[str, Any]:
    return [line["root"] for line in list(watch.lines) if "root" in line][-1]


def connected(watch: Watch) -> bool:
    return last_root(watch)["gateway"] is not None and not last_root(watch)["problems"]


def test_a_normal_run_is_running_with_its_holder_and_then_idle(instance: Instance) -> None:
    with watching(instance) as watch:
        eventually(lambda: connected(watch), PATIENCE, lambda: told(watch))
        instance.provider.mode(Mode.SLOW)
        run = instance.start_run("main")
        eventually(lambda: "running" in watch.states("main"), PATIENCE, lambda: told(watch))
        run.wait(PATIENCE)
        eventually(lambda: watch.states("main")[-1:] == ["idle"], PATIENCE, lambda: told(watch))
        assert set(watch.states("main")) <= {"idle", "running"}, told(watch)
        holders = [s["holder"] for s in watch.sessions("main") if s["holder"]]
        assert {(h["pid"], h["runId"], h["model"]) for h in holders} >= {
            (instance.gateway_pid, run.id, "atlas/atlas-large")
        }
        assert all(s["lock"] is None for s in watch.sessions("main"))


def test_a_hang_is_rotating_then_stuck_and_ends_with_openclaws_own_brake(instance: Instance) -> None:
    with watching(instance) as watch:
        eventually(lambda: connected(watch), PATIENCE, lambda: told(watch))
        instance.provider.mode(Mode.HANG)
        run = instance.start_run("silas")
        eventually(lambda: "stuck" in watch.states("silas"), PATIENCE, lambda: told(watch))
        instance.start_run("silas", message="are you there?")
        eventually(
            lambda: any(s["holder"]["queueDepth"] for s in _stuck(watch)), PATIENCE, lambda: told(watch)
        )
        code, snapshot = status(instance)
        assert (code, snapshot["roots"][0]["era"]) == (1, "sqlite"), snapshot["sessions"]
        eventually(lambda: _braked(watch), PATIENCE, lambda: told(watch))
        states = watch.states("silas")
        assert states.index("rotating") < states.index("stuck"), states
        began = [s for s in watch.sessions("silas") if s["attempt"] and s["attempt"]["index"] == 1]
        assert {s["attempt"]["total"] for s in began} == {5}, "the worst case counts the retries to come"
        assert all(s["rotation"]["freeBy"] for s in began)
        first = _stuck(watch)[0]
        assert "does not apply" in first["rotation"]["policy"]["sentence"]
        assert (first["rotation"]["timeouts"], first["attempt"]["index"]) == (2, 3), first
        assert (first["holder"]["runId"], first["holder"]["pid"]) == (run.id, instance.gateway_pid)
        assert first["rotation"]["freeBy"] is not None
        assert first["occupation"]["holds"] >= 3
        assert any(s["blocked"]["count"] for s in _stuck(watch))


def test_an_abort_through_the_gateway_frees_the_session(instance: Instance) -> None:
    with watching(instance) as watch:
        eventually(lambda: connected(watch), PATIENCE, lambda: told(watch))
        instance.provider.mode(Mode.HANG)
        instance.start_run("ezra")
        eventually(lambda: "rotating" in watch.states("ezra"), PATIENCE, lambda: told(watch))
        instance.client.call("sessions.abort", {"key": "agent:ezra:main"})
        eventually(lambda: watch.states("ezra")[-1:] == ["idle"], PATIENCE, lambda: told(watch))
        assert watch.sessions("ezra")[-1]["holder"] is None


def test_a_cancel_in_the_middle_of_a_hang_is_verified(instance: Instance, tmp_path: Path) -> None:
    instance.provider.mode(Mode.HANG)
    run = instance.start_run("ezra")
    logs = (str(instance.log_file),)
    watching_it = Collector.discover([str(instance.root)], Settings(), logs=logs, env=dict(instance.env))

    def hanging() -> tuple[SessionView, RootView] | None:
        snapshot = watching_it.look()
        found = [s for s in snapshot.sessions if s.key == run.session_key and s.holder and s.holder.run_id]
        return (found[0], snapshot.roots[0]) if found else None

    try:
        session, root = eventually(hanging, PATIENCE, "the session with its run")
    finally:
        watching_it.close()
    journal = Journal(str(tmp_path / "state" / "journal.jsonl"))
    plan = plan_cancel(
        session, root, env=dict(instance.env), logs=tuple(map(named_log, logs)), folder=journal.folder
    )
    assert (plan.version, plan.run_id, plan.refusal) == ("2026.9.6", run.id, ()), plan.to_json()
    instance.provider.forget()
    outcome = cancel(plan, allow={ABORT}, tools=CancelTools(journal))
    assert outcome.status == "cancelled", outcome.to_json()
    assert not instance.provider.requests, "the run went on with another attempt"
    row = next(r for r in instance.client.call("sessions.list")["sessions"] if r["key"] == run.session_key)
    assert (row["hasActiveRun"], row["status"]) == (False, "killed")


def seen_until(
    instance: Instance, env: dict[str, str], fits: Callable[[SessionView], object]
) -> tuple[SessionView, RootView]:
    """Look with a collector of our own until a session fits."""
    logs = [str(instance.log_file)]
    watching_it = Collector.discover([str(instance.root)], Settings(), logs=logs, env=env)

    def found() -> tuple[SessionView, RootView] | None:
        snapshot = watching_it.look()
        session = next((s for s in snapshot.sessions if fits(s)), None)
        return None if session is None else (session, snapshot.roots[0])

    try:
        return eventually(found, PATIENCE, "the session")
    finally:
        watching_it.close()


def ended(instance: Instance, plan: CancelPlan, journal: Journal) -> CancelOutcome:
    """End the gateway as planned; the instance is ready to be started again."""
    old = instance.gateway_pid
    told: list[str] = []
    outcome = cancel(plan, allow={RESTART}, tools=CancelTools(journal, report=told.append))
    assert "up to 315 s" in told[0]
    assert not psutil.pid_exists(old) or psutil.Process(old).status() == psutil.STATUS_ZOMBIE, (
        outcome.sentences
    )
    instance.sigkill()  # nothing is left to kill: the harness lets go of it
    return outcome


def test_the_last_rung_ends_the_gateway_and_the_run_does_not_come_back(
    instance: Instance, tmp_path: Path
) -> None:
    instance.provider.mode(Mode.HANG)
    run = instance.start_run("ezra")
    instance.start_run("juno")
    env = dict(instance.env)
    session, root = seen_until(
        instance, env, lambda s: s.key == run.session_key and s.holder and s.holder.run_id
    )
    journal = Journal(str(tmp_path / "state" / "journal.jsonl"))
    plan = plan_cancel(
        session, root, env=env, logs=(named_log(str(instance.log_file)),), folder=journal.folder
    )
    assert [rung.name for rung in plan.rungs] == ["abort", "reset", "restart"], plan.to_json()
    assert any("1 other session: agent:juno:main" in loss for loss in plan.rungs[-1].loses), plan.to_json()
    assert plan.pid == instance.gateway_pid
    outcome = ended(instance, plan, journal)
    assert (outcome.status, outcome.rung) == ("cancelled", RESTART), outcome.to_json()
    assert "no gateway serves this root until one is started" in outcome.sentences[0]
    instance.provider.forget()
    instance.start()
    with watching(instance) as watch:
        eventually(lambda: connected(watch), PATIENCE, lambda: told(watch))
        eventually(lambda: watch.states("ezra"), PATIENCE, lambda: told(watch))
        assert "running" not in watch.states("ezra"), told(watch)
        assert not instance.provider.requests


def test_without_access_the_gateway_can_still_be_ended(instance: Instance, tmp_path: Path) -> None:
    config = json.loads((instance.root / "openclaw.json").read_text())
    config["gateway"]["auth"] = {"mode": "token"}
    (tmp_path / "openclaw.json").write_text(json.dumps(config))
    env = {**instance.env, "OPENCLAW_CONFIG_PATH": str(tmp_path / "openclaw.json")}
    instance.provider.mode(Mode.HANG)
    instance.start_run("juno")
    session, root = seen_until(instance, env, lambda s: s.occupation is not None and s.rotation is not None)
    journal = Journal(str(tmp_path / "state" / "journal.jsonl"))
    plan = plan_cancel(
        session, root, env=env, logs=(named_log(str(instance.log_file)),), folder=journal.folder
    )
    assert [rung.name for rung in plan.rungs] == ["restart"], plan.to_json()
    assert plan.pid == instance.gateway_pid
    assert any("can't be known without access" in loss for loss in plan.rungs[0].loses), plan.to_json()
    outcome = ended(instance, plan, journal)
    assert outcome.status == "cancelled", outcome.to_json()


def test_a_root_that_openclaw_itself_migrates_changes_its_era_under_our_eyes(
    make_instance: InstanceMaker, openclaw: Callable[[str], Release]
) -> None:
    instance = make_instance("2026.7.35", idle_timeout=IDLE_TIMEOUT)
    instance.start_run("silas").wait(PATIENCE)
    with watching(instance) as watch:
        instance.provider.mode(Mode.HANG)
        instance.start_run("main")
        eventually(lambda: "held" in verdicts(watch), PATIENCE, lambda: str(verdicts(watch)))
        assert eras(watch) == ["files"]
        instance.sigkill()  # so that its lock is left behind
        instance.provider.mode(Mode.OK)
        instance.upgrade(openclaw("2026.9.6"))
        instance.start()
        eventually(lambda: connected(watch), PATIENCE, lambda: told(watch) + instance.console[-2000:])
        eventually(lambda: verdicts(watch)[-1:] == ["litter"], PATIENCE, lambda: str(verdicts(watch)))
        assert eras(watch) == ["files", "sqlite"]
        assert (last_root(watch)["version"], last_root(watch)["gateway"]["pid"]) == (
            "2026.9.6",
            instance.gateway_pid,
        )
        instance.provider.mode(Mode.SLOW)
        run = instance.start_run("silas", message="are you still there?")
        eventually(lambda: watch.states("silas")[-1] == "running", PATIENCE, lambda: told(watch))
        holder = watch.sessions("silas")[-1]["holder"]
        assert (holder["pid"], holder["runId"]) == (instance.gateway_pid, run.id)
        run.wait(PATIENCE)
        eventually(lambda: watch.states("silas")[-1] == "idle", PATIENCE, lambda: told(watch))
    _, snapshot = status(instance)
    assert {s["key"] for s in snapshot["sessions"]} >= {"agent:main:main", "agent:silas:main"}


def eras(watch: Watch) -> list[str]:
    """The eras that the root went through, repeats left out."""
    told_eras = [line["root"]["era"] for line in list(watch.lines) if "root" in line]
    return [era for at, era in enumerate(told_eras) if era not in told_eras[at - 1 : at]]


def verdicts(watch: Watch) -> list[str]:
    """Every verdict on the session lock of the agent main, oldest first."""
    locks = [line["lock"] for line in list(watch.lines) if "lock" in line]
    return [lock["verdict"] for lock in locks if lock["agent"] == "main" and lock["kind"] == "session"]


def test_a_killed_gateway_is_one_line_and_a_new_one_is_followed_by_itself(instance: Instance) -> None:
    with watching(instance) as watch:
        eventually(lambda: connected(watch), PATIENCE, lambda: told(watch))
        instance.provider.mode(Mode.HANG)
        instance.start_run("juno")
        eventually(lambda: "running" in watch.states("juno"), PATIENCE, lambda: told(watch))
        instance.sigkill()
        # At first it is only silent; that it is gone is told by the next look at its lock.
        eventually(
            lambda: any("gateway is not running" in p for p in last_root(watch)["problems"]),
            PATIENCE,
            lambda: told(watch),
        )
        eventually(lambda: watch.states("juno")[-1] != "running", PATIENCE, lambda: told(watch))
        instance.provider.mode(Mode.OK)
        instance.start()
        eventually(lambda: connected(watch), PATIENCE, lambda: told(watch))
        assert last_root(watch)["gateway"]["pid"] == instance.gateway_pid


@pytest.mark.parametrize(
    ("auth", "words"), [({}, "no access to the gateway"), ({"token": "not-the-token"}, "refuses the token")]
)
def test_without_access_the_log_tells_what_it_can_and_one_line_says_how_to_get_it(
    instance: Instance, tmp_path: Path, auth: dict[str, str], words: str
) -> None:
    root = _without_access(instance, tmp_path, auth)
    instance.provider.mode(Mode.HANG)
    before = _retries(instance)
    instance.start_run("juno")
    eventually(lambda: _retries(instance) >= before + 2, PATIENCE, "two retries in the log")
    # A gateway locks out who shows it a wrong token again and again: few looks, no loop.
    for _ in range(3):
        code, snapshot, _told = lockdeck(instance, "status", str(root), "--log", str(instance.log_file))
        assert instance.token not in json.dumps(snapshot)
        assert "not-the-token" not in json.dumps(snapshot)
        problems = snapshot["roots"][0]["problems"]
        if any(words in problem for problem in problems):
            break
    assert [p for p in problems if words in p and "OPENCLAW_GATEWAY_TOKEN" in p], problems
    stuck = [s for s in snapshot["sessions"] if s["state"] == "stuck"]
    assert (code, len(stuck)) == (1, 1), snapshot["sessions"]
    assert any("names no session" in reason for reason in stuck[0]["reasons"]), stuck


def test_one_lockdeck_shows_a_root_of_each_era_side_by_side(
    instance: Instance, make_instance: InstanceMaker
) -> None:
    older = make_instance("2026.4.5", run_timeout=15)
    for one in (instance, older):
        one.provider.mode(Mode.HANG)
        one.start_run("silas")
    roots = (str(instance.root), str(older.root))
    words = ("status", *roots, "--log", str(instance.log_file), "--log", str(older.log_file))

    def both() -> dict[str, Any] | None:
        _, snapshot, _ = lockdeck(instance, *words)
        seen = {s["root"]: s for s in snapshot["sessions"] if s["key"] == "agent:silas:main"}
        return snapshot if len(seen) == 2 and all(s["occupation"] for s in seen.values()) else None

    snapshot = eventually(both, PATIENCE, "both sessions occupied")
    assert {r["path"]: (r["era"], r["version"]) for r in snapshot["roots"]} == {
        str(instance.root): ("sqlite", "2026.9.6"),
        str(older.root): ("files", "2026.4.5"),
    }
    new = by_agent({"sessions": [s for s in snapshot["sessions"] if s["root"] == str(instance.root)]})[
        "silas"
    ]
    old = by_agent({"sessions": [s for s in snapshot["sessions"] if s["root"] == str(older.root)]})["silas"]
    assert new["lock"] is None
    assert new["holder"]["pid"] == instance.gateway_pid
    assert old["holder"] is None
    assert old["lock"]["pid"] == older.gateway_pid


def _retries(instance: Instance) -> int:
    # Counted by line: each holds its message twice.
    return sum("same-model retry" in line for line in instance.log_file.read_text().splitlines())


def _stuck(watch: Watch) -> list[dict[str, Any]]:
    return [s for s in watch.sessions("silas") if s["state"] == "stuck" and s["holder"]]


def _braked(watch: Watch) -> bool:
    rotations = [s["rotation"] for s in watch.sessions("silas") if s["rotation"]]
    return any(a["decision"] == "idle_breaker" for r in rotations for a in r["attempts"])


def _without_access(instance: Instance, folder: Path, auth: dict[str, str]) -> Path:
    """The same agents under another root, whose config has no token, or a wrong one."""
    root = folder / "root"
    root.mkdir()
    (root / "agents").symlink_to(instance.root / "agents")
    config = json.loads((instance.root / "openclaw.json").read_text())
    config["gateway"]["auth"] = {"mode": "token", **auth}
    (root / "openclaw.json").write_text(json.dumps(config))
    return root
