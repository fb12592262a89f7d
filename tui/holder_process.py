"""Reads what a person wants to see of a holder, away from the UI thread."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from textual.message import Message

from lockdeck.backend.model.locks import Holder
from lockdeck.backend.system.processes import ProcessDetails

AGAIN_S = 2.0
"""A holder is read again after so many seconds at the earliest."""
_LOG = logging.getLogger("lockdeck.holder_process")

Inspect = Callable[[int, int | None], ProcessDetails | None]
"""Reads a process by pid and start ticks; None when it is gone or another process by now."""


class HolderRead(Message):
    """A holder was read; `details` is None when it is gone or can't be read."""

    def __init__(self, holder: Holder, details: ProcessDetails | None) -> None:
        super().__init__()
        self.holder = holder
        self.details = details


class HolderReader:
    """Reads one holder at a time, each in a daemon thread: a read that hangs must not keep the terminal."""

    def __init__(self, inspect: Inspect, tell: Callable[[HolderRead], object]) -> None:
        self._inspect = inspect
        self._tell = tell
        self._process: tuple[int, int | None] | None = None
        self._read_at = 0.0
        self._busy = threading.Lock()

    def ask(self, holder: Holder, now: float) -> None:
        """Have the holder read, unless a read goes on or it was read a moment ago (`now` in epoch seconds)."""
        process = (holder.pid, holder.start_ticks)
        if process == self._process and abs(now - self._read_at) < AGAIN_S:
            return
        if not self._busy.acquire(blocking=False):
            return
        self._process, self._read_at = process, now
        threading.Thread(target=self._read, args=(holder,), name="lockdeck-holder", daemon=True).start()

    def _read(self, holder: Holder) -> None:
        details = None
        try:
            details = self._inspect(holder.pid, holder.start_ticks)
        except Exception as error:  # noqa: BLE001 - the boundary of the thread: shown as a process that can't be read
            _LOG.error("reading pid %d ended with %s", holder.pid, type(error).__name__)
        finally:
            self._busy.release()
        self._tell(HolderRead(holder, details))
