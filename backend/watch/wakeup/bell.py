"""What wakes a thread that waits for files: any other thread may ring it."""

from __future__ import annotations

import os
import select
from contextlib import suppress


class Bell:
    """A pipe to ourselves. Belongs to the thread that waits; `ring` may be called in any."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(self._writer, False)

    def ring(self) -> None:
        """End the wait, or the next one."""
        with suppress(BlockingIOError):  # it has rung so often that nobody needs to hear it once more
            os.write(self._writer, b".")

    def wait(self, seconds: float, *others: int) -> bool:
        """Wait until it rings or one of the `others` (descriptors) is readable; return whether it was before time ran out."""
        poll = select.poll()
        for descriptor in (self._reader, *others):
            poll.register(descriptor, select.POLLIN)
        woken = poll.poll(max(0, round(1000 * seconds + 0.5)))
        with suppress(BlockingIOError):
            os.read(self._reader, 1 << 16)
        return bool(woken)

    def close(self) -> None:
        """Let go of the pipe; nobody may ring any more."""
        os.close(self._reader)
        os.close(self._writer)
