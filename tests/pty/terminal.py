"""A terminal for one child: what it writes, what is typed, how it ends."""

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
from collections.abc import Callable
from types import TracebackType

PATIENCE_S = 60.0


_OWN = "import fcntl, os, sys, termios; fcntl.ioctl(1, termios.TIOCSCTTY, 0); os.execv(sys.executable, sys.argv[1:])"
"""Makes the terminal on stdout that of the process (`/dev/tty`), then runs the rest of the command line."""


class Terminal:
    """Runs `python -m tests.pty.actor PART` on a pseudo terminal of `size` rows and columns.

    With `stdin` that stands where the keyboard would, and the terminal is only that of the process.
    """

    def __init__(
        self, part: str, size: tuple[int, int] = (45, 140), stdin: int | None = None, **env: str
    ) -> None:
        self.ours, self.theirs = pty.openpty()
        fcntl.ioctl(self.theirs, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
        self.before = termios.tcgetattr(self.theirs)
        self.written = b""
        self.mark = 0
        full = {
            "PATH": os.environ["PATH"],
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            "LANG": "C.UTF-8",
            **env,
        }
        actor = [sys.executable, "-m", "tests.pty.actor", part]
        self.child = subprocess.Popen(
            actor if stdin is None else [sys.executable, "-I", "-S", "-c", _OWN, *actor],
            stdin=self.theirs if stdin is None else stdin,
            stdout=self.theirs,
            stderr=self.theirs,
            env=full,
            start_new_session=True,
        )

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.child.poll() is None:
            self.child.kill()
        self.child.wait()
        for descriptor in (self.ours, self.theirs):
            if descriptor >= 0:
                os.close(descriptor)

    def read_until(self, words: bytes) -> None:
        """Read what the child writes until the words come, after those waited for before."""
        deadline = time.monotonic() + PATIENCE_S
        while (found := self.written.find(words, self.mark)) < 0:
            assert time.monotonic() < deadline, f"{words!r} never came; the end: {self.written[-2000:]!r}"
            self._read(1.0)
        self.mark = found + len(words)

    def read_while(self, true: Callable[[], bool]) -> None:
        """Read what the child writes for as long as something is true."""
        deadline = time.monotonic() + PATIENCE_S
        while true():
            assert time.monotonic() < deadline, f"it stays true; the end: {self.written[-2000:]!r}"
            self._read(1.0)

    def resize(self, size: tuple[int, int]) -> None:
        """Give the terminal another size, in rows and columns."""
        fcntl.ioctl(self.theirs, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
        self.child.send_signal(signal.SIGWINCH)

    def type(self, keys: bytes) -> None:
        """Type keys."""
        os.write(self.ours, keys)

    def wait_until_read(self) -> None:
        """Wait until the child has read all that was typed."""
        deadline = time.monotonic() + PATIENCE_S
        while fcntl.ioctl(self.theirs, termios.FIONREAD, b"\0" * 4) != b"\0" * 4:
            assert time.monotonic() < deadline, "what was typed is never read"
            self._read(0.01)

    def end(self) -> int:
        """Read until the child has ended; returns its exit code."""
        deadline = time.monotonic() + PATIENCE_S
        ended = os.pidfd_open(self.child.pid)
        while not select.select([ended], [], [], 0)[0]:
            assert time.monotonic() < deadline, "the dashboard does not end"
            self._read(1.0, ended)
        os.close(ended)
        while self._read(0.0):
            pass
        return self.child.wait()

    def stop(self) -> None:
        """Press ctrl+z, and read until the child has stopped."""
        self.type(b"\x1a")
        self._read_until_stopped()

    def stop_from_outside(self) -> None:
        """Stop the child as another process can, which it does not notice, and read what it had written."""
        self.child.send_signal(signal.SIGSTOP)
        self._read_until_stopped()

    def _read_until_stopped(self) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not os.waitpid(self.child.pid, os.WNOHANG | os.WUNTRACED)[1]:
            assert time.monotonic() < deadline, "the dashboard does not stop"
            self._read(0.05)
        while self._read(0.0):
            pass

    def go_on(self) -> None:
        """Bring the child back, as `fg` does."""
        self.child.send_signal(signal.SIGCONT)

    def hang_up(self) -> int:
        """Take the terminal away without any signal; returns the child's exit code."""
        os.close(self.theirs)
        os.close(self.ours)
        self.ours = self.theirs = -1
        return self.child.wait(PATIENCE_S)

    def is_sane(self) -> bool:
        """Whether the terminal is as it was: its modes, main screen, cursor shown, mouse reports off."""
        off = (b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[?1000l", b"\x1b[?2004l")
        on = (b"\x1b[?1049h", b"\x1b[?25l", b"\x1b[?1000h", b"\x1b[?2004h")
        undone = all(
            self.written.rfind(one) >= self.written.rfind(other) for one, other in zip(off, on, strict=True)
        )
        return undone and termios.tcgetattr(self.theirs)[3] == self.before[3]

    def _read(self, wait_s: float, *others: int) -> bool:
        """Read what comes within the time, or until another descriptor can be read; return whether there was any."""
        if self.ours not in select.select([self.ours, *others], [], [], wait_s)[0]:
            return False
        self.written += os.read(self.ours, 65536)
        return True
