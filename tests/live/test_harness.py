"""Proof of the harness itself: what it starts is a real OpenClaw, and it hangs, ends and leaks as OpenClaw does."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.folders import REPOSITORY
from tests.live.conftest import InstanceMaker
from tests.live.instance import Instance
from tests.live.provider import Provider
from tests.live.state import AGENTS, api_key
from tests.live.waiting import eventually

RUN_TIMEOUT = 6


@pytest.fixture(scope="module")
def incident(make_instance: InstanceMaker) -> Instance:
    """The release of the incident, with a run timeout short enough to wait for."""
    return make_instance("2026.4.5", run_timeout=RUN_TIMEOUT)


@pytest.fixture
def instance(incident: Instance) -> Iterator[Instance]:
    """The shared instance, running and answering whatever the test before did to it."""
    incident.start()
    incident.provider.mode("ok")
    incident.provider.forget()
    yield incident
    if incident.provider.open_requests:
        incident.restart()


def lock_pids(instance: Instance) -> dict[str, int]:
    """Agent -> pid in its session lock; a lock that is empty or gone by now is left out."""
    pids = {}
    for lock in instance.lock_files():
        try:
            pids[lock.parent.parent.name] = int(json.loads(lock.read_text())["pid"])
        except (OSError, ValueError):
            continue
    return pids


def assert_gateway_lock_names_the_gateway(instance: Instance) -> None:
    lock = json.loads(instance.gateway_lock.read_text())
    assert (lock["pid"], lock["configPath"]) == (instance.gateway_pid, str(instance.root / "openclaw.json"))


def hang(instance: Instance) -> None:
    """Let every agent hang, and return when all four locks name the gateway."""
    instance.provider.mode("hang")
    for agent in AGENTS:
        instance.start_run(agent)
    everyone = dict.fromkeys(AGENTS, instance.gateway_pid)
    eventually(
        lambda: lock_pids(instance) == everyone, 90, lambda: f"{everyone}, found {lock_pids(instance)}"
    )


def test_a_normal_run_answers_both_ways(instance: Instance) -> None:
    by_agent = instance.start_run("main", via="agent").wait(90)
    by_chat = instance.start_run("silas", via="chat").wait(90)
    assert by_agent["payload"]["result"]["payloads"][0]["text"].startswith("Hello from atlas-large")
    assert by_chat["payload"]["state"] == "final"
    assert [request.key for request in instance.provider.requests] == [api_key("atlas", "alpha")] * 2


def test_the_gateway_pid_is_the_listener_and_the_version_is_the_one_asked_for(instance: Instance) -> None:
    gateway = psutil.Process(instance.gateway_pid)
    assert gateway.cmdline()[0].strip() == "openclaw-gateway"
    assert instance.client.hello["server"]["version"] == "2026.4.5"
    assert_gateway_lock_names_the_gateway(instance)


def test_sigterm_removes_the_locks(instance: Instance) -> None:
    hang(instance)
    instance.stop()
    assert instance.lock_files() == ()


def test_sigkill_leaves_the_locks_and_the_next_start_removes_them(instance: Instance) -> None:
    hang(instance)
    killed = instance.gateway_pid
    instance.sigkill()
    assert lock_pids(instance) == dict.fromkeys(AGENTS, killed)
    assert not psutil.pid_exists(killed)
    instance.restart()
    assert instance.gateway_pid != killed
    eventually(lambda: not instance.lock_files(), 60, lambda: f"no locks, found {instance.lock_files()}")
    eventually(
        lambda: instance.log_file.read_text().count("removed stale session lock") == 4, 10, "4 log lines"
    )


def test_nothing_leaves_this_machine(instance: Instance) -> None:
    script = "require('node:net').connect(9, '192.0.2.1').on('error', (e) => console.log(e.message))"
    command = (str(instance.release.node), "-e", script)
    done = subprocess.run(command, env=instance.env, capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout == "connect 192.0.2.1 refused: loopback only\n"
    assert '"host":"192.0.2.1"' in instance.refused.read_text()


def test_a_killed_test_run_takes_its_gateway_along(instance: Instance, tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from tests.live.install import install;"
        "from tests.live.instance import Instance;"
        "i = Instance(install('2026.4.5'), Path(sys.argv[1])).start(); print(i.gateway_pid, flush=True); input()"
    )
    with subprocess.Popen(
        (sys.executable, "-c", script, str(tmp_path)),
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as test_run:
        assert test_run.stdout is not None
        gateway = psutil.Process(int(test_run.stdout.readline()))
        os.kill(test_run.pid, signal.SIGKILL)
    eventually(
        lambda: not gateway.is_running(), 30, f"gateway {gateway.pid} gone after its test run was killed"
    )


@pytest.mark.parametrize("version", ["2026.7.35", "2026.9.6"])
def test_later_releases_answer_and_hang(make_instance: InstanceMaker, version: str) -> None:
    later = make_instance(version, idle_timeout=3)
    assert later.client.hello["server"]["version"] == version
    assert_gateway_lock_names_the_gateway(later)
    for agent, via in (("main", "agent"), ("silas", "chat")):
        later.start_run(agent, via=via).wait(90)
    assert [request.key for request in later.provider.requests] == [api_key("atlas", "alpha")] * 2
    later.provider.mode("hang")
    later.provider.forget()
    later.start_run("main")
    eventually(lambda: len(later.provider.requests) >= 2, 60, "a second attempt after the idle timeout")
    first, second = later.provider.requests[:2]
    assert (first.key, second.key) == {
        "2026.7.35": (api_key("atlas", "alpha"), api_key("atlas", "beta")),  # next profile, lock files
        "2026.9.6": (api_key("atlas", "alpha"),) * 2,  # same model again, no lock files any more
    }[version]
    if version == "2026.9.6":
        assert later.lock_files() == ()
    else:
        eventually(
            lambda: lock_pids(later) == {"main": later.gateway_pid}, 10, "a lock of main by the gateway"
        )
    family = psutil.Process(later.gateway_pid), *psutil.Process(later.gateway_pid).children(recursive=True)
    later.sigkill()
    assert [process for process in family if process.is_running()] == []


def test_the_provider_fails_by_key_by_model_and_for_all() -> None:
    provider = Provider()
    try:
        provider.mode("error503")
        provider.mode("error429", model="atlas-large")
        provider.mode("ok", key="sk-atlas-beta")
        asked = (("cygnus-small", "sk-x"), ("atlas-large", "sk-x"), ("atlas-large", "sk-atlas-beta"))
        assert [ask(provider, model, key) for model, key in asked] == [503, 429, 200]
        provider.mode("error401")
        assert ask(provider, "atlas-large", "sk-atlas-beta") == 401
    finally:
        provider.close()


def ask(provider: Provider, model: str, key: str) -> int:
    """Status of one request to the provider."""
    connection = http.client.HTTPConnection("127.0.0.1", provider.port, timeout=10)
    try:
        body = json.dumps({"model": model, "messages": []})
        connection.request("POST", "/atlas/v1/chat/completions", body, {"authorization": f"Bearer {key}"})
        return connection.getresponse().status
    finally:
        connection.close()
