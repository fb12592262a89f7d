"""File events where the system has no inotify: a thread of watchfiles' over trees."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence

from lockdeck.backend.watch.logs.paths import LogPaths
from lockdeck.backend.watch.root import WatchedRoot
from lockdeck.backend.watch.wakeup.hints import Happened
from lockdeck.backend.watch.wakeup.watched_paths import (
    PathIdentity,
    concerns_us,
    identities,
    trees,
    with_events,
)

DEBOUNCE_MS, STEP_MS = 40, 8
"""How long events are gathered at most, and the quiet after which they are handed on at once."""
STOP_MS = 400
"""So often it is looked whether the watch is to end: nothing else ends it."""
RETRY_S = 30.0
"""How often (seconds) file events are tried for again after they could not be had."""


class WatchfilesHints:
    """The watch over files of every system that watchfiles knows. `problem`, `live` and the rest as `Hints` has them."""

    descriptors: Sequence[int] = ()

    def __init__(self, ring: Callable[[], None]) -> None:
        self.problem: str | None = None
        self._ring = ring
        self._paths: frozenset[PathIdentity] = frozenset()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._retry_at = 0.0
        self._found: set[str] = set()
        self._lock = threading.Lock()

    @property
    def live(self) -> bool:
        """Return whether events are coming."""
        return self.problem is None and self._thread is not None and self._thread.is_alive()

    def keep(self, roots: Sequence[WatchedRoot], logs: LogPaths) -> None:  # noqa: ARG002 - logs are polled here
        """Watch the trees that stand now; one that was replaced is watched anew."""
        paths = identities(trees(with_events(roots)))
        rests = self.problem is not None and time.monotonic() < self._retry_at
        if paths == self._paths and (self.live or rests):
            return
        self._ended.set()
        self._paths, self._ended, self.problem = paths, threading.Event(), None
        self._retry_at = time.monotonic() + RETRY_S
        if paths:
            arguments = ({path for path, _, _ in paths}, self._ended)
            self._thread = threading.Thread(
                target=self._run, args=arguments, name="lockdeck-hints", daemon=True
            )
            self._thread.start()

    def arm(self, logs: LogPaths) -> bool:  # noqa: ARG002 - as above
        """Return that logs are to be looked at again and again: they lie outside the trees."""
        return False

    def take(self) -> Happened:
        """Return what happened since the last time."""
        with self._lock:
            found, self._found = self._found, set()
        return Happened(frozenset(found))

    def stop(self) -> None:
        """Ask the thread to end; nobody waits for it."""
        self._ended.set()

    def _run(self, paths: set[str], ended: threading.Event) -> None:
        import watchfiles

        missed = paths  # what happened before the watch stood
        try:
            for events in watchfiles.watch(
                *paths,
                watch_filter=lambda _change, path: concerns_us(os.path.basename(path)),
                debounce=DEBOUNCE_MS,
                step=STEP_MS,
                stop_event=ended,
                rust_timeout=STOP_MS,
                raise_interrupt=False,
                ignore_permission_denied=True,
                yield_on_timeout=True,
            ):
                self._add({os.path.dirname(path) for _, path in events} | missed)
                missed = set()
        except (OSError, RuntimeError, UnicodeError) as error:
            self.problem = f"no file events ({error}); polling instead"
            self._add(paths)

    def _add(self, directories: set[str]) -> None:
        if directories:
            with self._lock:
                self._found |= directories
            self._ring()
