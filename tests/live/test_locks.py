"""What lockdeck says about the real gateway's locks, runs and rotations while they happen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.live.conftest import InstanceMaker
from tests.live.deck import Watch, by_agent, lockdeck, status, watching
from tests.live.instance import Instance
from tests.live.provider import Mode
from tests.live.state import AGENTS
from tests.live.waiting import eventually

RUN_TIMEOUT = 8


@pytest.fixture(scope="module")
def shared(make_instance: InstanceMaker) -> Instance:
    """The release of the incident, with a run timeout short enough to wait for."""
    return make_instance("2026.4.5", run_timeout=RUN_TIMEOUT)


@pytest.fixture
def instance(shared: Instance) -> Iterator[Instance]:
    """The shared instance, fresh for each test."""
    shared.start()
    shared.provider.mode("ok")
    yield shared
    shared.provider.mode("ok")
    if shared.running:
        shared.restart()


def hang(instance: Instance, mode: str = "hang") -> None:
    instance.provider.mode(mode)
    for agent in AGENTS:
        instance.start_run(agent)


def told(watch: Watch) -> str:
    return str({agent: watch.states(agent) for agent in AGENTS})


def test_a_normal_run_never_becomes_more_than_running(instance: Instance) -> None:
    with watching(instance) as watch:
        for agent in AGENTS:
            instance.start_run(agent).wait(90)
        eventually(lambda: all("running" in watch.states(a) for a in AGENTS), 20, lambda: told(watch))
        eventually(lambda: all(watch.states(a)[-1] == "idle" for a in AGENTS), 20, lambda: told(watch))
        assert {state for a in AGENTS for state in watch.states(a)} <= {"idle", "running", "unknown"}, told(watch)


def test_the_hang_of_all_four_agents_is_seen_while_it_happens(instance: Instance) -> None:
    with watching(instance) as watch:
        hang(instance)
        first = eventually(lambda: _held(instance), 90, "all four locks held by the gateway")
        for session in first.values():
            lock = session["lock"]
            assert lock["holder"]["pid"] == lock["pid"] == instance.gateway_pid
            assert (lock["verdict"], lock["holder"]["proof"], lock["releasable"]) == ("held", "fd", False)
        eventually(lambda: all(_stuck(watch, a) for a in AGENTS), 120, lambda: told(watch))
        code, snapshot = status(instance)
        assert code == 1, snapshot["summary"]
        for agent in AGENTS:
            _check_story(watch, agent)
        root = snapshot["roots"][0]
        assert (root["gateway"]["pid"], root["gateway"]["alive"], root["era"]) == (instance.gateway_pid, True, "files")
        assert any(line["root"]["watch"] == "live" for line in watch.lines if "root" in line)


def test_locks_left_by_sigkill_are_dead_and_releasable(instance: Instance) -> None:
    hang(instance)
    eventually(lambda: _held(instance), 90, "all four locks held")
    instance.sigkill()
    code, snapshot = status(instance)
    assert code == 1
    verdicts = {agent: (s["lock"]["verdict"], s["lock"]["releasable"]) for agent, s in by_agent(snapshot).items()}
    assert verdicts == dict.fromkeys(AGENTS, ("dead", True)), snapshot["locks"]
    path = by_agent(snapshot)["silas"]["lock"]["path"]
    explained_code, explained, _ = lockdeck(instance, "explain", path)
    assert (explained_code, explained["verdict"]) == (1, "dead")
    assert any("is gone (ESRCH)" in reason for reason in explained["reasons"])


@pytest.mark.parametrize(("mode", "reasons"), [("error401", {"auth"}), ("error429", {"rate_limit", "timeout"})])
def test_failures_of_the_provider_are_told_apart_from_hangs(instance: Instance, mode: str, reasons: set[str]) -> None:
    assert mode in {m.value for m in Mode}
    with watching(instance) as watch:
        instance.provider.mode(mode)
        earlier = {s["rotation"]["runId"] for s in watch.sessions("ezra") if s["rotation"]}
        instance.start_run("ezra")
        eventually(lambda: _attempts(watch, "ezra", earlier), 60, lambda: told(watch))
        seen = {attempt["reason"] for attempt in _attempts(watch, "ezra", earlier)}
        assert seen <= reasons, seen
        if mode == "error401":
            stuck = [s for s in watch.sessions("ezra") if s["state"] == "stuck"]
            assert not any("openclaw#62351" in reason for s in stuck for reason in s["reasons"])


def _attempts(watch: Watch, agent: str, earlier: set[str]) -> list[dict[str, Any]]:
    """The decided attempts of the agent's runs that are not among the `earlier` ones."""
    rotations = [s["rotation"] for s in watch.sessions(agent) if s["rotation"]]
    return [a for r in rotations if r["runId"] not in earlier for a in r["attempts"] if a["decision"]]


def _held(instance: Instance) -> dict[str, Any] | None:
    sessions = by_agent(status(instance)[1])
    held = {a: s for a, s in sessions.items() if s["lock"] and s["lock"]["verdict"] == "held"}
    return held if set(held) == set(AGENTS) else None


def _stuck(watch: Watch, agent: str) -> bool:
    return any(
        s["state"] == "stuck" and s["attempt"] and s["occupation"]["holds"] >= 3 for s in watch.sessions(agent)
    )


def _check_story(watch: Watch, agent: str) -> None:
    """Rotating with the right numbers after the first timeout, stuck by the second, one occupation throughout."""
    sessions = watch.sessions(agent)
    rotating = [s for s in sessions if s["state"] == "rotating"]
    stuck = [s for s in sessions if s["state"] == "stuck"]
    assert rotating and stuck, watch.states(agent)
    assert all(s["rotation"]["timeouts"] == 1 for s in rotating), [s["rotation"] for s in rotating]
    running = [s["attempt"] for s in rotating if s["attempt"]]
    assert {(a["index"], a["total"]) for a in running} == {(2, 5)}, running
    assert stuck[0]["rotation"]["timeouts"] == 2, stuck[0]
    assert "openclaw#62351" in " ".join(stuck[0]["reasons"])
    assert stuck[0]["rotation"]["policy"]["wouldStopAt"] == 1
    since = {s["occupation"]["since"] for s in [*rotating, *stuck] if s["occupation"]}
    assert len(since) == 1, since
    holds = [s["occupation"]["holds"] for s in sessions if s["occupation"]]
    assert max(holds) >= 3, holds
    profiles = [a["profile"] for a in stuck[-1]["rotation"]["attempts"] if a["profile"]]
    assert profiles[:2] == ["atlas:alpha", "atlas:beta"], profiles
