"""A nats-server of the test, on loopback: alone or in a cluster of three, with a configuration or none."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sysconfig
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

NATS_SERVER = shutil.which("nats-server", path=f"{sysconfig.get_path('scripts')}:{os.environ['PATH']}")
_PATIENCE_S = 60.0


class NatsServer:
    """A server with a port of its own, which it keeps when it is started again."""

    def __init__(self, folder: Path, *words: object, scheme: str = "nats") -> None:
        folder.mkdir()
        self.port = free_ports(1)[0]
        self.url = f"{scheme}://127.0.0.1:{self.port}"
        self._log = folder / "log"
        # A configuration says itself where it stores.
        store = () if "-c" in words else ("-js", "-sd", folder / "store")
        self._words = ("-a", "127.0.0.1", "-p", self.port, *store, *words)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it lets clients in."""
        assert NATS_SERVER is not None
        with open(self._log, "ab") as log:
            self._process = subprocess.Popen(
                [NATS_SERVER, *map(str, self._words)], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        until = time.monotonic() + _PATIENCE_S
        while not _greets(self.port):
            assert self._process.poll() is None, self._log.read_text()
            assert time.monotonic() < until, self._log.read_text()
            time.sleep(0.05)

    def kill(self) -> None:
        """End it without a word."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """Let it stand still: its connections stay, and nothing comes over them, as in a partition."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it run again."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """End it if it runs."""
        self._end(signal.SIGTERM)

    def log(self) -> str:
        """What it wrote."""
        return self._log.read_text()

    def _end(self, number: int) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(number)
        process.send_signal(signal.SIGCONT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def serving(servers: Sequence[NatsServer]) -> Iterator[None]:
    """Have servers run until the block ends."""
    try:
        for server in servers:
            server.start()
        yield
    finally:
        for server in servers:
            server.stop()


def cluster_of(folder: Path, count: int = 3) -> list[NatsServer]:
    """Make servers that are one cluster."""
    routes = free_ports(count)
    all_routes = ",".join(f"nats://127.0.0.1:{port}" for port in routes)
    return [
        NatsServer(
            folder / f"n{index}",
            *("-n", f"n{index}", "--cluster_name", "lockdeck"),
            *("--cluster", f"nats://127.0.0.1:{routes[index]}", "--routes", all_routes),
        )
        for index in range(count)
    ]


def free_ports(count: int) -> list[int]:
    """Return ports of loopback that nobody has."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def _greets(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 2) as peer:
        peer.settimeout(2)
        return peer.recv(5) == b"INFO "
    return False
