"""A live process that takes and leaves a lock on command, by OpenClaw's rules."""

from __future__ import annotations

import os
import socket

from tests.race.rules import LEGACY, MODERN, PATIENT, Hold, let_go, try_to_acquire

RULES = {"legacy": LEGACY, "modern": MODERN}


class Actor:
    """One process with at most one lock; every command returns once it has been carried out."""

    def __init__(self, path: str) -> None:
        self._ours, theirs = socket.socketpair()
        self.pid = os.fork()
        if self.pid == 0:
            self._ours.close()
            _obey(theirs, path)
            os._exit(0)
        theirs.close()

    def acquire(self) -> None:
        """Create the lock; AssertionError when something stands there."""
        assert self._do(b"acquire") == b"done"

    def let_go(self, rules: str) -> None:
        """Close the lock and remove it as `legacy` or `modern` OpenClaw does."""
        assert self._do(rules.encode()) == b"done"

    def let_go_if_any(self, rules: str) -> None:
        """As `let_go`, where it has a lock."""
        self._do(rules.encode())

    def acquire_if_free(self) -> None:
        """Create the lock where nothing stands there and it has none."""
        self._do(b"acquire if free")

    def end(self) -> None:
        """End the process; its lock stays if it has one."""
        # Others forked since then have a copy of our end: closing it would not be noticed.
        self._ours.shutdown(socket.SHUT_RDWR)
        self._ours.close()
        os.waitpid(self.pid, 0)

    def _do(self, command: bytes) -> bytes:
        self._ours.sendall(command)
        return self._ours.recv(64)


def _obey(orders: socket.socket, path: str) -> None:
    hold: Hold | None = None
    while command := orders.recv(64):
        if command == b"acquire":
            hold = try_to_acquire(path, PATIENT)
            orders.sendall(b"done" if hold else b"taken")
        elif command == b"acquire if free":
            hold = hold or try_to_acquire(path, PATIENT)
            orders.sendall(b"done")
        elif hold is not None:
            let_go(path, hold, RULES[command.decode()])
            hold = None
            orders.sendall(b"done")
        else:
            orders.sendall(b"no lock")
