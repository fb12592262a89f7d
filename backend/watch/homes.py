"""All sessions directories of a root taken together: where they are, and which of them can't be seen wholly."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence

from msgspec import Struct

from lockdeck.backend.openclaw.roots.sessionsdirs import SessionsDir
from lockdeck.backend.watch.directory import WatchedDirectory


class Homes(Struct, frozen=True):
    """Sessions directories. `listed` and `stored` are the paths that those share whose locks, or stores, can be read.

    `lacking` are those that have no store, or of which something can't be read. None where there are none in common.
    """

    listed: str | None
    stored: str | None
    lacking: tuple[WatchedDirectory, ...]
    problems: tuple[str, ...]
    places: tuple[SessionsDir, ...]

    @classmethod
    def of(cls, directories: Collection[WatchedDirectory]) -> Homes:
        """Put directories together."""
        return cls(
            listed=_common([home.where.path for home in directories if home.unlisted is None]),
            stored=_common([home.where.path for home in directories if home.unread_store is None]),
            lacking=tuple(home for home in directories if home.unseen or home.is_without_store),
            problems=tuple(problem for home in directories for problem in home.problems),
            places=tuple(home.where for home in directories),
        )


def face_of(directory: WatchedDirectory) -> tuple[object, ...]:
    """Return what the directories taken together show of one."""
    return (directory.problems, directory.unlisted, directory.unread_store, directory.is_without_store)


def _common(paths: Sequence[str]) -> str | None:
    try:
        return os.path.commonpath(paths) if paths else None
    except ValueError:
        return None
