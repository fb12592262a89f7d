"""The logs of all roots: where they are, what they tell, and which OpenClaw writes them."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

from msgspec.structs import replace

from lockdeck.backend.model.runs.events import Event
from lockdeck.backend.model.sources import LogLook, SourceState
from lockdeck.backend.model.words import times
from lockdeck.backend.openclaw.log.inputs.words import STDIN, is_pipe, is_stdin
from lockdeck.backend.openclaw.log.scan import LineCounts
from lockdeck.backend.openclaw.log.writer import version_in_log
from lockdeck.backend.settings.records import Settings
from lockdeck.backend.watch.live.logs import LiveLogs
from lockdeck.backend.watch.logs.places import (
    Inode,
    log_directories,
    look_at_named,
    look_at_places,
    owner_of,
    places_of_root,
)
from lockdeck.backend.watch.logs.tail import LOOKBACK_S, LogTail
from lockdeck.backend.watch.root import WatchedRoot

UNREAD_S = 3600.0
"""Lines that could not be read longer ago than this (seconds) told nothing of now."""
MOST_POLLS = 4
"""So often a look reads on where the logs have more than is read at once."""
MAX_ASKED = 4
"""So many logs are asked for the version where roots of both eras are watched."""


class LogBook:
    """Follows the logs named by the user, or else those of the roots; owned by the collector's thread.

    A root with a log command is told of by that, and its own places are not looked at. `live` are the logs that come by
    themselves; `wake` is called, in any thread, when one of them has something to tell.
    """

    def __init__(
        self, paths: Sequence[str], env: Mapping[str, str], settings: Settings, wake: Callable[[], None]
    ) -> None:
        self.counts = LineCounts()
        self.problems: tuple[str, ...] = ()
        pipes = [path for path in paths if is_pipe(path)]
        self.live = LiveLogs([STDIN if is_stdin(path) else path for path in pipes], settings.origin, wake)
        self._named = bool(paths)
        self._paths = tuple(path for path in paths if path not in pipes)
        self._env = env
        self._settings = settings
        self._commands: dict[str, tuple[str, ...]] = {}
        self._tail = LogTail()
        self._unread_at = -math.inf
        self._unsure: tuple[str, ...] = ()
        self._behind = 0
        self._logs: set[Inode] = set()

    def keep_live(self, roots: Iterable[WatchedRoot]) -> None:
        """Read the pipes that were named, and run the log commands of these roots."""
        commands = {root.path: self._settings.root(root.path).log_command for root in roots}
        self._commands = {path: argv for path, argv in commands.items() if argv}
        self.live.keep(self._commands)

    def read(
        self, roots: Collection[WatchedRoot], reported: Mapping[str, str | None], now: float
    ) -> list[Event]:
        """Return what was logged since; `reported` are the logs that gateways say they write, by root."""
        if self._named:
            self._tail.look_at(self._paths)
        else:
            self._look_at_usual([root for root in roots if root.path not in self._commands], reported)
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
        events += self.read_live(now)
        self._unsure += tuple(self.live.unsure(now - LOOKBACK_S))
        return events

    def read_live(self, now: float) -> list[Event]:
        """Return what came by itself since."""
        unread = self.counts.unread
        events = [event for event in self.live.read(now, self.counts) if event.at >= now - LOOKBACK_S]
        if self.counts.unread > unread:
            self._unread_at = now
        return events

    def _look_at_usual(self, roots: Collection[WatchedRoot], reported: Mapping[str, str | None]) -> None:
        places = [place for root in roots for place in places_of_root(root, reported.get(root.path))]
        places = [place for place in places if os.path.exists(place.path)]
        owners = dict.fromkeys([os.geteuid(), *(owner_of(root.path) for root in roots)])
        usual = [place for owner in owners for place in log_directories(owner, self._env)]
        self._tail.look_at((), usual if roots or not self._commands else (), places=places)

    def look_at_logs(
        self, roots: Collection[WatchedRoot], reported: Mapping[str, str | None], now: float
    ) -> None:
        """Look where the log of each root is: what the roots say of their sources follows from it."""
        named = look_at_named(self._paths, self._logs) if self._named else ()
        unread = self.counts.unread_sentence() if now - self._unread_at <= UNREAD_S else None
        behind = f"{self._behind} bytes of the logs are still to be read" if self._behind else None
        unread = "; ".join(filter(None, (behind, unread, *self._unsure))) or None
        for root in roots:
            looks = (*named, *self.live.looks(root.path, now))
            looks = looks or look_at_places(root, reported.get(root.path), self._env)
            looks = tuple(map(self._as_followed, looks))
            root.log_looks = tuple(replace(look, unread=unread) for look in looks) if unread else looks

    def _as_followed(self, look: LogLook) -> LogLook:
        """Return a log as refused where it could be opened and yet is not followed: too many are, or reading fails."""
        reasons = (
            p.removeprefix(f"{look.where}: ") for p in self.problems if p.startswith(f"{look.where}: ")
        )
        reason = next(reasons, None)
        if reason is None or look.state is not SourceState.READ:
            return look
        return replace(look, state=SourceState.REFUSED, why=reason)

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
        """Let go of the files, and end what comes by itself."""
        self._tail.close()
        self.live.close()

    def notes(self) -> Iterator[str]:
        """Yield what could not be read or understood, in sentences."""
        yield from (f"log: {problem}" for problem in (*self.problems, *self._unsure))
        yield from (f"log: {note}" for note in self.live.notes())
        unread = self.counts.unread_sentence()
        if unread is not None:
            yield f"log: {unread}"
        if self.counts.malformed or self.counts.oversize:
            yield f"log: {times(self.counts.malformed, 'line')} not understood, {self.counts.oversize} too long"
