"""The host: each connection has an agent of its own, a process with the real desk, claims and journal; its acts are counted.

Agents are forked by a process without threads; one may be told to die, as the kernel kills, at one of its steps.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import filelock

from lockdeck.backend.actions.journal import Journal
from lockdeck.backend.hosts import claims
from lockdeck.backend.hosts.acts import HostActs
from lockdeck.backend.hosts.agent import HostAgent
from lockdeck.backend.hosts.asks import Ask, AskAnswer, Role
from lockdeck.backend.hosts.desk import Desk
from lockdeck.backend.model.fleet import FleetSnapshot
from lockdeck.backend.settings.records import Settings

DONE = "released"
DONE_LOG = "done"
STEPS = 14
"""An agent passes so many steps from an ask to its answer, at each of which it may be killed."""
_BLOCK = 1 << 16


class Agents:
    """Starts agents on connections, from a process of its own."""

    def __init__(self) -> None:
        """Fork; call it before there are threads."""
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._lock = threading.Lock()
        self._pid = os.fork()
        if not self._pid:
            self._control.close()
            _fork_agents(theirs)
        theirs.close()

    def connect(self, folder: str, dies_at: int | None) -> socket.socket:
        """Return a connection to a new agent, which dies at this step."""
        ours, theirs = socket.socketpair()
        with theirs, self._lock:
            order = json.dumps([folder, dies_at]).encode()
            socket.send_fds(self._control, [order], [theirs.fileno()])
        return ours

    def await_ends(self) -> None:
        """Wait until all agents have ended; their connections must be closed."""
        with self._lock:
            self._control.send(b"ends?")
            self._control.recv(1)

    def close(self) -> None:
        """End it."""
        self._control.close()
        os.waitpid(self._pid, 0)


def _fork_agents(control: socket.socket) -> None:
    """Fork an agent for each connection that comes (in the process without threads)."""
    children: set[int] = set()
    assert filelock, "what an agent imports late is there before it is forked"
    gc.freeze()
    while True:
        order, descriptors, _, _ = socket.recv_fds(control, 4096, 1)
        if not order:
            os._exit(0)
        if not descriptors:
            while children:
                children.discard(os.wait()[0])
            control.send(b"!")
            continue
        folder, dies_at = json.loads(order)
        pid = os.fork()
        if not pid:
            control.close()
            _be_agent(socket.socket(fileno=descriptors[0]), folder, dies_at)
        os.close(descriptors[0])
        children.add(pid)
        while children and (ended := os.waitpid(-1, os.WNOHANG)[0]):
            children.discard(ended)


class _OneLook:
    """Stands for the collector: it has looked once, and sees that there is nothing."""

    settings = Settings()
    log_places = ()


def _be_agent(connection: socket.socket, folder: str, dies_at: int | None) -> None:
    try:
        steps = _Steps(dies_at)
        steps.count()
        HostActs.perform = _acts(folder, steps)  # type: ignore[method-assign]
        journal = Journal(os.path.join(folder, "owner", "journal.jsonl"))
        agent = HostAgent(_OneLook(), threading.Event(), Role.OPERATOR, journal, "10.0.0.9")  # type: ignore[arg-type]
        agent.board.take(FleetSnapshot(1.0, "alpha"))
        with suppress(OSError):
            agent.serve_viewer(connection.sendall, lambda: connection.recv(_BLOCK))
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def _acts(folder: str, steps: _Steps) -> Callable[[HostActs, Ask, Callable[[str], None]], AskAnswer]:
    """Return what is done in the place of every operation: a line is added to a file."""

    def perform(_: HostActs, ask: Ask, tell: Callable[[str], None]) -> AskAnswer:
        tell("working")
        steps.next()
        with open(Path(folder) / DONE_LOG, "ab", buffering=0) as done:
            done.write(f"{ask.nonce}\n".encode())
        steps.next()
        return AskAnswer(ask.nonce, DONE)

    return perform


class _Steps:
    """Counts the steps of this process, and ends it at one of them."""

    def __init__(self, dies_at: int | None) -> None:
        self._left = -1 if dies_at is None else dies_at

    def next(self) -> None:
        """Pass a step."""
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self._left -= 1

    def count(self) -> None:
        """Have every step around claim, journal, answer and telling counted from now on; disk and rate cost nothing."""
        steps: tuple[tuple[Any, str], ...] = (
            (claims.Claims, "claim"),
            (claims, "_write"),
            (Journal, "append"),
            (Desk, "take"),
            (Desk, "_say"),
        )
        for owner, name in steps:
            setattr(owner, name, self._around(getattr(owner, name)))
        claims.MOST_A_MINUTE = 10**9
        os.fsync = lambda _: None  # type: ignore[assignment]  # the power stays on

    def _around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def called(*words: Any, **named: Any) -> Any:
            self.next()
            result = call(*words, **named)
            self.next()
            return result

        return called
