"""File events as hints: which directories are worth a look now.

An event never carries the truth, only a reason to look; where events are not to be had (limits, network file
systems) the collector's own rescan is the polling that remains.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from msgspec import Struct

from lockdeck.backend.system.procfs import LINUX
from lockdeck.backend.watch.logs.paths import LogPaths
from lockdeck.backend.watch.root import WatchedRoot


class Happened(Struct, frozen=True):
    """The directories in which something happened, and whether a log was written to."""

    directories: frozenset[str] = frozenset()
    logged: bool = False


class Hints(Protocol):
    """A watch over files. Belongs to one thread. `problem` says why no events come, or not all. Nothing is raised."""

    problem: str | None

    @property
    def live(self) -> bool:
        """Return whether events are coming."""

    @property
    def descriptors(self) -> Sequence[int]:
        """The descriptors that are readable when something happened."""

    def keep(self, roots: Sequence[WatchedRoot], logs: LogPaths) -> None:
        """Keep the watch on what stands now; what is watched newly happened: what was before is not known."""

    def arm(self, logs: LogPaths) -> bool:
        """Wait for the next line of each log. Return whether nothing was missed since the last time, and nothing will be."""

    def take(self) -> Happened:
        """Return what happened since the last time."""

    def stop(self) -> None:
        """Watch no longer."""


def hints_here(ring: Callable[[], None]) -> Hints:
    """Return the watch of this system; `ring` is called, in any thread, where something happened without a descriptor."""
    if LINUX:
        from lockdeck.backend.watch.wakeup.inotify_hints import InotifyHints

        return InotifyHints()
    from lockdeck.backend.watch.wakeup.watchfiles_hints import WatchfilesHints

    return WatchfilesHints(ring)
