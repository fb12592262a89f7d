"""Hosts that tell a fleet, each a process of its own, and a deck that follows it."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from lockdeck.backend.hosts.nats.address import fleet_address
from lockdeck.backend.hosts.nats.link import FleetLink
from lockdeck.backend.hosts.state import HostState
from tests.unit.fleetdir import FleetDir, command, environment

PATIENCE_S = 90.0
EMPTY: Mapping[str, str] = {}


class TellingHost:
    """A host whose lockdeck tells a fleet."""

    def __init__(
        self, folder: Path, name: str, url: str, env: Mapping[str, str] = EMPTY, role: str = "viewer"
    ) -> None:
        folder.mkdir()
        self.fleet = FleetDir(folder)
        self.name = name
        self._url = url
        options = ("--role", role, "--config", self.fleet.settings_file(), "--log", self.fleet.log)
        self._words = command("serve", "--nats", url, "--as", name, *options)
        self._env = environment({**self.fleet.env, **env})
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start its lockdeck."""
        self.process = subprocess.Popen(
            self._words, env=self._env, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )

    def tells(self, deck_env: Mapping[str, str] = EMPTY) -> None:
        """Wait until a deck sees it."""
        with patch.dict(os.environ, deck_env), following_fleet(self._url) as follower:
            follower.until(lambda states: self.name in states and states[self.name].phase == "live")

    def says(self, words: str) -> str:
        """Wait for a line on its stderr that has these words."""
        for line in self.process.stderr:
            if words in line:
                return line
        raise AssertionError(f"it ended without {words!r}")

    def kill(self) -> None:
        """End it without a word."""
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
        self.process = None

    def stop(self) -> int:
        """End it as a person does; return its exit code."""
        process, self.process = self.process, None
        process.terminate()
        process.communicate(timeout=60)
        return process.returncode


def patient(*words: object, env: Mapping[str, str]) -> subprocess.CompletedProcess[bytes]:
    """Run a command of a deck that waits for hosts as long as a busy machine needs."""
    line = command(*words)
    line[2] = "from lockdeck.backend.hosts import followed\nfollowed.LOOK_S = 300\n" + line[2]
    return subprocess.run(
        line, env=env, capture_output=True, stdin=subprocess.DEVNULL, timeout=300, check=False
    )


@contextmanager
def telling(*hosts: TellingHost) -> Iterator[None]:
    """Have hosts tell the fleet until the block ends."""
    try:
        for host in hosts:
            host.start()
        yield
    finally:
        for host in hosts:
            host.kill()


class FleetFollower:
    """A link to a fleet, and who waits for its news."""

    def __init__(self, url: str, *, once: bool = False) -> None:
        self._news = threading.Condition()
        self.link = FleetLink(fleet_address(url, "main"), self._wake, once=once)

    def _wake(self) -> None:
        with self._news:
            self._news.notify_all()

    def until(self, fits: Callable[[dict[str, HostState]], object]) -> dict[str, HostState]:
        """Wait for states of the hosts, by name, that fit."""
        with self._news:
            assert self._news.wait_for(lambda: fits(self._states()), PATIENCE_S), self._states()
            return self._states()

    def until_phases(self, **phases: str) -> dict[str, HostState]:
        """Wait until the hosts stand so."""
        return self.until(lambda states: {name: state.phase for name, state in states.items()} == phases)

    def _states(self) -> dict[str, HostState]:
        return {state.name: state for state in self.link.states}


@contextmanager
def following_fleet(url: str) -> Iterator[FleetFollower]:
    """Follow a fleet until the block ends."""
    follower = FleetFollower(url)
    follower.link.start()
    try:
        yield follower
    finally:
        follower.link.stop()


def keys_of(state: HostState) -> list[str]:
    """The sessions that a deck has of a host."""
    return [view.key for view in state.snapshot.sessions]
