"""Follow OpenClaw's logs: across midnight, rotation, truncation, deletion and replacement.

A followed file stays open; what stands at its path later is simply another file.  Pure reading: no
threads, time comes in as an argument.
"""

from __future__ import annotations

import math
import os
import re
import stat
from collections.abc import Iterator, Sequence
from itertools import islice

from msgspec import Struct

from lockdeck.backend.model.runs.events import Event
from lockdeck.backend.openclaw.log.files import open_regular
from lockdeck.backend.openclaw.log.stream import LineCounts
from lockdeck.backend.system.text import SafeText, safe
from lockdeck.backend.watch.logs.file import Followed

LOOKBACK = 4 << 20
"""How far before its end a file is first read, in bytes."""
LOOKBACK_S = 3600.0
"""Events older than this (seconds) are not told."""
BUDGET = 8 << 20
"""How much is read in one poll, in bytes; the rest waits for the next."""
MAX_FILES = 64
"""How many files are followed at once."""

TOLD_TWICE_S = 5.0
"""The console repeats a JSON log that was written to at most so many seconds (or later) before it spoke."""

_SHARE_AT_LEAST = 64 * 1024
_ENTRIES_AT_MOST = 10_000
_Inode = tuple[int, int]
_LOG_NAME = re.compile(r"openclaw-\d{4}-\d\d-\d\d(?:\.\d{1,2})?\.log")


class LogDirectory(Struct, frozen=True):
    """A directory where OpenClaw writes `openclaw-YYYY-MM-DD.log` (and, from 2026.4.29, `….1.log`)."""

    path: str


class _Place(Struct, frozen=True):
    path: str
    may_link: bool = False
    console: bool = False


class Poll(Struct, frozen=True):
    """What one poll brought: events by time, counts, bytes still to read, and what could not be read."""

    events: tuple[Event, ...]
    counts: LineCounts
    behind: int = 0
    problems: tuple[SafeText, ...] = ()


def usual_directories(uid: int, temporary: str) -> tuple[LogDirectory, ...]:
    """Return where OpenClaw logs to by default: `/tmp/openclaw`, else `<temporary>/openclaw-<uid>`."""
    return LogDirectory("/tmp/openclaw"), LogDirectory(os.path.join(temporary, f"openclaw-{uid}"))  # noqa: S108


