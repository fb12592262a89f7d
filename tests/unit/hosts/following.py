"""A host for tests: `lockdeck serve` in a process of its own on a directory of the test, and a link that follows it."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from msgspec.structs import replace

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


HANGS_BEFORE_IT_ACTS = """
import threading
from lockdeck.backend.actions.release import release
release.release = lambda *_, **__: threading.Event().wait()
"""
"""Has a host stand still where it would release, once it has told that."""
_RELAY = """
import os, subprocess, sys, threading
cut, *command = sys.argv[1:]
child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
acts = threading.Event()

def frames(source):
    while head := source.read(4):
        yield head + source.read(int.from_bytes(head, "big"))

def ask():
    for frame in frames(sys.stdin.buffer):
        if b"\\xa2op\\xa7release" in frame:
            acts.set()
        child.stdin.write(frame)
        child.stdin.flush()
    child.stdin.close()

threading.Thread(target=ask, daemon=True).start()
for frame in frames(child.stdout):
    if acts.is_set() and b"\\xa4type\\xa6answer" in frame and not os.path.exists(cut):
        open(cut, "x").close()
        os._exit(0)
    sys.stdout.buffer.write(frame)
    sys.stdout.buffer.flush()
"""


def losing_an_answer(address: HostAddress, cut: Path) -> HostAddress:
    """The same host behind a line that ends with the first answer to a release, which is lost; then `cut` is there."""
    return replace(address, command=(sys.executable, "-I", "-S", "-c", _RELAY, str(cut), *address.command))


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
