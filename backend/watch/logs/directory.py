"""Directories where OpenClaw writes its logs, one file a day."""

from __future__ import annotations

import os
import stat
from itertools import islice

from msgspec import Struct

from lockdeck.backend.model.pattern import late_pattern
from lockdeck.backend.openclaw.log.place import LogPlace
from lockdeck.backend.system.text import SafeText, safe

MAX_ENTRIES = 10_000
_LOG_NAME = late_pattern(r"openclaw-\d{4}-\d\d-\d\d(?:\.\d{1,2})?\.log")


class LogDirectory(Struct, frozen=True):
    """A directory where OpenClaw writes `openclaw-YYYY-MM-DD.log` (and, from 2026.4.29, `….1.log`).

    `owner` is the user to whom it must belong: anybody may make such a name in a temporary directory.
    """

    path: str
    owner: int | None = None


def usual_directories(uid: int, temporary: str) -> tuple[LogDirectory, ...]:
    """Return where the OpenClaw of a user logs to by default: `/tmp/openclaw`, else `<temporary>/openclaw-<uid>`."""
    places = dict.fromkeys(["/tmp/openclaw", os.path.join(temporary, f"openclaw-{uid}")])  # noqa: S108
    return tuple(LogDirectory(path, uid) for path in places)


def logs_in(directory: LogDirectory, problems: list[SafeText]) -> list[LogPlace]:
    """Return the logs in a directory, as trustworthy as OpenClaw itself demands it, newest name first."""
    try:
        status = os.lstat(directory.path)
        if not stat.S_ISDIR(status.st_mode):
            problems.append(safe(f"{directory.path} is not a directory"))
            return []
        if directory.owner is not None and status.st_uid != directory.owner:
            return []  # another user's: OpenClaw does not use it either
        if status.st_mode & stat.S_IWOTH:
            problems.append(safe(f"{directory.path} is writable by everybody: not read"))
            return []
        with os.scandir(directory.path) as entries:
            names = [entry.name for entry in islice(entries, MAX_ENTRIES) if _LOG_NAME.fullmatch(entry.name)]
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        problems.append(safe(f"{directory.path}: {getattr(error, 'strerror', None) or error}"))
        return []
    # The directory's owner can exchange it at any time, so that whose a log is is asked of what was opened.
    owners = None if directory.owner is None else frozenset({directory.owner})
    paths = [os.path.join(directory.path, name) for name in sorted(names, reverse=True)]
    return [LogPlace(path, owners=owners) for path in paths]