class LogTail:
    """Follows a set of log files and directories. `close()` when done.

    `files` are named by a person or a config and may be symbolic links. `console` files (`gateway.log`,
    `gateway.err.log`) repeat the JSON log in the console's words: while a JSON log is written to, only
    what it can't hold is taken from them. 2026.4.5 ends its JSON log at 500 MiB and the console goes on:
    then it is heard, where its lines have a time and no other JSON log that is followed is written to.
    """

    def __init__(
        self,
        files: Sequence[str] = (),
        directories: Sequence[LogDirectory] = (),
        *,
        console: Sequence[str] = (),
        lookback: int = LOOKBACK,
        lookback_s: float = LOOKBACK_S,
        budget: int = BUDGET,
    ) -> None:
        self.look_at(files, directories, console=console)
        self._lookback = lookback
        self._lookback_s = lookback_s
        self._budget = budget
        self._followed: dict[tuple[int, int], Followed] = {}

    def look_at(
        self,
        files: Sequence[str] = (),
        directories: Sequence[LogDirectory] = (),
        *,
        console: Sequence[str] = (),
    ) -> None:
        """Name the places anew; files that are followed already go on where they are."""
        self._files = tuple(files)
        self._directories = tuple(directories)
        self._console = tuple(console)

    def poll(self, now: float) -> Poll:
        """Read what was appended since the last poll (`now`: epoch seconds). Raises nothing."""
        problems: list[SafeText] = []
        oldest = now - self._lookback_s
        standing = {self._follow(place, oldest, problems) for place in self._places(problems)}
        counts = LineCounts()
        events = [event for event in self._read(now, counts, problems) if event.at >= oldest]
        events.sort(key=lambda event: event.at)
        behind = sum(one.behind for one in self._followed.values())
        self._retire(standing, oldest)
        return Poll(tuple(events), counts, behind, tuple(problems))

    def newest(self) -> str | None:
        """Return the JSON log written to last; None where none is followed."""
        return next(iter(self.by_age()), None)

    def by_age(self) -> tuple[str, ...]:
        """Return the JSON logs that are followed, the one written to last first."""
        logs = [one for one in self._followed.values() if not one.console]
        return tuple(one.name for one in sorted(logs, key=lambda one: -one.mtime))

    def close(self) -> None:
        """Close all files."""
        for one in self._followed.values():
            os.close(one.descriptor)
        self._followed.clear()

    def _places(self, problems: list[SafeText]) -> Iterator[_Place]:
        for path in self._files:
            if not os.path.lexists(path):
                problems.append(safe(f"{path} does not exist"))
            yield _Place(path, may_link=True)
        for path in self._console:
            yield _Place(path, may_link=True, console=True)
        for directory in self._directories:
            yield from map(_Place, _logs_in(directory, problems))

    def _follow(self, place: _Place, oldest: float, problems: list[SafeText]) -> _Inode | None:
        """Begin to follow what stands at a place, unless it is followed, old or unreadable; name its inode."""
        try:
            found = os.stat(place.path, follow_symlinks=place.may_link)
            key = (found.st_dev, found.st_ino)
            if key in self._followed or found.st_mtime < oldest:
                return key
            if len(self._followed) >= MAX_FILES:
                problems.append(safe(f"{place.path}: not read, {MAX_FILES} logs are followed already"))
                return key
            descriptor = open_regular(place.path, follow=place.may_link)
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
            self._followed[key] = Followed(
                descriptor, safe(place.path), place.console, opened, self._lookback
            )
        return key

    def _read(self, now: float, counts: LineCounts, problems: list[SafeText]) -> Iterator[Event]:
        share = max(_SHARE_AT_LEAST, self._budget // max(1, len(self._followed)))
        spoken: list[tuple[Event, bool]] = []
        # The JSON logs last: what the console has said by now stands in them then.
        for one in sorted(self._followed.values(), key=lambda one: not one.console):
            try:
                found = one.read(now, share, counts)
            except OSError as error:
                problems.append(safe(f"{one.name}: {error.strerror or error}"))
                continue
            if one.console:
                spoken += found
            else:
                yield from (event for event, _ in found)
        written = [one.mtime for one in self._followed.values() if one.size and not one.console]
        told_until = max(written, default=-math.inf) + TOLD_TWICE_S
        for event, dated in spoken:
            if not written or (dated and event.at > told_until) or event.handling.console_only:
                yield event

    def _retire(self, standing: set[_Inode | None], oldest: float) -> None:
        """Let go of files that stand nowhere any more, are read to their end and silent."""
        for key, one in list(self._followed.items()):
            if key not in standing and not one.behind and (one.unlinked or one.mtime < oldest):
                os.close(one.descriptor)
                del self._followed[key]


def _logs_in(directory: LogDirectory, problems: list[SafeText]) -> list[str]:
    """Return the logs in a directory, as trustworthy as OpenClaw itself demands it, newest name first."""
    try:
        found = os.lstat(directory.path)
        if not stat.S_ISDIR(found.st_mode):
            problems.append(safe(f"{directory.path} is not a directory"))
            return []
        if found.st_mode & stat.S_IWOTH:
            problems.append(safe(f"{directory.path} is writable by everybody: not read"))
            return []
        with os.scandir(directory.path) as entries:
            names = [
                entry.name for entry in islice(entries, _ENTRIES_AT_MOST) if _LOG_NAME.fullmatch(entry.name)
            ]
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        problems.append(safe(f"{directory.path}: {getattr(error, 'strerror', None) or error}"))
        return []
    return [os.path.join(directory.path, name) for name in sorted(names, reverse=True)]
