"""What lockdeck says about the real gateway's own lock: at work, beside a second gateway, after a crash."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil
import pytest

from tests.live.conftest import InstanceMaker
from tests.live.deck import lockdeck, status
from tests.live.instance import Instance
from tests.live.waiting import eventually

pytestmark = pytest.mark.timeout(900)
PATIENCE = 180
ERAS = {"2026.4.5": "files", "2026.7.35": "files", "2026.9.6": "sqlite"}


def gateway_locks(snapshot: dict[str, Any]) -> list[dict[str, Any]]:
    return [lock for lock in snapshot["locks"] if lock["kind"] == "gateway"]


@contextmanager
def second_gateway(instance: Instance, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Another `openclaw gateway run` on the same root, ended with all its processes."""
    words = instance.command("gateway", "run", "--port", str(port), "--bind", "loopback")
    with (instance.folder / "second.out").open("ab") as out:
        process = subprocess.Popen(
            words,
            cwd=instance.folder / "home",
            env=instance.env,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(PATIENCE)


@pytest.mark.parametrize("version", ERAS)
def test_the_gateways_lock_from_its_start_to_a_crash_and_the_next_start(
    make_instance: InstanceMaker, version: str
) -> None:
    instance = make_instance(version)
    code, snapshot = status(instance)
    root, locks = snapshot["roots"][0], gateway_locks(snapshot)
    assert (code, root["era"], root["problems"], root["refusedStart"]) == (0, ERAS[version], [], None)
    assert str(instance.gateway_lock) in {lock["path"] for lock in locks}
    for lock in locks:
        assert (lock["verdict"], lock["releasable"], lock["root"]) == ("held", False, str(instance.root))
        assert lock["pid"] == lock["holder"]["pid"] == root["gateway"]["pid"] == instance.gateway_pid
        assert lock["holder"]["proof"] == "fd"
    assert (root["gateway"]["alive"], root["gateway"]["port"]) == (True, instance.port)

    with second_gateway(instance, instance.port) as second:
        eventually(lambda: second.poll() is not None, PATIENCE, "the end of the second gateway")
    code, snapshot = status(instance)
    root = snapshot["roots"][0]
    assert (code, root["refusedStart"]["pid"], root["refusedStart"]["alive"]) == (
        0,
        instance.gateway_pid,
        True,
    )
    (problem,) = root["problems"]
    assert problem.startswith("a second gateway was refused at ")
    assert problem.endswith(f"pid {instance.gateway_pid} runs already, and it lives")
    assert {lock["verdict"] for lock in gateway_locks(snapshot)} == {"held"}
    _, told, _ = lockdeck(instance, "replay", str(instance.log_file))
    assert told["counts"]["gateway start refused"] >= 1
    assert told["refusedStarts"][-1]["at"] == root["refusedStart"]["at"]

    instance.sigkill()
    code, snapshot = status(instance)
    root = snapshot["roots"][0]
    assert {(lock["verdict"], lock["releasable"]) for lock in gateway_locks(snapshot)} == {("dead", False)}
    assert (code, root["gateway"]["alive"], root["refusedStart"]["alive"]) == (1, False, False)
    assert any("is gone: its lock is stale, the next start takes it over" in p for p in root["problems"])
    code, explained, _ = lockdeck(instance, "explain", str(instance.gateway_lock))
    assert (code, explained["verdict"], explained["root"]) == (0, "dead", str(instance.root))
    assert any("is gone (ESRCH)" in reason for reason in explained["reasons"])
    before = instance.gateway_lock.read_bytes()
    words = ("release", str(instance.gateway_lock), "--release-id", explained["releaseId"])
    code, refused, _ = lockdeck(instance, *words)
    assert (code, refused["status"]) == (3, "refused")
    assert instance.gateway_lock.read_bytes() == before

    instance.start()
    code, snapshot = status(instance)
    root = snapshot["roots"][0]
    assert (code, root["gateway"]["pid"], root["gateway"]["alive"]) == (0, instance.gateway_pid, True)
    assert (root["problems"], root["refusedStart"]) == ([], None)
    assert {lock["verdict"] for lock in gateway_locks(snapshot)} == {"held"}


def test_a_second_gateway_on_another_port_takes_the_lock_of_a_live_one_and_both_are_named(
    make_instance: InstanceMaker,
) -> None:
    """2026.4.5 asks whether its own port is free, takes the live owner for dead, and removes its lock."""
    instance = make_instance("2026.4.5")
    free = psutil.net_connections("inet")
    port = next(p for p in range(instance.port + 1, 65000) if p not in {c.laddr.port for c in free})
    with second_gateway(instance, port):

        def both() -> dict[str, Any] | None:
            _, snapshot = status(instance)
            locks = gateway_locks(snapshot)
            taken = locks and locks[0]["holder"] and locks[0]["holder"]["pid"] != instance.gateway_pid
            return snapshot if taken else None

        snapshot = eventually(both, PATIENCE, "the second gateway with the lock")
        (lock,) = gateway_locks(snapshot)
        assert lock["verdict"] == "held"
        assert any(f"pid {instance.gateway_pid} " in reason for reason in lock["reasons"]), lock
        (problem,) = snapshot["roots"][0]["problems"]
        assert problem.startswith(f"pid {instance.gateway_pid} took this root's gateway lock before")
        assert problem.endswith("two gateways serve it")
        assert snapshot["summary"]["needsPerson"] is True
