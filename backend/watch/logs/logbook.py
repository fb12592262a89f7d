"""The logs of all roots: where they are, what they tell, and which OpenClaw writes them."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from lockdeck.backend.model.runs.events import Event
from lockdeck.backend.model.sources import LogLook, SourceState
from lockdeck.backend.model.words import times
from lockdeck.backend.openclaw.gateway.secret import Secret, secrets_of
from lockdeck.backend.openclaw.log.inputs.words import STDIN, is_pipe, is_stdin
from lockdeck.backend.openclaw.log.place import LogPlace
from lockdeck.backend.openclaw.log.scan import LineCounts
from lockdeck.backend.openclaw.log.writer import version_in_log
from lockdeck.backend.settings.records import Settings
from lockdeck.backend.system.patience import PatientCalls
from lockdeck.backend.watch.live.logs import LiveLogs
from lockdeck.backend.watch.logs.paths import LogPaths
from lockdeck.backend.watch.logs.places import (
    Inode,
    log_directories,
    look_at_named,
    look_at_places,
    owner_of,
    places_of_root,
)
from lockdeck.backend.watch.logs.tail import LOOKBACK_S, LogTail
from lockdeck.backend.watch.logs.writers import Writers, attributed
from lockdeck.backend.watch.root import WatchedRoot

if TYPE_CHECKING:
    from lockdeck.backend.watch.records.loglines import Readable

UNREAD_S = 3600.0
"""Lines that could not be read longer ago than this (seconds) told nothing of now."""
MOST_POLLS = 4
"""So often a look reads on where the logs have more than is read at once."""
MAX_ASKED = 4
"""So many logs are asked for the version where roots of both eras are watched."""

SHORTEST_SECRET = 8
"""A shorter value (characters) of a variable may be a word that a log is full of."""


class LogPlaces(Struct, frozen=True):
    """Where a root has logs: files of its own, and the usual places of its `owner` (uid)."""

    owner: int
    files: tuple[LogPlace, ...]


class LogBook:
    """Follows the logs named by the user, or else those of the roots; owned by the collector's thread.

    A root with a log command is told of by that, and its own places are not looked at. `live` are the logs that come by
    themselves; `wake` is called, in any thread, when one of them has something to tell.
    """

    def __init__(
        self,
        paths: Sequence[str],
        env: Mapping[str, str],
        settings: Settings,
        wake: Callable[[], None],
        patience: PatientCalls,
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
        self._patience = patience
        self._tail = LogTail(patience=patience)
        self._unread_at = -math.inf
        self._unsure: tuple[str, ...] = ()
        self._foreign: tuple[str, ...] = ()
        self._oldest = -math.inf
        self._behind = 0
        self._logs: set[Inode] = set()
        self._followed: tuple[LogPlace, ...] = ()
        self._secrets: Mapping[str, tuple[Secret, ...]] = {}

    def keep_live(self, roots: Iterable[WatchedRoot]) -> None:
        """Read the pipes that were named, and run the log commands of these roots."""
        commands = {root.path: self._settings.root(root.path).log_command for root in roots}
        self._commands = {path: argv for path, argv in commands.items() if argv}
        self.live.keep(self._commands)

    def places_of(self, root: WatchedRoot, reported: str | None) -> LogPlaces:
        """Return where a root has logs; `reported` is the one that its gateway says it writes."""
        places = (place for place in places_of_root(root, reported) if os.path.exists(place.path))
        return LogPlaces(owner_of(root.path), tuple(places))

    def read(self, places: Mapping[str, LogPlaces], now: float) -> list[Event]:
        """Return what was logged since; `places` are those of each root, by its path."""
        if self._named:
            self._tail.look_at(self._paths)
        else:
            self._look_at_usual([of_root for path, of_root in places.items() if path not in self._commands])
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
        self._followed = self._tail.followed
        events += self.read_live(now)
        self._unsure += tuple(self.live.unsure(now - LOOKBACK_S))
        self._oldest = now - LOOKBACK_S
        return events

    def attribute(self, known: Callable[[], Collection[str]]) -> tuple[list[Event], list[Event]]:
        """Return what logs that several write tell after all, and what of them was told and isn't to count.

        `known` gives the ids of the sessions here.
        """
        several = [(name, writers) for name, writers in self._writers() if writers.several]
        if not several:
            return [], []
        result = attributed((writers for _, writers in several), known())
        sentences = ((name, writers.withheld(self._oldest)) for name, writers in several)
        self._foreign = tuple(f"{name}: {sentence}" for name, sentence in sentences if sentence)
        return result

    def _writers(self) -> Iterator[tuple[str, Writers]]:
        yield from self._tail.writers()
        yield from self.live.writers()

    def read_live(self, now: float) -> list[Event]:
        """Return what came by itself since."""
        unread = self.counts.unread
        events = [event for event in self.live.read(now, self.counts) if event.at >= now - LOOKBACK_S]
        if self.counts.unread > unread:
            self._unread_at = now
        return events

    def _look_at_usual(self, roots: Sequence[LogPlaces]) -> None:
        owners = dict.fromkeys([os.geteuid(), *(root.owner for root in roots)])
        usual = [place for owner in owners for place in log_directories(owner, self._env)]
        places = [place for root in roots for place in root.files]
        self._tail.look_at((), usual if roots or not self._commands else (), places=places)

    def look_at_logs(
        self, roots: Collection[WatchedRoot], reported: Mapping[str, str | None], now: float
    ) -> None:
        """Look where the log of each root is: what the roots say of their sources follows from it."""
        named = look_at_named(self._paths, self._logs) if self._named else ()
        unread = self.counts.unread_sentence() if now - self._unread_at <= UNREAD_S else None
        behind = f"{self._behind} bytes of the logs are still to be read" if self._behind else None
        unread = "; ".join(filter(None, (behind, unread, *self._unsure, *self._foreign))) or None
        for root in roots:
            self._secrets = {**self._secrets, root.path: root.config.secrets if root.config else ()}
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
        asked = {
            ("version", log.descriptor): partial(version_in_log, log.descriptor) for log in logs[:MAX_ASKED]
        }
        versions = list(self._patience.run_all(asked).values())
        for root in roots:
            root.logged_version = next((version for version in versions if root.fits_era(version)), None)

    @property
    def paths(self) -> LogPaths:
        """Where it is worth waiting for the next line."""
        return self._tail.paths

    def readable(self) -> Readable:
        """Return what can be read of the logs again. May be called in any thread: what it touches is replaced, never changed."""
        from lockdeck.backend.watch.records.loglines import KeptStream, Readable

        streams = (KeptStream(name, *kept.read()) for name, kept in self.live.kept)
        secrets = (secret for of_root in self._secrets.values() for secret in of_root)
        of_env = secrets_of(self._env, SHORTEST_SECRET)
        return Readable(self._followed, tuple(streams), (*secrets, *of_env))

    def newest(self) -> LogPlace | None:
        """The place of the JSON log written to last, where one is followed."""
        return next((log.place for log in self._tail.by_age()), None)

    def close(self) -> None:
        """Let go of the files, and end what comes by itself."""
        self._tail.close()
        self.live.close()

    def notes(self) -> Iterator[str]:
        """Yield what could not be read or understood, in sentences."""
        yield from (f"log: {problem}" for problem in (*self.problems, *self._unsure, *self._foreign))
        yield from (f"log: {note}" for note in self.live.notes())
        for sentence in (self.counts.unread_sentence(), self.counts.cut_sentence()):
            if sentence is not None:
                yield f"log: {sentence}"
        if self.counts.malformed or self.counts.oversize:
            yield f"log: {times(self.counts.malformed, 'line')} not understood, {self.counts.oversize} too long"
