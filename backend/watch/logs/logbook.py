"""The logs of all roots: where they are, what they tell, and which OpenClaw writes them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from lockdeck.backend.model.runs.events import Event
from lockdeck.backend.model.words import times
from lockdeck.backend.openclaw.log.scan import LineCounts
from lockdeck.backend.openclaw.log.writer import version_in_log
from lockdeck.backend.watch.logs.directory import usual_directories
from lockdeck.backend.watch.logs.tail import LogTail
from lockdeck.backend.watch.root import WatchedRoot

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

    def read(self, roots: Collection[WatchedRoot], reported: Iterable[str], now: float) -> tuple[Event, ...]:
        """Return what was logged since; `reported` are logs that gateways say they write."""
        if self._paths:
            self._tail.look_at(self._paths)
        else:
            files = [root.config.logging_file for root in roots if root.config and root.config.logging_file]
            files = [path for path in (*files, *reported) if os.path.exists(path)]
            temporary = self._env.get("TMPDIR") or tempfile.gettempdir()
            usual = usual_directories(os.geteuid(), temporary)
            self._tail.look_at(files, usual, console=tuple(_console_files(roots)))
        poll = self._tail.poll(now)
        self.problems = tuple(str(problem) for problem in poll.problems)
        self.counts.add(poll.counts)
        return poll.events

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
        yield from (f"log: {problem}" for problem in self.problems)
        unread = self.counts.unread_sentence()
        if unread is not None:
            yield f"log: {unread}"
        if self.counts.malformed or self.counts.oversize:
            yield f"log: {times(self.counts.malformed, 'line')} not understood, {self.counts.oversize} too long"


def _console_files(roots: Iterable[WatchedRoot]) -> Iterator[str]:
    """Yield what a service manager keeps of a gateway's console."""
    for root in roots:
        for name in ("gateway.log", "gateway.err.log"):
            path = os.path.join(root.path, "logs", name)
            if os.path.exists(path):
                yield path
