"""A gateway of 2026.9 in a process of its own, as bad as wanted: `python -m tests.pty.gateway PORT MOOD`.

MOOD is one of `lockdeck.backend.simulate.rpc.Mood`, or `half-open`: connections are taken by the system and never heard.
It says "up" and ends with its input.
"""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any

from lockdeck.backend.simulate import rpc

TOKEN = "sesame-62351"
KEY = "agent:silas:main"
HALF_OPEN = "half-open"


class Sessions:
    """One session that has an active run."""

    def answer(self, method: str, params: Mapping[str, Any]) -> dict[str, object]:
        """Answer what a watcher asks."""
        row = {"key": KEY, "agentId": "silas", "hasActiveRun": True, "status": "running"}
        known: dict[str, dict[str, object]] = {
            "sessions.list": {"sessions": [row]},
            "sessions.subscribe": {"subscribed": True},
        }
        if method in known:
            return known[method]
        raise rpc.RefusedError("INVALID_REQUEST", f"unknown method: {method}")

    def listen(self, hear: Callable[[dict[str, object]], None]) -> Callable[[], None]:
        """Tell nothing."""
        return lambda: None


class GatewayChild:
    """Such a process, up when made."""

    def __init__(self, port: int, mood: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.pty.gateway", str(port), mood],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "up\n"

    def close(self) -> None:
        """Let it end and wait for it."""
        self._process.communicate()


def main() -> None:
    port, mood = int(sys.argv[1]), sys.argv[2]
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("127.0.0.1", port))
    server.listen()
    if mood != HALF_OPEN:
        manners = rpc.Manners(TOKEN, "2026.9.6", 4, mood=rpc.Mood(mood))
        threading.Thread(
            target=lambda: asyncio.run(rpc.serve(server, manners, Sessions())), daemon=True
        ).start()
    print("up", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
