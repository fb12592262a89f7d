"""When to look again: file events, a gateway's ring, the next look at the logs, the next full look."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable
from contextlib import suppress

from backend.watch.hints import Hints
from backend.watch.rootwatch import RootWatch

PAUSE_S = 0.05
"""Least time between two looks that events ask for, in seconds."""
LOG_POLL_S = 0.5
"""How often the logs are looked at when nothing else happens, in seconds."""


class Waking:
    """Gathers reasons to look; `ring` may be called in any thread, the rest belongs to the collector's."""

    def __init__(self) -> None:
        self._hints: Hints | None = None
        self._watched: frozenset[tuple[str, int, int]] = frozenset()
        self._dirty: set[str] = set()
        self._rung = False
        self._changed = threading.Condition()

    @property
    def live(self) -> bool:
        """Whether file events are coming."""
        return self._hints is not None and self._hints.live

    @property
    def problem(self) -> str | None:
        """Why no file events come, where they were asked for and failed."""
        return None if self._hints is None else self._hints.problem

    def watch(self, roots: Iterable[RootWatch]) -> None:
        """Keep the file events on what stands now; a tree that was replaced is watched anew."""
        standing = _standing(roots)
        if self._hints is not None:
            if self._watched == standing and (self._hints.live or self._hints.problem):
                return
            self._hints.stop()
        self._watched = standing
        self._hints = Hints((path for path, _, _ in standing), self._notify).start()

    def stop(self) -> None:
        """Watch no longer."""
        if self._hints is not None:
            self._hints.stop()

    def ring(self) -> None:
        """Say that there is something new beside the files."""
        with self._changed:
            self._rung = True
            self._changed.notify()

    def wait(self, stop: threading.Event, until: float) -> set[str]:
        """Wait for a reason to look, until a moment of the monotonic clock; return the directories concerned."""
        stop.wait(PAUSE_S)
        until = min(until, time.monotonic() + LOG_POLL_S)
        with self._changed:
            while not self._dirty and not self._rung and not stop.is_set():
                left = until - time.monotonic()
                if left <= 0:
                    break
                self._changed.wait(min(left, 0.2))
            dirty, self._dirty, self._rung = self._dirty, set(), False
        return dirty

    def _notify(self, directories: set[str]) -> None:
        with self._changed:
            self._dirty |= directories
            self._changed.notify()


def _standing(roots: Iterable[RootWatch]) -> frozenset[tuple[str, int, int]]:
    """Return what is to be watched: path, device and inode."""
    wanted: set[str] = set()
    for root in roots:
        if root.network or root.fault:
            continue
        agents = os.path.realpath(os.path.join(root.path, "agents"))
        wanted.add(agents)
        wanted.update(p for p in root.directories if not p.startswith(agents + os.sep))
    found = set()
    for path in wanted:
        with suppress(OSError):  # what does not stand now is watched when it does
            status = os.stat(path)
            found.add((path, status.st_dev, status.st_ino))
    return frozenset(found)
