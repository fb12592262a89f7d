"""Two machines of their own for tests: network and pid namespaces, or, without the right to these, two loopback addresses."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import psutil
from msgspec import Struct

_INIT = (
    "import signal, sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN); print(flush=True); sys.stdin.read()"
)
"""The first process of a machine: it buries the orphans, and ends with the test."""
_EMPTY = "/run/sshd"
"""Where the sshd of root wants an empty directory."""
_FORWARDS = "/proc/sys/net/ipv4/ip_forward"
_OWN = ("--net", "--pid", "--mount", "--fork", "--kill-child", "--mount-proc")


class Machine(Struct, frozen=True):
    """One machine: its address, and the words before a command that is to run there (none: it runs here)."""

    address: str
    port: int
    enter: tuple[str, ...] = ()
    cable: str = ""

    def plug(self, state: str) -> None:
        """Put the cable in (`up`) or pull it (`down`), at the machine's own end."""
        _run(*self.enter, "ip", "link", "set", self.cable, state)


class Deck(Struct, frozen=True):
    """Where the decks run, and the two machines that can be reached from there, and that reach each other through it."""

    enter: tuple[str, ...]
    machines: tuple[Machine, Machine]


def can_have_namespaces() -> bool:
    """Return whether this user may give processes a network and pids of their own, joined by a cable."""
    if os.geteuid() != 0 or not all(map(shutil.which, ("unshare", "nsenter", "ip", "mount"))):
        return False
    probe = "ip link add name here type veth peer name there && mount -t tmpfs tmpfs /run"
    return subprocess.run(("unshare", *_OWN, "sh", "-c", probe), capture_output=True).returncode == 0


@contextmanager
def network() -> Iterator[Deck]:
    """Make two machines, until the block ends; without the rights they are addresses of this one."""
    if not can_have_namespaces():
        if os.geteuid() == 0:
            os.makedirs(_EMPTY, exist_ok=True)
        alpha, beta = (Machine(address, _free_port(address)) for address in ("127.0.0.2", "127.0.0.3"))
        yield Deck((), (alpha, beta))
        return
    with ExitStack() as stack:
        deck = stack.enter_context(_namespace("--net", "--fork", "--kill-child"))
        _run("nsenter", f"--target={deck}", "--net", "sh", "-c", f"echo 1 > {_FORWARDS}")
        machines = []
        for number, name in enumerate(("alpha", "beta")):
            pid = stack.enter_context(_namespace(*_OWN))
            enter = ("nsenter", f"--target={pid}", "--net", "--pid", "--mount")
            _run(*enter, "sh", "-c", f"mount -t tmpfs tmpfs /run && mkdir {_EMPTY}")
            _lay_cable(deck, pid, name, number)
            _run(*enter, "ip", "route", "add", "default", "via", f"10.77.{number}.1")
            machines.append(Machine(f"10.77.{number}.2", 22, enter, f"{name}-1"))
        yield Deck(("nsenter", f"--target={deck}", "--net"), (machines[0], machines[1]))


@contextmanager
def _namespace(*own: str) -> Iterator[int]:
    """Start a process in namespaces of its own; yield its pid as it is seen here."""
    words = ("unshare", *own, sys.executable, "-I", "-S", "-c", _INIT)
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as outer:
        assert outer.stdout is not None
        assert outer.stdout.readline() == b"\n", "a namespace could not be made"
        (inner,) = psutil.Process(outer.pid).children()
        try:
            yield inner.pid
        finally:
            outer.send_signal(signal.SIGKILL)


def _lay_cable(deck: int, machine: int, name: str, number: int) -> None:
    """Join two network namespaces by a cable, and give each end an address."""
    ends = ((deck, f"{name}-0", f"10.77.{number}.1/24"), (machine, f"{name}-1", f"10.77.{number}.2/24"))
    (_, here, _), (_, there, _) = ends
    veth = ("type", "veth", "peer", "name", there, "netns", str(machine))
    _run("nsenter", f"--target={deck}", "--net", "ip", "link", "add", "name", here, *veth)
    for pid, end, address in ends:
        inside = ("nsenter", f"--target={pid}", "--net", "ip")
        _run(*inside, "address", "add", address, "dev", end)
        for link in ("lo", end):
            _run(*inside, "link", "set", link, "up")


def _free_port(address: str) -> int:
    with socket.socket() as probe:
        probe.bind((address, 0))
        port: int = probe.getsockname()[1]
        return port


def _run(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"{' '.join(words)}: {done.stderr}"
