"""File events of Linux: one watch for each directory, and one for each log until its next line."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import suppress

from lockdeck.backend.system import inotify
from lockdeck.backend.system.inotify import Inotify, reached_limit
from lockdeck.backend.system.volumes import read_mounts
from lockdeck.backend.watch.logs.paths import LogPaths
from lockdeck.backend.watch.root import WatchedRoot
from lockdeck.backend.watch.wakeup.hints import Happened
from lockdeck.backend.watch.wakeup.watched_paths import agents_of, concerns_us, directories, with_events

HEAL_S = 60.0
"""So often (seconds) every watch is made sure of: a directory above it may have been replaced, which nobody tells."""
_NAMES = inotify.CREATE | inotify.DELETE | inotify.MOVED_FROM | inotify.MOVED_TO
_SELF = inotify.DELETE_SELF | inotify.MOVE_SELF
_OF_DIRECTORY = inotify.ONLY_DIRECTORY | inotify.ADD | _SELF
"""`ADD`: two names may mean one directory, and each of them asks for its own."""
_DIRECTORY = inotify.MODIFY | inotify.ATTRIB | _NAMES | _OF_DIRECTORY
_LOG_DIRECTORY = inotify.CREATE | inotify.MOVED_TO | _OF_DIRECTORY
_STRUCTURE = inotify.IS_DIRECTORY | inotify.IGNORED | _SELF
_NEXT_LINE = inotify.ONCE | inotify.MODIFY | inotify.ATTRIB | _SELF


class InotifyHints:
    """The watch over files where the kernel tells of them. `problem`, `live` and the rest as `Hints` has them."""

    def __init__(self) -> None:
        self.problem: str | None = None
        self._inotify: Inotify | None = None
        self._paths: dict[int, str] = {}
        self._watches: dict[str, int] = {}
        self._logs: dict[str, int] = {}
        self._log_directories: dict[str, int] = {}
        self._with_events: frozenset[str] = frozenset()
        self._log_names: frozenset[str] = frozenset()
        self._missed: set[str] = set()
        self._standing: object = None
        self._sure_until = 0.0

    @property
    def live(self) -> bool:
        """Return whether events are coming."""
        return self.problem is None and bool(self._watches)

    @property
    def descriptors(self) -> Sequence[int]:
        """The instance of the kernel's events, once there is one."""
        return () if self._inotify is None else (self._inotify.fileno(),)

    def keep(self, roots: Sequence[WatchedRoot], logs: LogPaths) -> None:
        """Watch what stands now; costs little where it is what stood before."""
        watched = with_events(roots)
        standing, now = (
            ([_standing(root) for root in watched], logs.files, logs.directories),
            time.monotonic(),
        )
        if standing == self._standing and now < self._sure_until:
            return
        self._standing, self._sure_until = standing, now + HEAL_S
        try:
            self._inotify = self._inotify or Inotify()
            self._watch(self._inotify, dict.fromkeys(directories(watched)))
            self._watch_beside(self._inotify, logs)
            self.problem = None
        except OSError as error:
            self.problem = f"not all file events come ({reached_limit(error) or error}); polling instead"
            self._sure_until = 0.0

    def _watch(self, instance: Inotify, wanted: dict[str, None]) -> None:
        """Watch these directories and no others; raises OSError where a limit or the system is against it."""
        for path in self._watches.keys() - wanted.keys():
            self._forget(instance, self._watches.pop(path))
        for path in wanted:
            try:
                watch = instance.add(path, _DIRECTORY)
            except (FileNotFoundError, NotADirectoryError, PermissionError):
                watch = None  # what does not stand now is watched when it does
            before = self._watches.pop(path, None)
            if before is not None and before != watch:
                self._forget(instance, before)
            if watch is not None:
                self._watches[path], self._paths[watch] = watch, path
                if watch != before:
                    self._missed.add(path)

    def _forget(self, instance: Inotify, watch: int) -> None:
        self._paths.pop(watch, None)
        if watch not in self._log_directories.values():
            instance.remove(watch)

    def _watch_beside(self, instance: Inotify, logs: LogPaths) -> None:
        """Watch where other logs may appear, and learn of which logs events come: none of a drive that others serve."""
        mounts = read_mounts()
        self._with_events = frozenset(path for path in logs.files if not mounts.reach_others(path))
        self._log_names = frozenset(map(os.path.basename, logs.expected))
        wanted = {*map(os.path.dirname, logs.expected), *logs.directories}
        for path in self._log_directories.keys() - wanted:
            watch = self._log_directories.pop(path)
            if watch not in self._paths:
                instance.remove(watch)
        for path in wanted:
            if not mounts.reach_others(path):
                with suppress(FileNotFoundError, NotADirectoryError, PermissionError):
                    self._log_directories[path] = instance.add(path, _LOG_DIRECTORY)

    def arm(self, logs: LogPaths) -> bool:
        """Have the next change of each log told once: of one that is written to all the time no more is to be known."""
        if self._inotify is None:
            return False
        for path in self._logs.keys() - set(logs.files):
            self._inotify.remove(self._logs.pop(path))
        sure = not logs.behind
        for path in logs.files:
            if path in self._logs:
                continue
            sure = False
            if path in self._with_events:
                with suppress(OSError):
                    self._logs[path] = self._inotify.add(path, _NEXT_LINE)
        return sure

    def take(self) -> Happened:
        """Return what happened; the kernel may have lost some, then it happened everywhere."""
        if self._inotify is None:
            return Happened()
        found, self._missed = self._missed, set()
        logged, spent, logs = False, set[int](), frozenset(self._logs.values())
        for event in self._inotify.read():
            path = self._paths.get(event.watch)
            if event.watch in logs:
                spent.add(event.watch)
            elif event.mask & inotify.OVERFLOW:
                found |= self._watches.keys()
            elif path is None:
                logged = logged or event.name in self._log_names or event.name.endswith(".log")
            elif event.mask & _STRUCTURE or concerns_us(event.name):
                found.add(path)
            if event.mask & (_STRUCTURE | inotify.OVERFLOW):
                self._sure_until = 0.0
        self._logs = {path: watch for path, watch in self._logs.items() if watch not in spent}
        return Happened(frozenset(found), logged or bool(spent))

    def stop(self) -> None:
        """Watch no longer."""
        instance, self._inotify = self._inotify, None
        if instance is not None:
            instance.close()


def _standing(root: WatchedRoot) -> tuple[object, ...]:
    """Return a value that changes where other directories are to be watched and no event tells of it."""
    agents = agents_of(root)
    try:
        status = os.stat(agents)
    except OSError:
        return (agents, *root.directories)
    return (agents, status.st_dev, status.st_ino, *root.directories)
