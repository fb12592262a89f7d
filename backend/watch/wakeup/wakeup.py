"""The moment of the next look: file events, a gateway's ring, the next look at the logs, the next full look."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence

from lockdeck.backend.watch.root import WatchedRoot
from lockdeck.backend.watch.wakeup.hints import Hints
from lockdeck.backend.watch.wakeup.watched_paths import WatchedPaths, single_directories, trees

PAUSE_S = 0.05
"""Least time between two looks that events ask for, in seconds."""
SHARE = 0.12
"""A storm of events may cost this share of a core: what looks take beyond it is rested for."""
ALLOWANCE_S = 0.2
"""So much work (seconds) may come at once before that."""
LONGEST_PAUSE_S = 0.3
"""It never rests for longer than this (seconds), whatever looks took."""
LOG_POLL_S = 0.5
"""How often the logs are looked at when nothing else happens, in seconds."""
RETRY_S = 30.0
"""How often (seconds) file events are tried for again after they could not be had."""
CHECK_S = 1.0
"""How often, in seconds, it is looked whether a name that is not UTF-8 is still there."""
SHUN_S = 10.0
"""For so long (seconds) a directory gets no events after one of a name that is not UTF-8, which may come again."""


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
            self._debt = max(0.0, self._debt + (now - self._woke) - SHARE * elapsed)
        self._rested = now
        return min(max(PAUSE_S, (self._debt - ALLOWANCE_S) / SHARE), LONGEST_PAUSE_S)


class Wakeup:
    """Gathers reasons to look; `ring` may be called in any thread, the rest belongs to the collector's."""

    def __init__(self) -> None:
        self._hints: Hints | None = None
        self._paths = WatchedPaths()
        self._checked: tuple[float, frozenset[str]] = (0.0, frozenset())
        self._shunned: dict[str, float] = {}
        self._dirty: set[str] = set()
        self._rung = False
        self._retry_at = 0.0
        self._load = Load()
        self._changed = threading.Condition()

    @property
    def live(self) -> bool:
        """Return whether file events are coming."""
        return self._hints is not None and self._hints.live

    @property
    def silent(self) -> frozenset[str]:
        """Directories of which no events come although they do of others: they are to be looked at again and again."""
        return frozenset(self._paths.silent)

    def polling_reasons(self, root: WatchedRoot) -> Iterator[str]:
        """Yield why not all file events of a root come; nothing where nobody asked for any."""
        if self._hints is None:
            return
        if root.network:
            yield f"{root.path} is on a network or shared file system: no file events, polling instead"
        elif self._hints.problem:
            yield self._hints.problem
        for path, owner in sorted(self._paths.silent.items()):
            if owner == root.path:
                yield f"a name in {path} is not UTF-8: no file events of that directory, polling instead"

    def watch(self, roots: Sequence[WatchedRoot]) -> None:
        """Keep the file events on what stands now; a tree that was replaced is watched anew."""
        not_utf8 = None if self._hints is None else self._hints.not_utf8
        if not_utf8 is not None:
            self._shunned[not_utf8] = time.monotonic()
        previous, self._paths = self._paths, self._paths_in(roots, afresh=not_utf8 is not None)
        paths = self._paths
        if self._hints is not None:
            same = (paths.identities, paths.recursive) == (previous.identities, previous.recursive)
            if same and not_utf8 is None and (self._hints.watches or self._rests()):
                return
            self._hints.stop()
        self._hints = Hints(paths.paths, self._notify, recursive=paths.recursive).start()

    def _rests(self) -> bool:
        """Return whether a watch that has failed is not to be tried again yet."""
        if self._hints is None or self._hints.problem is None:
            return False
        now = time.monotonic()
        if now < self._retry_at:
            return True
        self._retry_at = now + RETRY_S
        return False

    def _paths_in(self, roots: Sequence[WatchedRoot], afresh: bool) -> WatchedPaths:
        """Return what is to be watched: trees, unless there are names that are not UTF-8."""
        now = time.monotonic()
        self._shunned = {path: at for path, at in self._shunned.items() if now - at < SHUN_S}
        if self._paths.recursive and not afresh:
            return trees(roots)
        checked_at, checked = self._checked
        directories = frozenset(path for root in roots for path in root.directories)
        if not afresh and directories == checked and now - checked_at < CHECK_S:
            return self._paths
        self._checked = (now, directories)
        single = single_directories(roots, self._shunned)
        return single if single.silent or self._shunned else trees(roots)

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
        stop.wait(self._load.pause(time.monotonic()))
        until = min(until, time.monotonic() + LOG_POLL_S)
        with self._changed:
            while not self._dirty and not self._rung and not stop.is_set():
                remaining = until - time.monotonic()
                if remaining <= 0:
                    break
                self._changed.wait(min(remaining, 0.2))
            dirty, self._dirty, self._rung = self._dirty, set(), False
        self._load.awake(time.monotonic())
        return dirty

    def _notify(self, directories: set[str]) -> None:
        with self._changed:
            self._dirty |= directories
            self._changed.notify()
