"""What lockdeck says about the real gateway's locks, runs and rotations while they happen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.live.conftest import InstanceMaker
from tests.live.deck import Watch, by_agent, lockdeck, status, watching
from tests.live.instance import Instance
from tests.live.state import AGENTS
from tests.live.waiting import eventually

RUN_TIMEOUT = 20


@pytest.fixture(scope="module")
def shared(make_instance: InstanceMaker) -> Instance:
    """The release of the incident, with a run timeout short enough to wait for.

    Its first run loads what runs need, which on a busy machine takes longer than that timeout: it is over here.
    """
    made = make_instance("2026.4.5", run_timeout=RUN_TIMEOUT)
    made.start_run("main").wait(120)
    return made


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
    instance.provider.mode("slow")
    with watching(instance) as watch:
        for run in [instance.start_run(agent) for agent in AGENTS]:
            run.wait(120)
        eventually(lambda: all("running" in watch.states(a) for a in AGENTS), 20, lambda: told(watch))
        eventually(lambda: all(watch.states(a)[-1] == "idle" for a in AGENTS), 20, lambda: told(watch))
        assert {state for a in AGENTS for state in watch.states(a)} <= {"idle", "running", "unknown"}, told(
            watch
        )


def test_the_hang_of_all_four_agents_is_seen_while_it_happens(instance: Instance) -> None:
    with watching(instance) as watch:
        hang(instance)
        held = eventually(lambda: _held(instance), 120, "locks that status shows as held")
        for lock in [session["lock"] for session in held.values()] + _locks(watch):
            assert lock["holder"]["pid"] == lock["pid"] == instance.gateway_pid
            assert (lock["verdict"], lock["holder"]["proof"], lock["releasable"]) == ("held", "fd", False)
        eventually(lambda: all(_stuck(watch, a) for a in AGENTS), 120, lambda: told(watch))
        code, snapshot = status(instance)
        assert code == 1, snapshot["summary"]
        for agent in AGENTS:
            _check_story(watch, agent)
        root = snapshot["roots"][0]
        assert (root["gateway"]["pid"], root["gateway"]["alive"], root["era"]) == (
            instance.gateway_pid,
            True,
            "files",
        )
        assert any(line["root"]["watch"] == "live" for line in watch.lines if "root" in line)


def test_locks_left_by_sigkill_are_dead_and_releasable(instance: Instance) -> None:
    hang(instance)
    eventually(lambda: len(instance.lock_files()) == len(AGENTS), 120, "all four locks at once")
    instance.sigkill()
    left = {str(path) for path in instance.lock_files()}
    code, snapshot = status(instance)
    assert code == 1
    dead = {s["lock"]["path"]: s["lock"] for s in by_agent(snapshot).values() if s["lock"]}
    assert set(dead) == left, snapshot["locks"]
    assert {(lock["verdict"], lock["releasable"]) for lock in dead.values()} == {("dead", True)}, dead
    path = min(left)
    explained_code, explained, _ = lockdeck(instance, "explain", path)
    assert (explained_code, explained["verdict"]) == (1, "dead")
    assert any("is gone (ESRCH)" in reason for reason in explained["reasons"])


@pytest.mark.parametrize(
    ("agent", "mode", "reason"),
    [
        ("juno", "error429", "rate_limit"),
        ("main", "error500", "provider_error"),
        ("ezra", "error401", "auth"),
    ],
)
def test_failures_of_the_provider_are_told_apart_from_hangs(
    instance: Instance, agent: str, mode: str, reason: str
) -> None:
    """401 comes last: its profiles go into cooldown, and later runs fail with `auth` whatever the provider says."""
    with watching(instance) as watch:
        instance.provider.mode(mode)
        run = instance.start_run(agent)
        eventually(
            lambda: any(a["reason"] == reason for a in _attempts(watch, agent, run.id)),
            180,
            lambda: told(watch),
        )
        # OpenClaw's own retries inside an attempt may run into its timeout on a busy machine.
        assert {a["reason"] for a in _attempts(watch, agent, run.id)} <= {reason, "timeout"}
        for session in watch.sessions(agent):
            if (
                session["rotation"]
                and session["rotation"]["runId"] == run.id
                and session["rotation"]["timeouts"] < 2
            ):
                assert "openclaw#62351" not in " ".join(session["reasons"]), session


def _attempts(watch: Watch, agent: str, run_id: str) -> list[dict[str, Any]]:
    """The decided attempts of one run."""
    rotations = [s["rotation"] for s in watch.sessions(agent) if s["rotation"]]
    return [a for r in rotations if r["runId"] == run_id for a in r["attempts"] if a["decision"]]


def _held(instance: Instance) -> dict[str, Any]:
    """Sessions whose lock `status` shows as held, by agent."""
    sessions = by_agent(status(instance)[1])
    return {a: s for a, s in sessions.items() if s["lock"] and s["lock"]["verdict"] == "held"}


def _locks(watch: Watch) -> list[dict[str, Any]]:
    """Every lock of a main session that the watch has shown with its payload written."""
    shown = [s["lock"] for agent in AGENTS for s in watch.sessions(agent) if s["lock"]]
    return [lock for lock in shown if lock["verdict"] != "creating"]


def _stuck(watch: Watch, agent: str) -> bool:
    return any(
        s["state"] == "stuck" and s["attempt"] and s["occupation"]["holds"] >= 3
        for s in watch.sessions(agent)
    )


def _check_story(watch: Watch, agent: str) -> None:
    """Rotating with the right numbers after the first timeout, stuck by the second, one occupation throughout."""
    sessions = watch.sessions(agent)
    rotating = [s for s in sessions if s["state"] == "rotating"]
    stuck = [s for s in sessions if s["state"] == "stuck"]
    assert rotating, watch.states(agent)
    assert stuck, watch.states(agent)
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
