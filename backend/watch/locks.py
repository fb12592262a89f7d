"""The locks of all directories as last judged, and the occupations that follow from them."""

from __future__ import annotations

import operator
import os
from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec.structs import replace

from lockdeck.backend.model.delta import Change
from lockdeck.backend.model.fleet import LockView
from lockdeck.backend.model.locks import LockKind, Presence, Verdict
from lockdeck.backend.model.occupation import observe, sighting_of
from lockdeck.backend.model.order.ranking import Ranking
from lockdeck.backend.model.runs.records import Occupation
from lockdeck.backend.openclaw.locks.examination import examine, same_evidence, unchanged
from lockdeck.backend.system import procfs
from lockdeck.backend.watch.directory import WatchedDirectory
from lockdeck.backend.watch.gaps import lets_lock_go
from lockdeck.backend.watch.quietlocks import QuietLocks, Searches
from lockdeck.backend.watch.root import WatchedRoot

RESTING = frozenset({Verdict.DEAD, Verdict.RECYCLED, Verdict.LEAKED, Verdict.FOREIGN, Verdict.LITTER})
"""Verdicts on locks that can't change before the file does, or a full look finds more."""
_AGEING = frozenset({Verdict.CREATING, Verdict.UNREADABLE})
"""Verdicts whose reasons tell how long ago something was."""
_LIFELESS = frozenset({Verdict.DEAD, Verdict.RECYCLED})
Ranked = tuple[Sequence[LockView], tuple[Change[LockView], ...]]
LETTING_GO_S = 2.0
"""A held lock whose descriptor was closed is being let go for this long (seconds) before it counts as leaked.

OpenClaw closes, then removes; between the two more than 0.2 s were seen on a busy machine (2026.4.5).
"""
JUST_USED_S = 30.0
"""A lock taken, or whose transcript was written, this lately (seconds) by a process that is at work is none that leaked;
where runs let go of their locks again and again, by any. On a busy machine 2026.5.18 took 13 s from closing to removing it.
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
        self._by_id: dict[str | None, LockView] = {}
        self._gaps: set[str] = set()
        self._searches = Searches()
        self._quiet = QuietLocks()
        self._shown: dict[str, tuple[LockView, ...]] = {}
        self._ranking = Ranking(_by_path)

    def take(self, roots: Iterable[WatchedRoot], touched: Iterable[str] | None) -> Ranked:
        """Return the locks of some roots by path, and what has changed among them since the last time.

        `touched` are the directories that were looked at since; None where all may have been, and the roots be others.
        """
        if touched is None:
            paths = {path for root in roots for path in (root.path, *root.directories)}
            touched = {*paths, *self._shown}
            now = {path: self.views.get(path, ()) for path in paths}
        else:
            now = {path: self.views.get(path, ()) for path in touched}
        for path in touched:
            self._show(path, now.get(path, ()))
        return self._ranking.take()

    def _show(self, directory: str, views: tuple[LockView, ...]) -> None:
        shown = self._shown.pop(directory, ())
        if views:
            self._shown[directory] = views
        if shown is views:
            return
        earlier = {view.record.path: view for view in shown}
        for view in views:
            self._ranking.put(earlier.pop(view.record.path, None), view)
        for view in earlier.values():
            self._ranking.put(view, None)

    @property
    def due(self) -> set[str]:
        """Directories worth a look although nothing happens: a gap ends, or a lock is let go, without an event."""
        return self._gaps | {os.path.dirname(view.record.path) for _, view in self._closing.values()}

    @property
    def undecided(self) -> tuple[str, ...]:
        """The locks that look leaked and may just be let go of: only another look tells."""
        return tuple(
            view.record.path
            for release_id, (_, view) in self._closing.items()
            if (last := self._by_id.get(release_id)) and last.judgement.verdict is not Verdict.LEAKED
        )

    def decide(self) -> None:
        """Call leaked from here on what looks so a second time, however soon."""
        self._letting_go_s = 0.0

    def forget_except(self, directories: Collection[str]) -> None:
        """Forget the locks of directories that are gone."""
        for path in self.views.keys() - set(directories):
            self._replace(path, ())
            del self.views[path]
        self._quiet.forget_except(self.views.values())

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
        homes = [directory.where.path for directory in directories] + ([root.path] if full else [])
        # A deleted lock leaves no name behind: it stays known only while its holder is searched for.
        search = any(map(self._has_deleted, homes)) or (full and self._searches.are_due(root.path, now))
        views = self._resting(homes) if not search or not full else []
        resting, places = {view.record.path for view in views}, root.places
        to_judge = [p for d in directories for p in d.lock_places(places) if p.path not in resting]
        to_judge += [p for p in root.other_places() if p.path not in resting] if full else []
        removed_from = [places.sessions_directory(d.where) for d in directories] if search else []
        removed_from += root.expected_gateway_locks() if full and search else []
        if to_judge or search:
            judged = examine(
                to_judge,
                now,
                search=search,
                removed_from=removed_from,
                settled=self._by_id.keys(),
                earlier=self._quiet.views,
                holders=self._quiet.holders,
            )
            self._quiet.note(judged, now)
            views += judged
        views = [_in_use(view, now, lets_go=lets_lock_go(root)) for view in views]
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
            home = view.record.path.rpartition("/")[0]
            filed[home if home in filed else root.path].append(view)
        for path, of_path in filed.items():
            if self._replace(path, tuple(of_path)):
                self._searches.stir(root.path)
        self._closing = {rid: closing for rid, closing in self._closing.items() if rid in self._by_id}

    def _replace(self, directory: str, views: tuple[LockView, ...]) -> bool:
        """Let the locks of one directory go for others; return whether any is another one.

        A lock that looks as before stays the same object.
        """
        before = self.views.get(directory, ())
        earlier = {view.release_id: view for view in before}
        kept = tuple(_as_before(earlier.get(view.release_id), view) for view in views)
        same = len(kept) == len(before) and all(map(operator.is_, kept, before))
        if same:
            self.views[directory] = before
            return False
        self.views[directory] = kept
        for release_id in earlier:
            self._by_id.pop(release_id, None)
        self._by_id.update((view.release_id, view) for view in kept)
        return True

    def _unless_let_go(self, view: LockView, now: float) -> LockView:
        """Return the view, or one as held while its holder may just be letting go of it: leaked needs two looks."""
        release_id = view.release_id
        if view.judgement.verdict is not Verdict.LEAKED or release_id is None:
            self._closing.pop(release_id or "", None)
            return view
        if release_id not in self._closing:
            last_view = self._by_id.get(release_id)
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

    def _resting(self, homes: Iterable[str]) -> list[LockView]:
        """Return the last views of unchanged locks that nobody holds: only a search examines them again.

        Their search through every process must not delay what happens beside them.
        """
        last = (view for home in homes for view in self.views.get(home, ()))
        return [view for view in last if view.judgement.verdict in RESTING and unchanged(view.record)]

    def _has_deleted(self, home: str) -> bool:
        return any(view.evidence.deleted_openers for view in self.views.get(home, ()))

    def _occupy(self, directory: str, graces: Mapping[str, float], now: float) -> None:
        """Carry the occupations of one directory on."""
        views = [v for v in self.views.get(directory, ()) if v.record.kind is LockKind.SESSION]
        of_agents = (view.record for view in views if view.judgement.verdict is not Verdict.RELEASING)
        sightings = {record.path: sighting_of(record) for record in of_agents}
        chains = self.occupations.pop(directory, {})
        occupations: dict[str, Occupation] = {}
        for path in {**sightings, **chains}:
            # A lock that nobody held leaves no gap behind: what comes next is an occupation of its own.
            chain = None if path not in sightings and path in self._lifeless else chains.get(path)
            occupation = observe(chain, path, sightings.get(path), now, graces.get(path, 0.0))
            if occupation is not None:
                occupations[path] = occupation
        self._gaps.discard(directory)
        if occupations:
            self.occupations[directory] = occupations
            if any(chain.current is None for chain in occupations.values()):
                self._gaps.add(directory)
        self._lifeless -= set(chains)
        self._lifeless |= {v.record.path for v in views if v.judgement.verdict in _LIFELESS}


def _by_path(view: LockView) -> tuple[str, str]:
    return (view.record.path, view.record.root)


def _as_before(earlier: LockView | None, view: LockView) -> LockView:
    """Return the earlier view of a lock where nothing about it has changed.

    That time went on, and how many processes there were to be searched, is no change.
    """
    if (
        earlier is view
        or earlier is None
        or earlier.record != view.record
        or view.judgement.verdict in _AGEING
    ):
        return view
    judged, facts = (
        earlier.judgement,
        (view.judgement.verdict, view.judgement.releasable, view.judgement.holder),
    )
    same = facts == (judged.verdict, judged.releasable, judged.holder)
    return earlier if same and same_evidence(earlier.evidence, view.evidence) else view


def _in_use(view: LockView, now: float, *, lets_go: bool) -> LockView:
    """Return a lock that looks leaked, and was taken or its transcript written a moment ago, as one that is held.

    Where runs do not let go of their locks again and again (`lets_go`) only while its process is at work: it may not have
    come to remove the lock yet.
    """
    record, holder = view.record, view.judgement.holder
    if record.kind is not LockKind.SESSION or view.judgement.verdict is not Verdict.LEAKED:
        return view
    if not lets_go and (holder is None or not procfs.is_at_work(holder.pid)):
        return view
    taken_at = record.created_at
    try:
        written_at = os.stat(record.path.removesuffix(".lock"), follow_symlinks=False).st_mtime
    except OSError:
        written_at = None
    just_used = any(at is not None and 0 <= now - at < JUST_USED_S for at in (taken_at, written_at))
    return _as_let_go(view) if just_used else view


def _as_let_go(view: LockView) -> LockView:
    """Return a lock that looks leaked at first sight as one that is held until another look."""
    judgement = view.judgement
    pid = judgement.holder.pid if judgement.holder is not None else None
    owner = "its process" if pid is None else f"pid {pid}"
    reason = f"{owner} lives and has just closed it: it lets go of it, or has leaked it"
    return replace(
        view, judgement=replace(judgement, verdict=Verdict.HELD, reasons=(reason,), releasable=False)
    )
