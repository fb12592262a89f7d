"""The locks of all directories as last judged, and the occupations that follow from them."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec.structs import replace

from lockdeck.backend.model.fleet import LockView
from lockdeck.backend.model.locks import LockKind, Presence, Verdict
from lockdeck.backend.model.occupation import observe, sighting_of
from lockdeck.backend.model.runs.records import Occupation
from lockdeck.backend.openclaw.locks.examination import examine, unchanged
from lockdeck.backend.openclaw.locks.lockfile import stands_in
from lockdeck.backend.watch.directory import WatchedDirectory
from lockdeck.backend.watch.root import WatchedRoot

RESTING = frozenset({Verdict.DEAD, Verdict.RECYCLED, Verdict.LEAKED, Verdict.FOREIGN, Verdict.LITTER})
"""Verdicts on locks that can't change before the file does, or a full look finds more."""
_LIFELESS = frozenset({Verdict.DEAD, Verdict.RECYCLED})
_ALIVE = frozenset({Verdict.HELD, Verdict.LEAKED})
LETTING_GO_S = 2.0
"""A held lock whose descriptor was closed is being let go for this long (seconds) before it counts as leaked.

OpenClaw closes, then removes; between the two more than 0.2 s were seen on a busy machine (2026.4.5).
"""


class WatchedLocks:
    """The locks of each directory followed through time. Owned by the collector's thread.

    `views` and `occupations` are by directory (those of a root's other locks by its path), these by lock path.
    """

    def __init__(self) -> None:
        self.views: dict[str, tuple[LockView, ...]] = {}
        self.occupations: dict[str, dict[str, Occupation]] = {}
        self._closing: dict[str, tuple[float, LockView]] = {}
        self._letting_go_s = LETTING_GO_S
        self._lifeless: set[str] = set()

    @property
    def all(self) -> list[LockView]:
        """Every lock, of all directories."""
        return [view for views in self.views.values() for view in views]

    @property
    def due(self) -> set[str]:
        """Directories worth a look although nothing happens: a gap ends, or a lock is let go, without an event."""
        gaps = {
            directory
            for directory, chains in self.occupations.items()
            if any(chain.current is None for chain in chains.values())
        }
        return gaps | {os.path.dirname(view.record.path) for _, view in self._closing.values()}

    @property
    def undecided(self) -> tuple[str, ...]:
        """The locks that look leaked and may just be let go of: only another look tells."""
        shown = {view.release_id for view in self.all if view.judgement.verdict is not Verdict.LEAKED}
        return tuple(view.record.path for rid, (_, view) in self._closing.items() if rid in shown)

    def decide(self) -> None:
        """Call leaked from here on what looks so a second time, however soon."""
        self._letting_go_s = 0.0

    def forget_except(self, directories: Collection[str]) -> None:
        """Forget the locks of directories that are gone."""
        self.views = {path: views for path, views in self.views.items() if path in directories}

    def look(
        self,
        root: WatchedRoot,
        directories: Sequence[WatchedDirectory],
        graces: Mapping[str, float],
        now: float,
        full: bool,
    ) -> None:
        """Judge the locks in some directories of a root, as they were listed last; with `full` also its others.

        `graces` are by path how long (seconds) a gap on an occupied lock may last.
        """
        views = [] if full else self._resting(directories)
        resting = {view.record.path for view in views}
        places = root.places
        to_judge = [p for d in directories for p in d.lock_places(places) if p.path not in resting]
        to_judge += root.other_places() if full else []
        # A deleted lock leaves no name behind: it stays known only while its holder is searched for.
        search = full or any(self._has_deleted(directory) for directory in directories)
        removed_from = [places.sessions_directory(d.where) for d in directories] if search else []
        removed_from += root.expected_gateway_locks() if full else []
        if to_judge or search:
            earlier = {view.release_id for view in self.all}
            views += examine(to_judge, now, search=search, removed_from=removed_from, settled=earlier)
        self._file(root, directories, [self._unless_let_go(view, now) for view in views], full)
        if full:
            gateway_locks = (v for v in self.views[root.path] if v.record.kind is LockKind.GATEWAY)
            root.take_gateway_locks(tuple(gateway_locks), now)
        for directory in directories:
            self._occupy(directory.where.path, graces, now)

    def _file(
        self,
        root: WatchedRoot,
        directories: Sequence[WatchedDirectory],
        views: Iterable[LockView],
        full: bool,
    ) -> None:
        """Put each view to its directory, those of no sessions directory to the root."""
        filed: dict[str, list[LockView]] = {directory.where.path: [] for directory in directories}
        if full:
            filed[root.path] = []
        for view in views:
            if view.record.presence is Presence.ABSENT and view.judgement.verdict is not Verdict.REMOVED:
                continue  # released between listing and reading
            if view.judgement.verdict in _ALIVE and stands_in(view.record):
                continue  # ours, for a moment: nobody has the session
            home = os.path.dirname(view.record.path)
            filed[home if home in filed else root.path].append(view)
        self.views |= {path: tuple(of_path) for path, of_path in filed.items()}
        present = {view.release_id for view in self.all}
        self._closing = {rid: closing for rid, closing in self._closing.items() if rid in present}

    def _unless_let_go(self, view: LockView, now: float) -> LockView:
        """Return the view, or one as held while its holder may just be letting go of it: leaked needs two looks."""
        release_id = view.release_id
        if view.judgement.verdict is not Verdict.LEAKED or release_id is None:
            self._closing.pop(release_id or "", None)
            return view
        if release_id not in self._closing:
            last_view = next((v for v in self.all if v.release_id == release_id), None)
            if last_view is not None and last_view.judgement.verdict is Verdict.LEAKED:
                return view
            was_held = last_view is not None and last_view.judgement.verdict is Verdict.HELD
            if not was_held and view.record.kind is not LockKind.SESSION:
                return view
            held_view = last_view if last_view is not None and was_held else _as_let_go(view)
            self._closing[release_id] = (now, held_view)
            return held_view
        since, held_view = self._closing[release_id]
        return held_view if 0 <= now - since < self._letting_go_s else view

    def _resting(self, directories: Sequence[WatchedDirectory]) -> list[LockView]:
        """Return the last views of unchanged locks that nobody holds: only a full look examines them again.

        Their search through every process must not delay what happens beside them.
        """
        last = (view for d in directories for view in self.views.get(d.where.path, ()))
        return [view for view in last if view.judgement.verdict in RESTING and unchanged(view.record)]

    def _has_deleted(self, directory: WatchedDirectory) -> bool:
        return any(view.evidence.deleted_openers for view in self.views.get(directory.where.path, ()))

    def _occupy(self, directory: str, graces: Mapping[str, float], now: float) -> None:
        """Carry the occupations of one directory on."""
        views = [v for v in self.views.get(directory, ()) if v.record.kind is LockKind.SESSION]
        sightings = {view.record.path: sighting_of(view.record) for view in views}
        chains = self.occupations.pop(directory, {})
        occupations: dict[str, Occupation] = {}
        for path in {**sightings, **chains}:
            # A lock that nobody held leaves no gap behind: what comes next is an occupation of its own.
            chain = None if path not in sightings and path in self._lifeless else chains.get(path)
            occupation = observe(chain, path, sightings.get(path), now, graces.get(path, 0.0))
            if occupation is not None:
                occupations[path] = occupation
        if occupations:
            self.occupations[directory] = occupations
        self._lifeless -= set(chains)
        self._lifeless |= {v.record.path for v in views if v.judgement.verdict in _LIFELESS}


def _as_let_go(view: LockView) -> LockView:
    """Return a lock that looks leaked at first sight as one that is held until another look."""
    judgement = view.judgement
    pid = judgement.holder.pid if judgement.holder is not None else None
    owner = "its process" if pid is None else f"pid {pid}"
    reason = f"{owner} lives and has just closed it: it lets go of it, or has leaked it"
    return replace(
        view, judgement=replace(judgement, verdict=Verdict.HELD, reasons=(reason,), releasable=False)
    )
