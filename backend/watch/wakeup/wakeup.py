"""The moment of the next look: file events, a gateway's ring, the next look at the logs, the next full look."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence

from lockdeck.backend.watch.logs.paths import LogPaths
from lockdeck.backend.watch.root import WatchedRoot
from lockdeck.backend.watch.wakeup.bell import Bell
from lockdeck.backend.watch.wakeup.hints import Hints, hints_here

PAUSE_S = 0.05
"""Least time between two looks that events ask for, in seconds."""
SHARE = 0.06
"""A storm of events may cost this share of a core: what looks take beyond it is rested for."""
ALLOWANCE_S = 0.2
"""So much work (seconds) may come at once before that."""
LONGEST_PAUSE_S = 0.3
"""It never rests for longer than this (seconds), whatever looks took."""
_MOST_DEBT_S = ALLOWANCE_S + SHARE * LONGEST_PAUSE_S
"""One look that took long is rested for once: what happens later does not wait for it, too."""
GATHER_S = 0.002
"""So long (seconds) after an event others may come that are looked at with it: OpenClaw makes a lock, then writes into it."""
LOG_S = 0.5
"""Least time between two looks at the logs when nothing else happens, and between those at logs that no event tells of, in seconds."""


class Load:
    """The recent work, and the rest that it asks for. Times are those of one clock, in seconds."""

    def __init__(self) -> None:
        self._woke: float | None = None
        self._rested: float | None = None
        self._debt = 0.0

    def awake(self, now: float) -> None:
        """Note that work begins."""
        self._woke = now

    def pause(self, now: float) -> float:
        """Return how long to rest after the work that has just ended."""
        if self._woke is not None:
            elapsed = now - (self._rested if self._rested is not None else self._woke)
            debt = self._debt + (now - self._woke) - SHARE * elapsed
            self._debt = min(max(0.0, debt), _MOST_DEBT_S)
        self._rested = now
        return min(max(PAUSE_S, (self._debt - ALLOWANCE_S) / SHARE), LONGEST_PAUSE_S)


class Wakeup:
    """Gathers reasons to look; `ring` may be called in any thread, the rest belongs to the collector's."""

    def __init__(self) -> None:
        self._hints: Hints | None = None
        self._bell: Bell | None = None
        self._rung = False
        self._load = Load()
        self._lock = threading.Lock()

    @property
    def live(self) -> bool:
        """Return whether file events are coming."""
        return self._hints is not None and self._hints.live

    def polling_reasons(self, root: WatchedRoot) -> Iterator[str]:
        """Yield why not all file events of a root come; nothing where nobody asked for any."""
        if self._hints is None:
            return
        if root.network:
            yield f"{root.path} is on a network or shared file system: no file events, polling instead"
        elif self._hints.problem:
            yield self._hints.problem

    def watch(self, roots: Sequence[WatchedRoot], logs: LogPaths) -> None:
        """Keep the file events on what stands now."""
        self._hints = self._hints or hints_here(self.ring)
        self._hints.keep(roots, logs)

    def stop(self) -> None:
        """Watch no longer."""
        with self._lock:
            bell, self._bell = self._bell, None
        if bell is not None:
            bell.close()
        if self._hints is not None:
            self._hints.stop()

    def ring(self) -> None:
        """Say that there is something new beside the files."""
        with self._lock:
            self._rung = True
            if self._bell is not None:
                self._bell.ring()

    def wait(self, stop: threading.Event, until: float, logs: LogPaths) -> set[str]:
        """Wait for a reason to look, until a moment of the monotonic clock; return the directories concerned."""
        began = time.monotonic()
        rested_at = began + self._load.pause(began)
        bell, hints, dirty = self._bell or self._hang(stop), self._hints, set[str]()
        if hints is None or not hints.arm(logs):
            until = min(until, began + LOG_S)
        logged = self._take(dirty)
        while not dirty and not self._rung and not stop.is_set():
            until = min(until, began + LOG_S) if logged else until
            left = until - time.monotonic()
            if left <= 0:
                break
            if bell.wait(left, *(() if hints is None else hints.descriptors)):
                stop.wait(GATHER_S)
            logged = self._take(dirty) or logged
        stop.wait(max(0.0, rested_at - time.monotonic()))
        self._take(dirty)
        with self._lock:
            self._rung = False
        self._load.awake(time.monotonic())
        return dirty

    def _take(self, dirty: set[str]) -> bool:
        """Add the directories in which something happened; return whether a log was written to."""
        if self._hints is None:
            return False
        happened = self._hints.take()
        dirty |= happened.directories
        return happened.logged

    def _hang(self, stop: threading.Event) -> Bell:
        """Hang up the bell, which rings at `stop` too: a thread waits for that, for nothing else ends a wait for files."""
        bell = Bell()
        with self._lock:
            self._bell = bell

        def ring_at_stop() -> None:
            stop.wait()
            self.ring()

        threading.Thread(target=ring_at_stop, name="lockdeck-stop", daemon=True).start()
        return bell
