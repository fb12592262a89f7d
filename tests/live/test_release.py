"""Releasing on the real gateway: what a SIGKILL left is released, what is held or foreign is refused."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.conftest import InstanceMaker
from tests.live.deck import by_agent, lockdeck, status
from tests.live.instance import Instance
from tests.live.state import AGENTS
from tests.live.waiting import eventually

HOLD_ELSEWHERE = """
import json, os, sys, time
path = sys.argv[1]
ticks = int(open("/proc/self/stat").read().rsplit(")", 1)[1].split()[19])
with open(path, "x") as lock:
    json.dump({"pid": os.getpid(), "createdAt": "2026-04-06T23:26:00.000Z", "starttime": ticks}, lock)
print(os.getpid(), flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def instance(make_instance: InstanceMaker) -> Iterator[Instance]:
    """The release of the incident, hanging."""
    made = make_instance("2026.4.5", run_timeout=60)
    made.provider.mode("hang")
    for agent in AGENTS:
        made.start_run(agent)
    eventually(lambda: len(made.lock_files()) == len(AGENTS), 120, "all four locks at once")
    return made


def test_a_lock_held_by_the_live_gateway_is_refused_and_stays(instance: Instance) -> None:
    lock = instance.lock_files()[0]
    _, explained, _ = lockdeck(instance, "explain", str(lock))
    assert explained["verdict"] == "held"
    code, outcome, _ = lockdeck(instance, "release", str(lock), "--release-id", explained["releaseId"])
    assert (code, outcome["status"]) == (3, "refused")
    assert f"pid {instance.gateway_pid}" in " ".join(outcome["sentences"])
    assert lock.exists()
    assert lockdeck(instance, "explain", str(lock))[1]["holder"]["proof"] == "fd"


def test_an_override_never_reaches_a_lock_whose_holder_can_be_seen(instance: Instance) -> None:
    lock = str(instance.lock_files()[0])
    release_id = lockdeck(instance, "explain", lock)[1]["releaseId"]
    words = ["release", lock, "--release-id", release_id, "--override", "leaked", "--yes-i-checked", lock]
    code, outcome, _ = lockdeck(instance, *words)
    assert (code, outcome["status"]) == (3, "refused")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root for a pid namespace")
def test_the_lock_of_pid_1_in_another_namespace_is_refused_as_foreign(instance: Instance) -> None:
    lock = instance.root / "agents" / "main" / "sessions" / "elsewhere.jsonl.lock"
    words = ["unshare", "--pid", "--fork", "--mount-proc", sys.executable, "-c", HOLD_ELSEWHERE, str(lock)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        assert holder.stdout.readline().strip() == "1"
        _refused_as_foreign(instance, lock)
        holder.stdin.close()
    _refused_as_foreign(instance, lock)
    lock.unlink()


def _refused_as_foreign(instance: Instance, lock: Path) -> None:
    _, explained, _ = lockdeck(instance, "explain", str(lock))
    assert explained["verdict"] == "foreign", explained
    code, outcome, _ = lockdeck(instance, "release", str(lock), "--release-id", explained["releaseId"])
    assert (code, outcome["status"]) == (3, "refused")
    assert lock.exists()


def test_a_lock_left_by_sigkill_is_released_and_the_next_run_is_not_disturbed(instance: Instance) -> None:
    instance.sigkill()
    sessions = {agent: s["lock"] for agent, s in by_agent(status(instance)[1]).items() if s["lock"]}
    agent, lock = min(sessions.items())
    words = ["release", lock["path"], "--release-id", lock["releaseId"], "--watch", "1"]
    assert lockdeck(instance, *words, "--dry-run")[0] == 0
    assert Path(lock["path"]).exists()
    code, outcome, narration = lockdeck(instance, *words)
    assert (code, outcome["status"]) == (0, "released"), (outcome, narration)
    assert not Path(lock["path"]).exists()
    assert outcome["after"]["transcript"] in ("untouched", "absent")
    assert Path(outcome["quarantined"]).read_bytes()
    again, refused, _ = lockdeck(instance, *words)
    assert (again, refused["status"]) == (3, "refused")
    kinds = [entry["kind"] for entry in lockdeck(instance, "journal")[1]["entries"]]
    assert kinds[-4:] == ["release-begin", "released", "watched", "refused"], kinds
    instance.provider.mode("ok")
    instance.start()
    assert instance.start_run(agent).wait(120)["ok"]
    assert not Path(lock["path"]).exists()
