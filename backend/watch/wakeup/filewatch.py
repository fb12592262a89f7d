"""Wait until a file, or what stands in some folders, changes, whatever an editor does to it.

It may write into a file, replace it, remove it, make it and its folder.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection

from lockdeck.backend.system import inotify
from lockdeck.backend.system.inotify import Inotify
from lockdeck.backend.watch.wakeup.bell import Bell

POLL_S = 2.0
"""Seconds between two looks where no file events are to be had."""
HEAL_S = 60.0
"""Seconds between two looks where they are: of what is changed on another machine the kernel tells nothing."""
SETTLE_S = 0.1
"""A file that has stood still for so long (seconds) is written to its end."""
MOST_SETTLES = 50
"""After so many such rests it is looked at however it stands."""
_APPEARS = inotify.CREATE | inotify.MOVED_TO | inotify.ONLY_DIRECTORY
_CHANGES = _APPEARS | inotify.MODIFY | inotify.ATTRIB | inotify.DELETE | inotify.MOVED_FROM
_GOES = inotify.DELETE_SELF | inotify.MOVE_SELF

Traits = tuple[int, ...] | None
"""Mode, device, inode, size and times of a file; None where there is none."""


class StateWatch:
    """The watch over what `state` returns, from now on. `wait` belongs to one thread; `stop` may be called in any.

    `folders` returns those in which something happens where it changes; it is asked again after every event.
    """

    def __init__(self, folders: Callable[[], Collection[str]], state: Callable[[], object]) -> None:
        self._folders = folders
        self._state = state
        self._seen = state()
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._bell: Bell | None = Bell()

    def wait(self) -> bool:
        """Wait until the state is another than it was, and has come to rest; return False once it was stopped."""
        bell = self._bell
        if bell is None:
            return False
        kernel = _instance()
        try:
            while not self._stopped.is_set():
                live = kernel is not None and _arm(kernel, self._folders())
                if self._state() != self._seen:
                    self._settle()
                    return not self._stopped.is_set()
                bell.wait(HEAL_S if live else POLL_S, *(() if kernel is None else (kernel.fileno(),)))
                if kernel is not None:
                    kernel.read()
            return False
        finally:
            if kernel is not None:
                kernel.close()

    def stop(self) -> None:
        """End the wait, and every one that comes."""
        self._stopped.set()
        with self._lock:
            if self._bell is not None:
                self._bell.ring()

    def close(self) -> None:
        """Let go of all; for the thread that waits."""
        with self._lock:
            bell, self._bell = self._bell, None
        if bell is not None:
            bell.close()

    def _settle(self) -> None:
        for _rest in range(MOST_SETTLES):
            self._seen = self._state()
            if self._stopped.wait(SETTLE_S) or self._state() == self._seen:
                return


class FileWatch(StateWatch):
    """The watch over one path."""

    def __init__(self, path: str) -> None:
        path = os.path.abspath(path)
        super().__init__(
            lambda: {os.path.dirname(path), os.path.dirname(os.path.realpath(path))}, lambda: traits(path)
        )


def traits(path: str) -> Traits:
    """Return what tells one state of a file from another."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return (
        *(status.st_mode, status.st_dev, status.st_ino, status.st_size),
        *(status.st_mtime_ns, status.st_ctime_ns),
    )


def _instance() -> Inotify | None:
    try:
        return Inotify()
    except OSError:
        return None  # no such system, or a limit: it is polled


def _arm(kernel: Inotify, folders: Collection[str]) -> bool:
    """Watch folders; where there is none yet, the nearest above."""
    try:
        for folder in folders:
            above = _standing(folder)
            kernel.add(above, _GOES | (_CHANGES if above == folder else _APPEARS))
    except OSError:
        return False
    return True


def _standing(folder: str) -> str:
    while not os.path.isdir(folder) and os.path.dirname(folder) != folder:
        folder = os.path.dirname(folder)
    return folder
