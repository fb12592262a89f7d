"""The sessions of a store by the lock that guards them: which of them a lock belongs to."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from msgspec import Struct

from lockdeck.backend.model.pattern import late_pattern
from lockdeck.backend.openclaw.store import SessionEntry

_TOPIC = late_pattern(r"-topic-[^/]*$")

_NO_NAMES = ("", ".", "..")


class StoreIndex(Struct, frozen=True):
    """The sessions of one sessions directory: `by_file` by the name of their transcript in it, `by_id` by session id."""

    by_file: Mapping[str, SessionEntry]
    by_id: Mapping[str, SessionEntry]

    @classmethod
    def build(
        cls,
        entries: Iterable[SessionEntry],
        sessions_dir: str,
        *,
        spellings: Iterable[str] = (),
        follow: bool = True,
    ) -> StoreIndex:
        """Index `entries`; of two that name the same transcript the one updated last counts.

        Entries name their transcript by path. Its directory is `sessions_dir`, one of its `spellings`, or, with `follow`
        (a root that is ours), one that a single look shows to be the same: locks elsewhere are none of this directory.
        """
        directory = _Directory(sessions_dir, spellings, follow)
        by_file: dict[str, SessionEntry] = {}
        by_id: dict[str, SessionEntry] = {}
        for entry in sorted(entries, key=lambda entry: (entry.updated_at or 0.0, entry.key)):
            if entry.session_id is not None:
                by_id[entry.session_id] = entry
            if entry.session_file is not None:
                parent, name = _split(sessions_dir, entry.session_file)
                if directory.is_at(parent):
                    by_file[name] = entry
        return cls(by_file, by_id)

    def find(self, lock_path: str) -> SessionEntry | None:
        """Return the session whose transcript a lock in the directory guards; None when the store knows none.

        By the transcript named in the entry first: its name need not be the session id (2026.4.5).
        """
        transcript = os.path.basename(lock_path).removesuffix(".lock")
        entry = self.by_file.get(transcript)
        if entry is not None:
            return entry
        name = transcript.removesuffix(".jsonl")
        return self.by_id.get(name) or self.by_id.get(_TOPIC.sub("", name))


def _split(sessions_dir: str, path: str) -> tuple[str, str]:
    """Return the directory of a transcript and its name, without `.` and `..` on the way."""
    parent, _, name = path.rpartition("/")
    if parent == sessions_dir and name not in _NO_NAMES:
        return parent, name  # as nearly all are written
    return os.path.split(os.path.normpath(os.path.join(sessions_dir, path)))


class _Directory:
    """Tells by which paths a directory is reached.

    Each path costs one system call at most, once: to resolve one costs a call for each of its up to 2,000 names, and a
    hostile store has thousands of them.
    """

    def __init__(self, path: str, spellings: Iterable[str], follow: bool) -> None:
        self._answers = dict.fromkeys((path, *spellings), True)
        self._inode = _inode(path) if follow else None

    def is_at(self, path: str) -> bool:
        """Return whether `path` leads to the directory."""
        if path not in self._answers:
            self._answers[path] = self._inode is not None and _inode(path) == self._inode
        return self._answers[path]


def _inode(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino
