"""A log that a command tells (`docker logs -f …`): run, read, and run again when it ends."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress

from lockdeck.backend.model.words import time_of_day
from lockdeck.backend.openclaw.log.framing.unwrap import Unwrapper
from lockdeck.backend.system.clocks import steady_time, wall_time
from lockdeck.backend.system.text import safe
from lockdeck.backend.watch.live.buffer import LiveBuffer
from lockdeck.backend.watch.live.source import LiveSource
from lockdeck.backend.watch.live.supervisor import supervised

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
"""It is run again after so long (seconds), twice as long each time it ends soon."""
HEALTHY_S = 30.0
"""A command that ran for so long (seconds) is run again at once as if for the first time."""
SETTLED_S = 2.0
"""What ends does so within so many seconds; before that a new start mends nothing."""
_LEAVE_S = 3.0
_TAIL = 4096


class CommandSource(LiveSource):
    """Runs the log command of a root; stdout and stderr are two streams of one log."""

    def __init__(self, argv: Sequence[str], root: str, wake: Callable[[], None]) -> None:
        super().__init__(f"`{safe(shlex.join(argv), 80)}`", root, wake, streams=2)
        self.argv = tuple(argv)
        self.outlook = "; it is run again until it goes on"
        self._began = 0.0
        self._ended_at = ""

    def read_on(self) -> None:
        """Run the command again and again."""
        pause = FIRST_PAUSE_S
        while True:
            self._began = steady_time()
            last_words = self._run_once()
            if last_words is None:
                return
            self.end_streams()
            if steady_time() - self._began >= HEALTHY_S:
                pause = FIRST_PAUSE_S
            if self.problem is None:
                self._ended_at = time_of_day(wall_time())
            self.tell(self._sentence(self.code or 0, last_words))
            if not self.sleep(pause):
                return
            pause = min(2 * pause, LONGEST_PAUSE_S)

    def _run_once(self) -> str | None:
        """Run it to its end; return the last that it said of itself, None when we are to stop."""
        theirs, lifeline = os.pipe()
        try:
            child = self._start(theirs)
        except OSError as error:
            os.close(lifeline)
            self.code = 127
            return error.strerror or str(error)
        finally:
            os.close(theirs)
        assert child.stdout is not None
        assert child.stderr is not None
        words = _LastWords(self.buffers[1])
        with child.stdout, child.stderr:
            try:
                inputs = {child.stdout.fileno(): self.buffers[0], child.stderr.fileno(): words}
                to_its_end = self.pump(inputs, self._note)
            finally:
                os.close(lifeline)
        self.code = self._code_of(child)
        return words.sentence() if to_its_end else None

    def _start(self, lifeline: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            supervised(lifeline, self.argv),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=[lifeline],
            start_new_session=True,
        )

    @staticmethod
    def _code_of(child: subprocess.Popen[bytes]) -> int:
        with suppress(subprocess.TimeoutExpired):
            return child.wait(_LEAVE_S)
        child.kill()
        return child.wait()

    def _note(self) -> float | None:
        """Take back that it had ended, once it has run for a while."""
        if self.problem is None:
            return None
        remaining = self._began + SETTLED_S - steady_time()
        if remaining > 0:
            return remaining
        self.tell(None)
        return None

    def _sentence(self, code: int, last_words: str) -> str:
        how = f"was ended by signal {code - 128}" if code > 128 else f"ended with {code}"
        said = f" ({last_words})" if last_words else ""
        return f"{how}{said}: what is logged since {self._ended_at} isn't seen"


class _LastWords(LiveBuffer):
    """What goes to stderr on its way to the buffer: its last line is why a command ended, unless that is of the log."""

    def __init__(self, buffer: LiveBuffer) -> None:
        super().__init__()
        self._buffer = buffer
        self._tail = b""

    def put(self, piece: bytes | None) -> None:
        """Pass it on."""
        self._tail = (self._tail + (piece or b""))[-_TAIL:]
        self._buffer.put(piece)

    def sentence(self) -> str:
        """Return the last line, made safe; empty where there is none or it is one of a log."""
        lines = [line for line in self._tail.split(b"\n") if line.strip()]
        if not lines or Unwrapper().unwrap(lines[-1]).shaped:
            return ""
        return safe(lines[-1].decode("utf-8", "replace").strip(), 200)
