"""The place of one log, and its opening: whose file it has to be, and whether a link may lead there."""

from __future__ import annotations

import errno
import os

from msgspec import Struct

from lockdeck.backend.openclaw.files import directory_of
from lockdeck.backend.openclaw.log.files import open_regular
from lockdeck.backend.system.ownership import account


class LogPlace(Struct, frozen=True):
    """Where a log is or may be. `console`: it repeats the JSON log in the console's words.

    `may_link`: links are followed. `below` is a directory above the path: what is reached from there without a link may
    be anybody's; anything else must belong to one of `owners`, where there are some to ask for.
    """

    path: str
    console: bool = False
    may_link: bool = False
    below: str | None = None
    owners: frozenset[int] | None = None


def named_log(path: str) -> LogPlace:
    """Return the place of a log that a person named: it may be a link, and anybody's."""
    return LogPlace(path, may_link=True)


def open_log(place: LogPlace) -> int:
    """Open a log and return its descriptor; whose it is is asked of what was opened. Raises OSError, ValueError."""
    if place.below is not None:
        try:
            with directory_of(place.path, place.below) as directory:
                return open_regular(os.path.basename(place.path), directory=directory)
        except FileNotFoundError:
            raise
        except OSError:
            if not place.may_link:
                raise
    descriptor = open_regular(place.path, follow=place.may_link)
    uid = os.fstat(descriptor).st_uid
    if place.owners is not None and uid not in place.owners:
        os.close(descriptor)
        wanted = " or ".join(map(account, sorted(place.owners)))
        raise PermissionError(
            errno.EACCES, f"it belongs to {account(uid)}: for this root only {wanted} may have a log there"
        )
    return descriptor
