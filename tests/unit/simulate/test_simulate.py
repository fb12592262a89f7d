"""The demo fleet as an outsider sees it: real processes, real locks, real log lines."""

from __future__ import annotations

import json
import os
import signal
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import psutil
import pytest
from watchfiles import watch

from lockdeck.backend.actions.release.newcomers import NEWCOMER_S
from lockdeck.backend.simulate.cast import CRASHED, LEAKED, LOCAL, digest
from lockdeck.backend.simulate.cli import HOLD_S, REST_S, TURNS
from lockdeck.backend.simulate.fleet import SimulatedFleet
from lockdeck.backend.simulate.tempo import DEFAULT_PACE, Tempo

linux_only = pytest.mark.skipif(
    not Path("/proc/self/fd").exists(), reason="needs /proc to see open descriptors"
)
PACE = 0.6
T = TypeVar("T")


def eventually(fleet: SimulatedFleet, look: Callable[[], T | None], what: str, seconds: float = 45) -> T:
    """Look again at every change under the fleet's root until there is something to see."""
    deadline = time.monotonic() + seconds
    for _ in watch(
        fleet.root, watch_filter=None, yield_on_timeout=True, rust_timeout=200, debounce=20, step=10
    ):
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, f"not seen within {seconds} s: {what}"
    raise AssertionError("the watch ended")


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedFleet]:
    with SimulatedFleet(tmp_path_factory.mktemp("fleet"), pace=PACE) as running:
        yield running


def entry(fleet: SimulatedFleet, key: str) -> dict:
    agent = key.split(":")[1]
    return json.loads((fleet.root / "agents" / agent / "sessions" / "sessions.json").read_text())[key]


def lock_of(fleet: SimulatedFleet, key: str) -> Path:
    return Path(entry(fleet, key)["sessionFile"] + ".lock")


def payload(lock: Path) -> dict | None:
    try:
        return json.loads(lock.read_bytes())
    except (OSError, ValueError):
        return None


def has_open(pid: int, lock: Path) -> bool:
    try:
        return any(os.readlink(f"/proc/{pid}/fd/{fd}") == str(lock) for fd in os.listdir(f"/proc/{pid}/fd"))
    except OSError:
        return False


def start_ticks(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[19])


def held_by(fleet: SimulatedFleet, key: str, pid: int | None = None) -> dict | None:
    """Return the payload when the process it names has the file open at this moment."""
    lock = lock_of(fleet, key)
    said = payload(lock)
    if said is None or pid not in (None, said["pid"]) or not has_open(said["pid"], lock):
        return None
    return said


def log_lines(fleet: SimulatedFleet) -> list[dict]:
    """Return the complete lines; a line that is being written has no newline yet."""
    return [json.loads(line) for line in fleet.log_file.read_bytes().split(b"\n")[:-1]]


def events(fleet: SimulatedFleet, name: str) -> list[dict]:
    metas = (line.get("1") for line in log_lines(fleet))
    return [meta for meta in metas if isinstance(meta, dict) and meta["event"] == name]


@linux_only
@pytest.mark.parametrize("agent", ["main", "silas", "ezra", "juno"])
def test_the_gateway_holds_every_agents_lock_open_under_its_own_pid(fleet, agent):
    said = eventually(fleet, lambda: held_by(fleet, f"agent:{agent}:main", fleet.gateway_pid), "a held lock")
    assert said["starttime"] == start_ticks(fleet.gateway_pid)
    assert list(said) == ["pid", "createdAt", "starttime"]


@linux_only
def test_a_lock_is_released_and_taken_anew_for_every_attempt(fleet):
    holds: dict[str, int] = {}

    def look() -> bool:
        said = payload(lock_of(fleet, "agent:silas:main"))
        if said is not None:
            holds[said["createdAt"]] = said["pid"]
        return len(holds) >= 5

    eventually(fleet, look, "five holds")
    assert set(holds.values()) == {fleet.gateway_pid}


def test_the_crashed_holder_is_gone_and_not_a_zombie(fleet):
    def look() -> bool:
        said = payload(lock_of(fleet, CRASHED))
        return said is not None and not psutil.pid_exists(said["pid"])

    eventually(fleet, look, "a lock whose pid is gone")


@linux_only
def test_the_leaked_lock_names_a_living_process_that_has_closed_it(fleet):
    def look() -> dict | None:
        lock = lock_of(fleet, LEAKED)
        said = payload(lock)
        return said if said and psutil.pid_exists(said["pid"]) and not has_open(said["pid"], lock) else None

    said = eventually(fleet, look, "a leaked lock")
    assert said["starttime"] == start_ticks(said["pid"])


@linux_only
def test_a_command_line_process_holds_the_lock_of_its_own_session(fleet):
    said = eventually(fleet, lambda: held_by(fleet, LOCAL), "a local holder")
    argv = psutil.Process(said["pid"]).cmdline()
    assert said["pid"] != fleet.gateway_pid
    assert argv[0] == "openclaw"
    assert "--local" in argv


def test_the_local_process_outlasts_by_far_what_a_release_waits_for_the_young():
    assert Tempo(DEFAULT_PACE).scaled(TURNS * (HOLD_S + REST_S)) >= 8 * NEWCOMER_S


def test_the_gateway_looks_like_openclaws(fleet):
    assert psutil.Process(fleet.gateway_pid).cmdline()[0] == "openclaw-gateway"
    (lock,) = (Path(fleet.env["TMPDIR"]) / f"openclaw-{os.getuid()}").glob("gateway.*.lock")
    said = json.loads(lock.read_bytes())
    assert said["pid"] == fleet.gateway_pid
    assert said["configPath"] == str(fleet.root / "openclaw.json")


