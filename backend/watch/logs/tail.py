"""Follow OpenClaw's logs: across midnight, rotation, truncation, deletion and replacement.

A followed file stays open; what stands at its path later is simply another file.  Pure reading: no
threads, time comes in as an argument.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from msgspec import Struct

from lockdeck.backend.model.moments import is_dated
from lockdeck.backend.model.runs.events import Event
from lockdeck.backend.model.words import times
from lockdeck.backend.openclaw.log.place import LogPlace, named_log, open_log
from lockdeck.backend.openclaw.log.stream import LineCounts
from lockdeck.backend.openclaw.roots.budgets import READ_S
from lockdeck.backend.system.patience import PatientCalls
from lockdeck.backend.system.text import SafeText, safe
from lockdeck.backend.watch.logs.directory import LogDirectory, logs_in
from lockdeck.backend.watch.logs.file import Followed
from lockdeck.backend.watch.logs.paths import LogPaths
from lockdeck.backend.watch.logs.writers import Writers

LOOKBACK = 4 << 20
"""So many bytes before its end a file is first read."""
LOOKBACK_S = 3600.0
"""Events older than this (seconds) are not told."""
BUDGET = 8 << 20
"""Bytes read in one poll; the rest waits for the next."""
MAX_FILES = 64
"""Files followed at once."""

TOLD_TWICE_S = 5.0
"""The console repeats a JSON log that was written to at most so many seconds (or later) before it spoke."""

_MIN_SHARE = 64 * 1024
_Inode = tuple[int, int]
T = TypeVar("T")


class Poll(Struct, frozen=True):
    """Result of one poll: events by time, counts, bytes still to read, and what could not be read.

    `unsure` are sentences about lines of which nobody knows whether they are of now: they are no events.
    """

    events: tuple[Event, ...]
    counts: LineCounts
    behind: int = 0
    problems: tuple[SafeText, ...] = ()
    unsure: tuple[SafeText, ...] = ()


class LogTail:
    """Follows a set of log files and directories. `close()` when done.

    `files` are named by a person and may be symbolic links, `places` are those of roots. Console files (`gateway.log`,
    `gateway.err.log`) repeat the JSON log in the console's words: while a JSON log is written to, only
    what it can't hold is taken from them. 2026.4.5 ends its JSON log at 500 MiB and the console goes on:
    then it is heard, where its lines have a time and no other JSON log that is followed is written to.
    """

    def __init__(
        self,
        files: Sequence[str] = (),
        directories: Sequence[LogDirectory] = (),
        *,
        places: Sequence[LogPlace] = (),
        lookback: int = LOOKBACK,
        lookback_s: float = LOOKBACK_S,
        budget: int = BUDGET,
        patience: PatientCalls | None = None,
    ) -> None:
        self.look_at(files, directories, places=places)
        self._lookback = lookback
        self._lookback_s = lookback_s
        self._budget = budget
        self._patience = patience or PatientCalls(READ_S)
        self._followed: dict[tuple[int, int], Followed] = {}

    def look_at(
        self,
        files: Sequence[str] = (),
        directories: Sequence[LogDirectory] = (),
        *,
        places: Sequence[LogPlace] = (),
    ) -> None:
        """Name the places anew; files that are followed already go on where they are."""
        self._files = tuple(files)
        self._directories = tuple(directories)
        self._of_roots = tuple(places)

    def poll(self, now: float) -> Poll:
        """Read what was appended since the last poll (`now`: epoch seconds). Raises nothing."""
        problems: list[SafeText] = []
        oldest = now - self._lookback_s
        places = dict.fromkeys(self._places(problems))
        follow = {(place.path, place): partial(self._follow, place, oldest, problems) for place in places}
        present = set(self._in_time(follow, problems).values())
        counts = LineCounts()
        events = [event for event in self._read(now, counts, problems) if event.at >= oldest]
        events.sort(key=lambda event: event.at)
        behind = sum(file.behind for file in self._followed.values())
        for file in self._followed.values():
            file.settle(oldest, now)
        unsure = [file for file in self._followed.values() if file.undated.read_at >= oldest]
        self._retire(present, oldest)
        return Poll(tuple(events), counts, behind, tuple(problems), tuple(map(_unsure_sentence, unsure)))

    @property
    def followed(self) -> tuple[LogPlace, ...]:
        """The places of the logs that are followed."""
        return tuple(file.place for file in self._followed.values())

    def by_age(self) -> tuple[Followed, ...]:
        """Return the JSON logs that are followed, the one written to last first."""
        logs = [file for file in self._followed.values() if not file.place.console]
        return tuple(sorted(logs, key=lambda file: -file.mtime))

    @property
    def paths(self) -> LogPaths:
        """Where it is worth waiting for the next line."""
        return LogPaths(
            files=tuple(file.place.path for file in self._followed.values()),
            expected=tuple(map(os.path.abspath, (*self._files, *(place.path for place in self._of_roots)))),
            directories=tuple(directory.path for directory in self._directories),
            behind=any(file.behind for file in self._followed.values()),
        )

    def writers(self) -> Iterator[tuple[str, Writers]]:
        """Yield who writes each file, with its name."""
        yield from ((file.name, file.writers) for file in self._followed.values())

    def close(self) -> None:
        """Close all files."""
        for file in self._followed.values():
            os.close(file.descriptor)
        self._followed.clear()

    def _places(self, problems: list[SafeText]) -> Iterator[LogPlace]:
        for path in self._files:
            if not os.path.lexists(path):
                problems.append(safe(f"{path} does not exist"))
            yield named_log(path)
        yield from self._of_roots
        listings = {(entry.path, entry): partial(logs_in, entry, problems) for entry in self._directories}
        for logs in self._in_time(listings, problems).values():
            yield from logs

    def _follow(self, place: LogPlace, oldest: float, problems: list[SafeText]) -> _Inode | None:
        """Begin to follow what stands at a place, unless it is followed, old or unreadable; name its inode."""
        try:
            status = os.stat(place.path, follow_symlinks=place.may_link)
            key = (status.st_dev, status.st_ino)
            if key in self._followed or status.st_mtime < oldest:
                return key
            if len(self._followed) >= MAX_FILES:
                problems.append(safe(f"{place.path}: not read, {MAX_FILES} logs are followed already"))
                return key
            descriptor = open_log(place)
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            problems.append(safe(f"{place.path}: {getattr(error, 'strerror', None) or error}"))
            return None
        opened = os.fstat(descriptor)
        key = (opened.st_dev, opened.st_ino)
        if key in self._followed:
            os.close(descriptor)
        else:
            self._followed[key] = Followed(descriptor, safe(place.path), place, opened, self._lookback)
        return key

    def _read(self, now: float, counts: LineCounts, problems: list[SafeText]) -> Iterator[Event]:
        share = max(_MIN_SHARE, self._budget // max(1, len(self._followed)))
        spoken: list[tuple[Followed, Event, bool]] = []
        # The JSON logs last: what the console has said by now stands in them then.
        files = sorted(self._followed.values(), key=lambda file: not file.place.console)
        read = {(str(file.name), file.descriptor): partial(_read, file, now, share) for file in files}
        answers = self._in_time(read, problems)
        for file in files:
            events, of_file, problem = answers.get(
                (str(file.name), file.descriptor), ([], LineCounts(), None)
            )
            counts.add(of_file)
            problems += [problem] if problem is not None else []
            if file.place.console:
                spoken += [(file, event, dated) for event, dated in events]
            else:
                yield from (event for event, _ in events if _is_dated(file, event))
        written = [file.mtime for file in self._followed.values() if file.size and not file.place.console]
        repeated_until = max(written, default=-math.inf) + TOLD_TWICE_S
        for file, event, dated in spoken:
            alone = not written or (dated and event.at > repeated_until) or event.handling.console_only
            if alone and _is_dated(file, event):
                yield event

    def _in_time(
        self, calls: Mapping[tuple[str, Any], Callable[[], T]], problems: list[SafeText]
    ) -> dict[tuple[str, Any], T]:
        """Make calls, each for a path and something that tells it from others there; those that are late are problems."""
        answers = self._patience.run_all(calls)
        late = {path for path, _ in calls.keys() - answers.keys()}
        problems += [safe(f"{path}: not read within {READ_S:g} s") for path in sorted(late)]
        return answers

    def _retire(self, present: set[_Inode | None], oldest: float) -> None:
        """Let go of files that stand nowhere any more, are read to their end and silent."""
        for key, file in list(self._followed.items()):
            if key not in present and not file.behind and (file.unlinked or file.mtime < oldest):
                os.close(file.descriptor)
                del self._followed[key]


def _read(
    file: Followed, now: float, share: int
) -> tuple[list[tuple[Event, bool]], LineCounts, SafeText | None]:
    """Read a file on; also what its lines were, and why it could not be read."""
    counts = LineCounts()
    try:
        return file.read(now, share, counts), counts, None
    except OSError as error:
        return [], counts, safe(f"{file.name}: {error.strerror or error}")


def _is_dated(file: Followed, event: Event) -> bool:
    """Return whether a line tells when it was written; nobody knows whether one that does not is of now."""
    if is_dated(event.at):
        file.undated.date(event.at)
        return True
    if (
        not event.handling.console_only
    ):  # such a line never has a time, and changes nothing in what a session does
        file.undated.add(event.at)
    return False


def _unsure_sentence(file: Followed) -> SafeText:
    count = file.undated.count
    verb = "tells" if count == 1 else "tell"
    return safe(f"{file.name}: {times(count, 'line')} {verb} no date and may be of now or old")
