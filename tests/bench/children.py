"""Processes beside the one that is measured: one that holds locks, one that makes file events, a terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Sequence
from types import TracebackType

from tests.folders import REPOSITORY

LOCKDECK = (sys.executable, "-c", "from lockdeck.tui.entry import main; main()")
ROWS, COLUMNS = 60, 140


class Holder:
    """A process that takes and releases locks as told; a lock's moment is when it was about to be opened.

    Moments are seconds of the monotonic clock, which all processes of the machine share.
    """

    def __enter__(self) -> Holder:
        command = [sys.executable, "-m", "tests.bench.holder"]
        pipe = subprocess.PIPE
        self._child = subprocess.Popen(command, stdin=pipe, stdout=pipe, cwd=REPOSITORY, text=True, bufsize=1)
        return self

    def __exit__(self, *_: object) -> None:
        self._child.communicate()

    def take(self, path: str) -> float:
        """Take the lock at `path`; return the moment."""
        return self._tell(f"take {path}")

    def release(self, path: str) -> float:
        """Release the lock at `path`; return the moment."""
        return self._tell(f"release {path}")

    def _tell(self, order: str) -> float:
        if self._child.stdin is None or self._child.stdout is None:
            raise RuntimeError("the holder has no pipes")
        self._child.stdin.write(order + "\n")
        return float(self._child.stdout.readline())


class Terminal:
    """A lockdeck command in a terminal of its own; what it paints is read and looked through."""

    def __init__(self, arguments: Sequence[str], environment: dict[str, str]) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        env = {**environment, "TERM": "xterm-256color", "LANG": "C.UTF-8"}
        self._child = subprocess.Popen(
            [*LOCKDECK, *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=REPOSITORY,
            env=env,
            start_new_session=True,
        )
        os.close(slave)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._child.send_signal(signal.SIGTERM)
        while self._read(5.0):
            pass
        self._child.wait(10)
        os.close(self._master)

    @property
    def pid(self) -> int:
        """The process that paints."""
        return self._child.pid

    def painted(self, text: str, within: float = 10.0) -> float:
        """Wait until `text` is painted; return that moment. Raises TimeoutError."""
        wanted, seen = text.encode(), b""
        until = time.monotonic() + within
        while wanted not in seen:
            piece = self._read(until - time.monotonic())
            if not piece:
                raise TimeoutError(f"{text!r} was not painted within {within:.0f} s; last: {seen[-400:]!r}")
            seen = seen[-len(wanted) :] + piece
        return time.monotonic()

    def idle(self, seconds: float) -> None:
        """Take what is painted for so long, as a terminal does."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._read(left)

    def _read(self, seconds: float) -> bytes:
        ready, _, _ = select.select([self._master], [], [], max(0.0, seconds))
        if not ready:
            return b""
        try:
            return os.read(self._master, 1 << 16)
        except OSError:  # the other end is closed: the process has ended
            return b""
