"""A log that is a pipe: what we were given on stdin, or a named pipe."""

from __future__ import annotations

import os
from collections.abc import Callable

from lockdeck.backend.model.words import time_of_day
from lockdeck.backend.openclaw.log.inputs.words import is_stdin, label
from lockdeck.backend.system.clocks import wall_time
from lockdeck.backend.watch.live.source import LiveSource

AGAIN_S = 1.0
"""So often (seconds) it is looked whether a named pipe that is gone stands there again."""


class PipeSource(LiveSource):
    """Reads a pipe; a named one also when a second writer comes after the first has gone."""

    def __init__(self, path: str, wake: Callable[[], None]) -> None:
        super().__init__(label(path), None, wake)
        self._path = path
        # Taken now: the dashboard lets its keyboard stand where stdin was.
        self._stdin = os.dup(0) if is_stdin(path) else None

    def read_on(self) -> None:
        """Read until the pipe has ended."""
        if self._stdin is not None:
            self._read_pipe(self._stdin)
            return
        self.awaited = True
        self.tell("nobody writes into this pipe yet: nothing of its log is seen")
        while self._read_pipe(self._opened()):
            pass

    def _read_pipe(self, descriptor: int | None) -> bool:
        """Read what one descriptor gives; False when it is to stop."""
        if descriptor is None:
            return self.sleep(AGAIN_S)
        try:
            if not self.pump({descriptor: self.buffers[0]}):
                return False
        finally:
            os.close(descriptor)
        self.awaited = False
        self.end_streams()
        self.tell(f"the pipe ended at {time_of_day(wall_time())}: what happens since isn't seen")
        return True

    def hear(self) -> None:
        """Take back what was said of a pipe without a writer."""
        super().hear()
        self.tell(None)

    def _opened(self) -> int | None:
        try:
            return os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            self.tell(f"can't be read: {error.strerror or error}; what happens since isn't seen")
            return None
