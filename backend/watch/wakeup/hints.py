"""File events as hints: which directories are worth a look now.

An event never carries the truth, only a reason to look; where events are not to be had (limits, network file
systems) the collector's own rescan is the polling that remains.
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable, Iterable

DEBOUNCE_MS = 40
"""Longest time that events are gathered before they are handed on; watchfiles' default is 1,600."""
STEP_MS = 8
"""Quiet needed to hand gathered events on at once."""
PROBE_S = 2.0
"""How often (seconds) it is looked whether the system's limit of file watches is reached."""
_WAKE_MS = 400
_NOT_UTF8 = re.compile(r'decode path "([^"]*)/[^/]*"')
"""What watchfiles says of a name that is not UTF-8 (1.3.0), the bytes written as escapes."""


class Hints:
    """A thread that watches directories and hands on the directories in which something happened.

    `paths` are watched, with all that is below when `recursive`, and handed on themselves once the watch stands: what
    happened before was missed. `problem` says why no events come, or not all: after a failure, and while a limit of the
    system is reached; when that is over the watch ends, for what it lacks is had by a new one only. A name that is not
    UTF-8 ends the watch too: `not_utf8` is then its directory, and a watch without that can go on. Nothing is raised.
    """

    def __init__(
        self, paths: Iterable[str], notify: Callable[[set[str]], None], *, recursive: bool = True
    ) -> None:
        self.paths = frozenset(paths)
        self.problem: str | None = None
        self.not_utf8: str | None = None
        self._recursive = recursive
        self._notify = notify
        self._stop = threading.Event()
        self._probe_at = 0.0
        self._stands = False
        self._thread = threading.Thread(target=self._run, name="lockdeck-hints", daemon=True)

    def start(self) -> Hints:
        """Start watching; returns itself."""
        if self.paths:
            self._thread.start()
        return self

    def stop(self) -> None:
        """Ask the thread to end; it does so within half a second, and nobody waits for it."""
        self._stop.set()

    @property
    def live(self) -> bool:
        """Return whether events are coming, or will at once when the watch goes on without `not_utf8`.

        Not before the watch stands and no limit was found: until then nobody knows.
        """
        return self.problem is None and ((self._stands and self.watches) or self.not_utf8 is not None)

    @property
    def watches(self) -> bool:
        """Return whether the watch goes on, with a problem or without."""
        return self._thread.is_alive()

    def _run(self) -> None:
        import watchfiles

        missed: frozenset[str] = self.paths
        try:
            for events in watchfiles.watch(
                *self.paths,
                watch_filter=_concerns_us,
                debounce=DEBOUNCE_MS,
                step=STEP_MS,
                stop_event=self._stop,
                rust_timeout=_WAKE_MS,
                raise_interrupt=False,
                ignore_permission_denied=True,
                recursive=self._recursive,
                yield_on_timeout=True,
            ):
                if self._limit_is_over():
                    return
                self._stands = True
                directories = {os.path.dirname(path) for _, path in events} | missed
                missed = frozenset()
                if directories:
                    self._notify(directories)
        except (OSError, RuntimeError, UnicodeError) as error:
            match = _NOT_UTF8.search(str(error))
            if match is None and not isinstance(error, UnicodeError):
                self.problem = f"no file events ({_limit_at(self.paths) or error}); polling instead"
                return
            self.not_utf8 = match[1] if match else ""
            self._notify(set(self.paths))

    def _limit_is_over(self) -> bool:
        """Look now and then whether a limit keeps directories from being watched; True when one did, and no longer does."""
        now = time.monotonic()
        if now < self._probe_at:
            return False
        self._probe_at = now + PROBE_S
        limit, before = _limit_at(self.paths), self.problem
        self.problem = f"not all file events come ({limit}); polling instead" if limit else None
        return before is not None and limit is None


def _limit_at(paths: Iterable[str]) -> str | None:
    from lockdeck.backend.system.inotify import reached_limit

    return next((reached_limit(path) for path in paths), None)


def _concerns_us(_change: object, path: str) -> bool:
    """Locks, stores, logs and new directories concern us; the endless appends to transcripts do not."""
    name = path.rsplit("/", 1)[-1]
    if name.endswith((".lock", ".log")) or name in ("sessions.json", "openclaw.json"):
        return True
    return "." not in name
