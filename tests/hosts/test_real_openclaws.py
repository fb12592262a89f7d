"""Real OpenClaws behind ssh on loopback, each on a host of its own, next to a root of this machine, in one deck."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.folders import REPOSITORY
from tests.hosts.network import Deck, Machine
from tests.hosts.sshd import SSHD, SshDeck, SshHost, running
from tests.live.conftest import InstanceMaker, make_instance, openclaw
from tests.live.deck import COMMAND
from tests.live.instance import Instance
from tests.live.waiting import eventually
from tests.unit.fleetdir import FleetDir, environment

__all__ = ["make_instance", "openclaw"]
pytestmark = pytest.mark.timeout(1200)
VERSIONS = {"alpha": "2026.7.35", "beta": "2026.9.6"}
ADDRESSES = {"alpha": "127.0.0.2", "beta": "127.0.0.3"}
KEY = "agent:silas:main"
IDLE_TIMEOUT, PATIENCE = 15, 240


class RemoteDeck:
    """A deck here, the local root that it also sees, and what leads to the hosts."""

    def __init__(self, folder: Path, instances: Mapping[str, Instance]) -> None:
        machines = {name: Machine(address, _free_port(address)) for name, address in ADDRESSES.items()}
        self.instances = instances
        self.hosts = [
            SshHost(folder / name, name, machines[name], _seen_there(instance), str(instance.log_file))
            for name, instance in instances.items()
        ]
        deck = SshDeck(folder / "deck", Deck((), (machines["alpha"], machines["beta"])), self.hosts)
        (folder / "here").mkdir()
        self.local = FleetDir(folder / "here")
        self.local.session("agent:main:local")
        self._env = environment(self.local.env)
        self._env["PATH"] = f"{deck.path}:{os.environ['PATH']}"

    def run(self, *words: object) -> tuple[int, dict[str, Any]]:
        """Run a command of the deck."""
        line = [*COMMAND, *map(str, words), "--json"]
        done = subprocess.run(
            line, env=self._env, cwd=REPOSITORY, capture_output=True, timeout=300, check=False
        )
        for instance in self.instances.values():
            assert instance.token.encode() not in done.stdout + done.stderr
        assert done.stdout, done.stderr
        return done.returncode, json.loads(done.stdout)

    def states(self) -> dict[str, str]:
        """The state of silas on each host, as `status` tells it here."""
        _, told = self.run("status", *(f"ssh://{name}" for name in VERSIONS), self.local.root)
        return {s["host"]: s["state"] for s in told["sessions"] if s["key"] in (KEY, "agent:main:local")}


def _seen_there(instance: Instance) -> dict[str, str]:
    """What an account on that host has in its environment."""
    names = ("HOME", "OPENCLAW_STATE_DIR", "OPENCLAW_CONFIG_PATH")
    return {name: instance.env[name] for name in names}


def _free_port(address: str) -> int:
    with socket.socket() as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def deck(make_instance: InstanceMaker, tmp_path: Path) -> Iterator[RemoteDeck]:
    """Both releases behind an sshd each, their providers hanging."""
    if SSHD is None or shutil.which("ssh") is None:
        pytest.skip("needs ssh and sshd")
    os.makedirs("/run/sshd", exist_ok=True)
    instances = {
        name: make_instance(version, idle_timeout=IDLE_TIMEOUT) for name, version in VERSIONS.items()
    }
    made = RemoteDeck(tmp_path, instances)
    with running(made.hosts):
        yield made


def test_rotations_on_two_hosts_are_shown_next_to_a_local_root_and_cancelled_there(deck: RemoteDeck) -> None:
    for instance in deck.instances.values():
        instance.provider.mode("hang")
        instance.start_run("silas")
    seen: dict[str, str] = {}

    def all_rotate() -> bool:
        seen.update(deck.states())
        return all(seen.get(name) in ("rotating", "stuck") for name in VERSIONS)

    eventually(all_rotate, PATIENCE, lambda: f"rotations on both hosts: {seen}")
    assert len(seen) == len(VERSIONS) + 1, seen
    for name, instance in deck.instances.items():
        code, told = deck.run("cancel", KEY, "--host", f"ssh://{name}")
        assert (code, told["status"], told["host"]) == (0, "cancelled", name), told
        eventually(lambda: instance.provider.open_requests == (), 30, "no request at the provider")  # noqa: B023
        print(name, told["rung"], told["sentences"])
        _, journal = deck.run("journal", "--host", f"ssh://{name}")
        kinds = [entry["kind"] for entry in journal["entries"]]
        assert kinds == ["ask-begin", "cancel-begin", "cancel-end", "ask-end"], kinds
