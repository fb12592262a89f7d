"""A terminal for one child: what it writes, what is typed, how it ends."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from types import TracebackType

PATIENCE_S = 60.0


class Terminal:
    """Runs `python -m tests.pty.actor PART` on a pseudo terminal of 140 x 45."""

    def __init__(self, part: str, **env: str) -> None:
        self.ours, self.theirs = pty.openpty()
        fcntl.ioctl(self.theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 45, 140, 0, 0))
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
        self.child = subprocess.Popen(
            [sys.executable, "-m", "tests.pty.actor", part],
            stdin=self.theirs,
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
        os.close(self.ours)
        os.close(self.theirs)

    def read_until(self, words: bytes) -> None:
        """Read what the child writes until the words come, after those waited for before."""
        deadline = time.monotonic() + PATIENCE_S
        while (found := self.written.find(words, self.mark)) < 0:
            assert time.monotonic() < deadline, f"{words!r} never came; the end: {self.written[-2000:]!r}"
            self._read(1.0)
        self.mark = found + len(words)

    def type(self, keys: bytes) -> None:
        """Type keys."""
        os.write(self.ours, keys)

    def end(self) -> int:
        """Read until the child has ended; returns its exit code."""
        deadline = time.monotonic() + PATIENCE_S
        while self.child.poll() is None:
            assert time.monotonic() < deadline, "the dashboard does not end"
            self._read(0.1)
        while self._read(0.0):
            pass
        return self.child.returncode

    def is_sane(self) -> bool:
        """Whether the terminal is as it was: its modes, main screen, cursor shown, mouse reports off."""
        off = (b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[?1000l", b"\x1b[?2004l")
        on = (b"\x1b[?1049h", b"\x1b[?25l", b"\x1b[?1000h", b"\x1b[?2004h")
        undone = all(
            self.written.rfind(one) > self.written.rfind(other) for one, other in zip(off, on, strict=True)
        )
        return undone and termios.tcgetattr(self.theirs)[3] == self.before[3]

    def _read(self, wait_s: float) -> bool:
        if not select.select([self.ours], [], [], wait_s)[0]:
            return False
        self.written += os.read(self.ours, 65536)
        return True
