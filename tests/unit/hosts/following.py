"""A host for tests: `lockdeck serve` in a process of its own on a directory of the test, and a link that follows it."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from lockdeck.backend.hosts.address import HostAddress
from lockdeck.backend.hosts.link import HostLink
from lockdeck.backend.hosts.state import HostState
from tests.unit.fleetdir import FleetDir, command, environment

PATIENCE_S = 60.0


def served(fleet: FleetDir, *options: object, name: str = "alpha", first: str = "") -> HostAddress:
    """A host that serves the roots of a directory over a pipe; its lockdeck does something in Python `first`."""
    words = ("--config", fleet.settings_file(), "--log", fleet.log, *options)
    line = command("serve", "--stdio", *words)
    line[2] = f"{first}\n{line[2]}"
    return HostAddress(name, (*_env(fleet), *line))


def _env(fleet: FleetDir) -> tuple[str, ...]:
    pairs = environment(fleet.env).items()
    return ("env", "-i", *(f"{key}={value}" for key, value in pairs))


def saying(*pieces: bytes, then: str = "sys.stdin.read()") -> HostAddress:
    """A host that says exactly this, and then does something in Python."""
    code = (
        f"import sys\nfor piece in {pieces!r}:\n sys.stdout.buffer.write(piece)\nsys.stdout.flush()\n{then}"
    )
    return HostAddress("alpha", (sys.executable, "-I", "-S", "-c", code))


class Follower:
    """A link, and who waits for its news."""

    def __init__(self, address: HostAddress, *, once: bool) -> None:
        self._news = threading.Condition()
        self.link = HostLink(address, self._wake, once=once)

    def _wake(self) -> None:
        with self._news:
            self._news.notify_all()

    def until(self, fits: Callable[[HostState], object]) -> HostState:
        """Wait for a state that fits."""
        with self._news:
            assert self._news.wait_for(lambda: fits(self.link.state), PATIENCE_S), self.link.state
            return self.link.state


@contextmanager
def following(address: HostAddress, *, once: bool = False) -> Iterator[Follower]:
    """Follow a host until the block ends."""
    follower = Follower(address, once=once)
    follower.link.start()
    try:
        yield follower
    finally:
        follower.link.stop()


def hosts_file(path: Path, hosts: Sequence[HostAddress]) -> Path:
    """Write hosts as `--hosts` reads them."""
    import json

    tables = (f"[[hosts]]\nname = {json.dumps(h.name)}\ncommand = {json.dumps(h.command)}\n" for h in hosts)
    path.write_text("".join(tables))
    return path