def test_a_hang_costs_five_attempts_over_three_models(fleet):
    def look() -> list[dict] | None:
        decisions: dict[str, list[dict]] = {}
        for meta in events(fleet, "embedded_run_failover_decision"):
            decisions.setdefault(meta["runId"], []).append(meta)
        return next((run for run in decisions.values() if len(run) == 5), None)

    run = eventually(fleet, look, "a run with five decisions")
    told = [(meta["decision"], meta["profileId"], meta["provider"]) for meta in run]
    assert told == [
        ("rotate_profile", digest("atlas:alpha"), "atlas"),
        ("fallback_model", digest("atlas:beta"), "atlas"),
        ("rotate_profile", digest("borealis:alpha"), "atlas"),
        ("fallback_model", digest("borealis:beta"), "borealis"),
        ("fallback_model", digest("cygnus:solo"), "borealis"),
    ]
    assert all(meta["timedOut"] and meta["failoverReason"] == "timeout" for meta in run)


def test_every_log_line_has_the_shape_of_2026_4_5(fleet):
    eventually(fleet, lambda: events(fleet, "model_fallback_decision"), "a failed candidate")
    for line in log_lines(fleet):
        assert {"0", "_meta", "time"} <= line.keys()
        assert line["_meta"]["logLevelName"] in {"INFO", "WARN", "ERROR"}
        assert line["_meta"]["date"].endswith("Z")
        if "1" in line:
            assert json.loads(line["0"]) == json.loads(line["_meta"]["name"])


def test_a_blocked_caller_names_the_gateways_pid_and_the_lock(fleet):
    def look() -> str | None:
        previews = (meta["errorPreview"] for meta in events(fleet, "model_fallback_decision"))
        return next((text for text in previews if text.startswith("session file locked")), None)

    path = lock_of(fleet, "agent:silas:main")
    text = eventually(fleet, look, "a caller that gave up")
    assert text == f"session file locked (timeout 10000ms): pid={fleet.gateway_pid} {path}"


def test_a_timed_out_attempt_leaves_a_prompt_error_that_joins_run_and_session(fleet):
    def look() -> dict | None:
        path = Path(entry(fleet, "agent:ezra:main")["sessionFile"])
        lines = map(json.loads, path.read_bytes().split(b"\n")[:-1])
        return next((line for line in lines if line.get("customType") == "openclaw:prompt-error"), None)

    data = eventually(fleet, look, "a prompt error")["data"]
    assert data["sessionId"] == entry(fleet, "agent:ezra:main")["sessionId"]
    assert data["runId"]


def test_after_the_outage_the_fleet_answers_again(fleet):
    def look() -> bool:
        told = [line["1"] if "1" in line else line["0"] for line in log_lines(fleet)]
        failed = next((i for i, text in enumerate(told) if "All models failed" in str(text)), len(told))
        return any(str(text).startswith("Hello from") for text in told[failed:])

    eventually(fleet, look, "an answer after the failure")


@linux_only
def test_rounds_go_on_while_the_local_process_does(fleet):
    local = eventually(fleet, lambda: held_by(fleet, LOCAL), "a local holder")
    asked = len(events(fleet, "embedded_run_failover_decision"))

    def later():
        return len(events(fleet, "embedded_run_failover_decision")) >= asked + 40

    eventually(fleet, later, "two more outages", seconds=200)
    eventually(fleet, lambda: held_by(fleet, LOCAL, local["pid"]), "a later run of the same process")


def test_the_configuration_promises_the_attempts_that_are_played(fleet):
    config = json.loads((fleet.root / "openclaw.json").read_text())
    assert config["agents"]["defaults"]["timeoutSeconds"] == PACE
    assert config["agents"]["defaults"]["llm"]["idleTimeoutSeconds"] == PACE
    assert [len(profiles) for profiles in config["auth"]["order"].values()] == [2, 2, 1]
    assert config["gateway"]["port"] == fleet.port
    assert config["gateway"]["auth"] == {"mode": "token", "token": fleet.token}


def test_transcripts_stores_and_credentials_are_private(fleet):
    for path in (fleet.root / "openclaw.json", *fleet.root.glob("agents/*/sessions/*.jsonl")):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_terminated_gateway_takes_its_locks_and_children_along_but_not_the_files(tmp_path):
    with SimulatedFleet(tmp_path, pace=5.0) as fleet:
        lock = lock_of(fleet, "agent:main:main")
        eventually(fleet, lambda: payload(lock_of(fleet, LEAKED)), "the leaking child")
        gateway = psutil.Process(fleet.gateway_pid)
        children = gateway.children(recursive=True)
        eventually(fleet, lambda: payload(lock), "a lock held by the gateway")
        gateway.send_signal(signal.SIGTERM)
        _, alive = psutil.wait_procs([gateway, *children], timeout=20)
        assert children
        assert not alive
        assert not lock.exists()
        assert fleet.root.is_dir()
    assert list(tmp_path.iterdir()) == []


@linux_only
def test_a_killed_gateway_leaves_no_child_behind(tmp_path):
    with SimulatedFleet(tmp_path, pace=5.0) as fleet:
        eventually(fleet, lambda: payload(lock_of(fleet, LEAKED)), "the leaking child")
        children = psutil.Process(fleet.gateway_pid).children(recursive=True)
        os.kill(fleet.gateway_pid, signal.SIGKILL)
        _, alive = psutil.wait_procs(children, timeout=20)
        assert children
        assert not alive
    assert list(tmp_path.iterdir()) == []
