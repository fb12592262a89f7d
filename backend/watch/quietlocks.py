"""What a full look at locks need not do again: read files that stand as they were, and search processes for nothing."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence

from lockdeck.backend.model.fleet import LockView
from lockdeck.backend.openclaw.locks.evidence import inode_of
from lockdeck.backend.system.descriptors import Inode, Opener
from lockdeck.backend.watch.directory import QUIET_S

SEARCH_S = 15.0
"""All processes are searched for locks that were deleted under them at least this often (seconds), and at the next full
look after any lock of the root came, went or turned out different."""


class QuietLocks:
    """The views of locks as they were judged, by path: of those whose files were not just written then.

    `holders` are the descriptors that locks were of the processes that they name, by device and inode.
    """

    def __init__(self) -> None:
        self.holders: dict[Inode, tuple[Opener, ...]] = {}
        self._views: dict[str, LockView] = {}

    @property
    def views(self) -> Mapping[str, LockView]:
        """The views; while such a file stands as it was, it holds what it held."""
        return self._views

    def note(self, judged: Iterable[LockView], now: float) -> None:
        """Take up what was judged at `now` (epoch seconds)."""
        for view in judged:
            identity, path = view.record.identity, view.record.path
            if identity is not None and now - identity.ctime_ns / 1e9 >= QUIET_S:
                self._views[path] = view
            else:
                self._views.pop(path, None)

    def forget_except(self, shown: Collection[Sequence[LockView]]) -> None:
        """Forget the locks that are shown no longer."""
        if max(len(self._views), len(self.holders)) > sum(map(len, shown)):
            records = {view.record.path: view.record for views in shown for view in views}
            inodes = set(map(inode_of, records.values()))
            self._views = {path: view for path, view in self._views.items() if path in records}
            self.holders = {inode: openers for inode, openers in self.holders.items() if inode in inodes}


class Searches:
    """When all processes were searched for the locks of each root."""

    def __init__(self) -> None:
        self._at: dict[str, float] = {}
        self._stirred: set[str] = set()

    def stir(self, root: str) -> None:
        """Note that a lock of a root is another one than before: who held it may have it open still."""
        self._stirred.add(root)

    def are_due(self, root: str, now: float) -> bool:
        """Return whether to search at a full look at `now` (epoch seconds), which is then done."""
        fresh = 0 <= now - self._at.get(root, -math.inf) < SEARCH_S
        if fresh and root not in self._stirred:
            return False
        self._stirred.discard(root)
        self._at[root] = now
        return True
