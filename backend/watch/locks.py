"""The locks of all directories as last judged, and the occupations that follow from them."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence

from lockdeck.backend.model.fleet import LockView
from lockdeck.backend.model.locks import LockKind, Presence, Verdict
from lockdeck.backend.model.occupation import observe, sighting_of
from lockdeck.backend.model.runs.records import Occupation
from lockdeck.backend.openclaw.locks.evidence import examine, unchanged
from lockdeck.backend.openclaw.locks.lockfile import stands_in
from lockdeck.backend.watch.directory import Directory
from lockdeck.backend.watch.root import RootWatch

RESTING = frozenset({Verdict.DEAD, Verdict.RECYCLED, Verdict.LEAKED, Verdict.FOREIGN, Verdict.LITTER})
"""Verdicts on locks that can't change before the file does, or a full look finds more."""
_LIFELESS = frozenset({Verdict.DEAD, Verdict.RECYCLED})
_ALIVE = frozenset({Verdict.HELD, Verdict.LEAKED})
LETTING_GO_S = 2.0
"""A held lock whose descriptor was closed is being let go for this long (seconds) before it counts as leaked.

OpenClaw closes, then removes; between the two more than 0.2 s were seen on a busy machine (2026.4.5).
"""

Grace = Callable[[Directory, str, "Occupation | None"], float]
"""How long a gap on a lock path may last, in seconds, given the occupation so far."""


class LockBook:
    """What is known of the locks in each directory; owned by the collector's thread."""

    def __init__(self) -> None:
        self.views: Mapping[str, tuple[LockView, ...]] = {}
        self.occupations: dict[str, Occupation] = {}
        self._closed: dict[str, tuple[float, LockView]] = {}
        self._lifeless: set[str] = set()

    @property
    def locks(self) -> list[LockView]:
        """Every lock, of all directories."""
        return [view for views in self.views.values() for view in views]

    @property
    def due(self) -> set[str]:
        """Directories worth a look although nothing happens: a gap ends, or a lock is let go, without an event."""
        gaps = {os.path.dirname(path) for path, chain in self.occupations.items() if chain.current is None}
        return gaps | {os.path.dirname(view.record.path) for _, view in self._closed.values()}

    def keep(self, directories: Collection[str]) -> None:
        """Forget the directories that are gone."""
        self.views = {path: views for path, views in self.views.items() if path in directories}

    def look(
        self, root: RootWatch, directories: Sequence[Directory], now: float, grace: Grace, whole: bool
    ) -> None:
        """Judge the locks of some directories of a root afresh; with `whole` also those outside of them."""
        for directory in directories:
            directory.refresh()
        kept = [] if whole else self._resting(directories)
        resting = {view.record.path for view in kept}
        places = [p for d in directories for p in d.lock_places(root.places) if p.path not in resting]
        places += root.other_places() if whole else []
        # A deleted lock leaves no name behind: it stays known only while its holder is searched for.
        search = whole or any(self._knows_deleted(directory) for directory in directories)
        removed_from = [root.places.sessions_directory(d.where) for d in directories] if search else []
        removed_from += root.expected_gateway_locks() if whole else []
        if places or search:
            known = {view.release_id for view in self.locks}
            kept += examine(places, now, search=search, removed_from=removed_from, settled=known)
        self._file(root, directories, [self._unless_let_go(view, now) for view in kept], whole)
        if whole:
            mine = self.views[root.path]
            root.judged(tuple(view for view in mine if view.record.kind is LockKind.GATEWAY), now)
        for directory in directories:
            self._occupy(directory, now, grace)

    def _file(
        self, root: RootWatch, directories: Sequence[Directory], views: Sequence[LockView], whole: bool
    ) -> None:
        filed: dict[str, list[LockView]] = {directory.where.path: [] for directory in directories}
        if whole:
            filed[root.path] = []
        for view in views:
            if view.record.presence is Presence.ABSENT and view.judgement.verdict is not Verdict.REMOVED:
                continue  # released between listing and reading
            if view.judgement.verdict in _ALIVE and stands_in(view.record):
                continue  # ours, for a moment: nobody has the session
            home = os.path.dirname(view.record.path)
            filed[home if home in filed else root.path].append(view)
        self.views = {**self.views, **{path: tuple(found) for path, found in filed.items()}}
        standing = {view.release_id for view in self.locks}
        self._closed = {rid: closed for rid, closed in self._closed.items() if rid in standing}

    def _unless_let_go(self, view: LockView, now: float) -> LockView:
        """Return the view, or the last one as held while its holder may just be letting go of it."""
        release_id = view.release_id
        if view.judgement.verdict is not Verdict.LEAKED or release_id is None:
            self._closed.pop(release_id or "", None)
            return view
        if release_id not in self._closed:
            held = next((v for v in self.locks if v.release_id == release_id), None)
            if held is None or held.judgement.verdict is not Verdict.HELD:
                return view
            self._closed[release_id] = (now, held)
        since, held = self._closed[release_id]
        return held if 0 <= now - since < LETTING_GO_S else view

    def _resting(self, directories: Sequence[Directory]) -> list[LockView]:
        """Return what is known of unchanged locks that nobody holds: only a full look examines them again.

        Their search through every process must not delay what happens beside them.
        """
        known = (view for d in directories for view in self.views.get(d.where.path, ()))
        return [v for v in known if v.judgement.verdict in RESTING and unchanged(v.record)]

    def _knows_deleted(self, directory: Directory) -> bool:
        return any(view.evidence.deleted_openers for view in self.views.get(directory.where.path, ()))

    def _occupy(self, directory: Directory, now: float, grace: Grace) -> None:
        """Carry the occupations of one directory on."""
        here = directory.where.path
        seen = {
            view.record.path: sighting_of(view.record)
            for view in self.views.get(here, ())
            if view.record.kind is LockKind.SESSION
        }
        known = [path for path in self.occupations if os.path.dirname(path) == here]
        for path in {*seen, *known}:
            # A lock that nobody held leaves no gap behind: what comes next is an occupation of its own.
            before = None if path not in seen and path in self._lifeless else self.occupations.get(path)
            occupation = observe(before, path, seen.get(path), now, grace(directory, path, before))
            if occupation is None:
                self.occupations.pop(path, None)
            else:
                self.occupations[path] = occupation
        self._lifeless -= set(known)
        self._lifeless |= {
            v.record.path for v in self.views.get(here, ()) if v.judgement.verdict in _LIFELESS
        }
