"""The ways from a directory down to others: where a link stands on one, looked at name by name and each name once."""

from __future__ import annotations

import os
import stat

from lockdeck.backend.openclaw.roots.budgets import WAY_NAMES, BudgetError
from lockdeck.backend.openclaw.roots.environment import real


class Ways:
    """What is known of the ways below the directories of one root. `most` names are looked at, then BudgetError."""

    def __init__(self, most: int = WAY_NAMES) -> None:
        self._most = self._left = most
        self._kinds: dict[str, int] = {}
        self._reals: dict[str, str] = {}

    def real(self, start: str) -> str:
        """Return the directory from which ways are looked at with its links resolved, once each."""
        if start not in self._reals:
            self._reals[start] = real(start)
        return self._reals[start]

    def below(self, start: str, path: str) -> str:
        """Return `path` with the links on the way to `start` resolved; below it none is."""
        return os.path.normpath(os.path.join(self.real(start), os.path.relpath(path, start)))

    def link(self, start: str, path: str) -> str | None:
        """Return the first link on the way from `start` down to `path`; None where there is none, or `path` is elsewhere.

        Where nothing stands any more nothing is below it: the way ends there. BudgetError.
        """
        inner = os.path.relpath(path, start)
        if inner == os.curdir or inner.startswith(os.pardir):
            return None
        where = start
        for name in inner.split(os.sep):
            where = os.path.join(where, name)
            kind = self._kind(where)
            if stat.S_ISLNK(kind):
                return where
            if not stat.S_ISDIR(kind):
                return None
        return None

    def _kind(self, path: str) -> int:
        """Return the mode of what stands at `path`, 0 where that can't be seen. BudgetError."""
        if path not in self._kinds:
            if self._left <= 0:
                raise BudgetError(f"more than {self._most} directories on the ways to its sessions")
            self._left -= 1
            try:
                self._kinds[path] = os.lstat(path).st_mode
            except (OSError, ValueError):
                self._kinds[path] = 0
        return self._kinds[path]
