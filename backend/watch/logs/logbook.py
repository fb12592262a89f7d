"""The logs of all roots: where they are, what they tell, and which OpenClaw writes them."""

from __future__ import annotations

import math
import os
from collections.abc import Collection, Iterator, Mapping, Sequence

from msgspec.structs import replace

from lockdeck.backend.model.runs.events import Event
from lockdeck.backend.model.words import times
from lockdeck.backend.openclaw.log.scan import LineCounts
from lockdeck.backend.openclaw.log.writer import version_in_log
from lockdeck.backend.watch.logs.places import (
    Inode,
    console_files,
    log_directories,
    look_at_named,
    look_at_places,
    owner_of,
)
from lockdeck.backend.watch.logs.tail import LogTail
from lockdeck.backend.watch.root import WatchedRoot

UNREAD_S = 3600.0
"""Lines that could not be read longer ago than this (seconds) told nothing of now."""
MOST_POLLS = 4
"""So often a look reads on where the logs have more than is read at once."""
MAX_ASKED = 4
"""So many logs are asked for the version where roots of both eras are watched."""


class LogBook:
    """Follows the logs named by the user, or else those of the roots; owned by the collector's thread."""

    def __init__(self, paths: Sequence[str], env: Mapping[str, str]) -> None:
        self.counts = LineCounts()
        self.problems: tuple[str, ...] = ()
        self._paths = tuple(paths)
        self._env = env
        self._tail = LogTail()
        self._unread_at = -math.inf
        self._unsure: tuple[str, ...] = ()
        self._behind = 0
        self._logs: set[Inode] = set()

    def read(
        self, roots: Collection[WatchedRoot], reported: Mapping[str, str | None], now: float
    ) -> tuple[Event, ...]:
        """Return what was logged since; `reported` are the logs that gateways say they write, by root."""
        if self._paths:
            self._tail.look_at(self._paths)
        else:
            files = [root.config.logging_file for root in roots if root.config and root.config.logging_file]
            files = [path for path in (*files, *filter(None, reported.values())) if os.path.exists(path)]
            owners = dict.fromkeys([os.geteuid(), *(owner_of(root.path) for root in roots)])
            usual = [place for owner in owners for place in log_directories(owner, self._env)]
            console = [path for root in roots for path in console_files(root.path)]
            self._tail.look_at(files, usual, console=console)
        events: list[Event] = []
        for _ in range(MOST_POLLS):
            poll = self._tail.poll(now)
            events += poll.events
            self.counts.add(poll.counts)
            if poll.counts.unread:
                self._unread_at = now
            if not poll.behind:
                break
        self.problems, self._behind = tuple(map(str, poll.problems)), poll.behind
        self._unsure = tuple(map(str, poll.unsure))
        return tuple(events)

    def look_at_logs(
        self, roots: Collection[WatchedRoot], reported: Mapping[str, str | None], now: float
    ) -> None:
        """Look where the log of each root is: what the roots say of their sources follows from it."""
        named = look_at_named(self._paths, self._logs)
        unread = self.counts.unread_sentence() if now - self._unread_at <= UNREAD_S else None
        behind = f"{self._behind} bytes of the logs are still to be read" if self._behind else None
        unread = "; ".join(filter(None, (behind, unread, *self._unsure))) or None
        for root in roots:
            looks = named or look_at_places(root, reported.get(root.path), self._env)
            root.log_looks = tuple(replace(look, unread=unread) for look in looks) if unread else looks

    def learn_versions(self, roots: Collection[WatchedRoot]) -> None:
        """Ask the logs which version runs: the configuration only knows which one last wrote it."""
        logs = self._tail.by_age()
        if len({root.era for root in roots}) == 1:
            logs = logs[:1]
        versions = [version_in_log(path) for path in logs[:MAX_ASKED]]
        for root in roots:
            root.logged_version = next((version for version in versions if root.fits_era(version)), None)

    def newest(self) -> str | None:
        """The JSON log written to last, where one is followed."""
        return self._tail.newest()

    def close(self) -> None:
        """Let go of the files."""
        self._tail.close()

    def notes(self) -> Iterator[str]:
        """Yield what could not be read or understood, in sentences."""
        yield from (f"log: {problem}" for problem in (*self.problems, *self._unsure))
        unread = self.counts.unread_sentence()
        if unread is not None:
            yield f"log: {unread}"
        if self.counts.malformed or self.counts.oversize:
            yield f"log: {times(self.counts.malformed, 'line')} not understood, {self.counts.oversize} too long"
