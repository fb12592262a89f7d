"""The one way from files, log lines and the process table to immutable snapshots.

Everything that is mutable lives here and belongs to the thread that calls `look` or `run`.
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace

from lockdeck.backend.model.delta import FleetDelta
from lockdeck.backend.model.fleet import FleetSnapshot, RootView
from lockdeck.backend.openclaw.log.place import LogPlace
from lockdeck.backend.openclaw.roots.budgets import READ_S
from lockdeck.backend.openclaw.roots.discovery import Discovery, LookAll, discover_roots
from lockdeck.backend.settings.records import Settings
from lockdeck.backend.system.host import host_name
from lockdeck.backend.system.patience import PatientCalls
from lockdeck.backend.system.processes import ProcessDetails, details
from lockdeck.backend.watch.directory import WatchedDirectory
from lockdeck.backend.watch.fleetsessions import FleetSessions, News
from lockdeck.backend.watch.gaps import between_holds, gap_graces
from lockdeck.backend.watch.gateway_feed.feeds import needs_feed
from lockdeck.backend.watch.incidents import IncidentFinder
from lockdeck.backend.watch.joins import Joins
from lockdeck.backend.watch.locks import WatchedLocks
from lockdeck.backend.watch.root import WatchedRoot
from lockdeck.backend.watch.roots import WatchedRoots
from lockdeck.backend.watch.run_sources import CancelSource, RunSources
from lockdeck.backend.watch.sources import sources_of
from lockdeck.backend.watch.wakeup.wakeup import Wakeup

if TYPE_CHECKING:
    from lockdeck.backend.watch.records.records import SessionRecords

LOOK_AGAIN_S = 0.5
"""A lock that looks leaked in one look may just be let go of: it is looked at again after so long (seconds)."""
PUBLISH_S = 3.0
"""A snapshot is published at least this often (seconds), also when nothing is new: who reads it sees we live."""
FULL_SHARE = 0.1
"""Full looks cost at most this share of a core: of a very large fleet one takes so long that they come less often."""
LONGEST_RESCAN_S = 15.0
"""They come at least this often (seconds), whatever they cost: only they see a holder die."""
AGED_S = 2.5
"""After so long (seconds) the next look judges all sessions again that are more than a row in a store: they age."""
_EVENTS, _LET_GO = "file events", "locks that are let go"
"""What is looked at for all roots together; each root that does not answer is late by itself soon."""


class Collector:
    """Watches roots and publishes snapshots.

    `look()` gives one snapshot of everything; `run()` goes on until told to stop.
    """

    def __init__(
        self,
        discover: Callable[[LookAll], Discovery],
        settings: Settings,
        *,
        logs: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.time,
        cancels: CancelSource = dict,
    ) -> None:
        # A copy: threads of gateways read it later, when this process may already stand elsewhere.
        env = dict(os.environ if env is None else env)
        self.settings = settings
        self._clock = clock
        self._wakeup = Wakeup()
        self._patience = PatientCalls(READ_S)
        self._roots = WatchedRoots(discover, env, self._patience)
        logs = (*logs, *settings.logs)
        self._sources = RunSources(env, logs, settings, clock, self._wakeup.ring, cancels, self._patience)
        self._locks = WatchedLocks()
        self._sessions = FleetSessions(self._locks, self._sources.progress)
        self._incidents = IncidentFinder(self._sources.progress, self._sessions)
        self._roots_seen: list[str] = []
        self._judged_at = -math.inf
        self._full_s = 0.0
        self._sequence = 0
        self._delta = FleetDelta()

    @classmethod
    def discover(
        cls,
        paths: Sequence[str],
        settings: Settings,
        *,
        logs: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.time,
        cancels: CancelSource = dict,
    ) -> Collector:
        """Find the roots (those at `paths`, else the configured ones, else OpenClaw's own places).

        `cancels` tells of those that lockdeck did; without it none is known.
        """
        environment = os.environ if env is None else env
        explicit = tuple(paths) or tuple(root.path for root in settings.roots)
        home = environment.get("HOME") or os.path.expanduser("~")

        def discover(look_all: LookAll) -> Discovery:
            return discover_roots(environment, home, explicit, settings.vouch_for, look_all)

        return cls(discover, settings, logs=logs, env=environment, clock=clock, cancels=cancels)

    @property
    def roots(self) -> Mapping[str, WatchedRoot]:
        """The roots that are watched, by path."""
        return self._roots.known

    @property
    def discovery(self) -> Discovery:
        """The discovery at the beginning: roots, problems, and the paths that were looked at."""
        return self._roots.discovery

    @property
    def log_places(self) -> tuple[LogPlace, ...]:
        """The place of the JSON log that was written to last, where one is followed."""
        newest = self._sources.logs.newest()
        return (newest,) if newest else ()

    @property
    def records(self) -> SessionRecords:
        """The door to what was written about a session, for other threads."""
        from lockdeck.backend.watch.records.records import SessionRecords

        return SessionRecords(self._sources.logs.readable)

    def look(self) -> FleetSnapshot:
        """Look at everything once; gateways get a moment to answer where only they tell, and live logs to be read."""
        self._sources.hear_out(self._roots.all, self._clock)
        snapshot = self._look(None)
        if self._locks.undecided:
            self._patience.run_all({_LET_GO: partial(_wait_for_release, self._locks.undecided)})
            self._locks.decide()
            snapshot = self._look(None)
        if not self._sources.feeds.wait_first():
            return self._numbered(snapshot)
        snapshot = self._look(set())
        silences = self._sources.news.silences()
        roots = (
            replace(root, problems=(*root.problems, silences[root.path]))
            if root.path in silences and root.era == "sqlite"
            else root
            for root in snapshot.roots
        )
        return self._numbered(replace(snapshot, roots=tuple(roots)))

    def run(self, publish: Callable[[FleetSnapshot], None], stop: threading.Event) -> None:
        """Publish a snapshot now, after every event or log line that matters, and at least every PUBLISH_S.

        Ends when `stop` is set.
        """
        try:
            dirty: set[str] | None = None
            publish(self._numbered(self._look(dirty)))
            last_full = published = time.monotonic()
            while not stop.is_set():
                if dirty is None:
                    watch = partial(self._wakeup.watch, self._roots.all, self._sources.logs.paths)
                    self._patience.run_all({_EVENTS: watch})
                dirty = self._wait(stop, last_full)
                if stop.is_set():
                    return
                if time.monotonic() - last_full >= self._rescan_s():
                    dirty, last_full = None, time.monotonic()
                overdue = time.monotonic() - published >= PUBLISH_S
                if dirty is None or dirty or overdue or self._hears_something(self._clock()):
                    publish(self._numbered(self._look(dirty)))
                    published = time.monotonic()
        finally:
            self.close()

    def inspect(self, pid: int, start_ticks: int | None) -> ProcessDetails | None:
        """Return what a person wants to see of a process; None when it is gone or another by now.

        May be called in any thread: it touches nothing of the collector's.
        """
        return details(pid, start_ticks, self._clock())

    def close(self) -> None:
        """Let go of watches and files."""
        self._wakeup.stop()
        self._sources.close()
        self._patience.close()

    def _look(self, dirty: set[str] | None) -> FleetSnapshot:
        """Look at the directories in `dirty`, or at everything when it is None.

        Each step is handed what the steps before it gave; none asks a later one.
        """
        now, begun, full = self._clock(), time.process_time(), dirty is None
        if full:
            self._refresh_roots(now)
            self._sources.logs.keep_live(self._roots.all)
        self._sources.take_news(self._roots.by_path, now)
        self._read_logs(now)
        if full:
            self._sources.logs.learn_versions(self._roots.all)
        listed = self._roots.each(lambda root: _listed(root, dirty))
        self._roots.each_alone(lambda root: self._read_transcripts(root, listed[root.path], now, full))
        joins = self._join(listed, now, full)
        self._roots.each_alone(lambda root: self._look_at_locks(root, listed[root.path], joins, now, full))
        if full:
            self._roots.each_alone(lambda root: self._sources.look_at_logs([root], now))
            self._sources.feeds.keep(self._roots.by_path)
        snapshot = self._snapshot(listed, self._news(joins, full))
        if full:
            self._full_s = time.process_time() - begun
        return snapshot

    def _news(self, joins: Joins, full: bool) -> News:
        """Return what this look has found out; whatever time may have changed is due every AGED_S."""
        now = self._clock()
        due = full or not 0 <= now - self._judged_at < AGED_S
        self._judged_at = now if due else self._judged_at
        return News(joins, self._sources.touched, now, full, due)

    def _refresh_roots(self, now: float) -> None:
        self._roots.refresh()
        self._sessions.tidy(now)
        self._locks.forget_except({*self._roots.directory_paths, *self._roots.by_path})

    def _read_transcripts(
        self, root: WatchedRoot, listed: Sequence[WatchedDirectory], now: float, full: bool
    ) -> None:
        """Read the transcripts that matter: of the locks just listed, of those that lately stood, or may stand again."""
        lock_paths = {path for directory in listed for path in directory.session_locks}
        lately = (self._locks.occupations.get(directory.where.path, ()) for directory in listed)
        between = between_holds(root, listed, now, full)
        self._sources.read_transcripts(lock_paths.union(between, *lately), now)

    def _join(self, listed: Mapping[str, list[WatchedDirectory]], now: float, full: bool) -> Joins:
        """Join all that is told by now; of a session that a line tells of the transcript is read, too."""
        directories = [directory for of_root in listed.values() for directory in of_root]
        joins = self._sources.join(directories, full)
        if full or not self._sources.touched.keys:
            return joins
        paths = set(self._sessions.lock_paths_of(self._sources.touched.keys))
        return self._sources.join_again() if self._sources.read_transcripts(paths, now) else joins

    def _look_at_locks(
        self, root: WatchedRoot, listed: Sequence[WatchedDirectory], joins: Joins, now: float, full: bool
    ) -> None:
        """Judge the locks of the directories just listed, knowing which gaps the runs have promised to end."""
        least_s = self.settings.gap_grace_s
        graces = gap_graces(root, listed, self._locks.occupations, joins, least_s, now)
        self._locks.look(root, listed, graces, now, full)

    def _snapshot(self, listed: Mapping[str, list[WatchedDirectory]], news: News) -> FleetSnapshot:
        now, joins = news.now, news.joins
        watched = [root.path for root in self._roots.all]
        same = not news.full and watched == self._roots_seen
        if not same:
            self._sessions.keep(self._roots.all)
        pictures = self._roots.each_alone(lambda root: self._picture(root, listed.get(root.path, []), news))
        if late := len(pictures) < len(watched):
            self._sessions.keep(self._roots.all)
        roots, self._roots_seen = list(pictures.values()), list(pictures)
        touched = [directory.where.path for of_root in listed.values() for directory in of_root]
        sessions, changed_sessions = self._sessions.take()
        locks, changed_locks = self._locks.take(self._roots.all, touched if same and not late else None)
        self._delta = self._delta.then(FleetDelta(changed_sessions, changed_locks))
        return FleetSnapshot(
            generated_at=now,
            host=host_name(),
            roots=(*roots, *self._roots.unusable_views(self._wakeup.live)),
            sessions=sessions,
            locks=locks,
            notes=tuple(self._notes(joins, now)),
            incidents=self._incidents.incidents(self._roots.by_path, roots, locks, joins, now),
        )

    def _numbered(self, snapshot: FleetSnapshot) -> FleetSnapshot:
        """Return a picture that is handed out, with what differs from the one that was handed out before."""
        delta, self._delta = self._delta if self._sequence else None, FleetDelta()
        self._sequence += 1
        return replace(snapshot, sequence=self._sequence, delta=delta)

    def _picture(self, root: WatchedRoot, listed: Sequence[WatchedDirectory], news: News) -> RootView:
        """Return a root as its sources show it; its sessions are shown as those support them."""
        feed = self._sources.news.of(root.path)
        sessions = self._sessions.update(root, listed, feed, self._roots.only_of_era(root), news)
        signs = sessions.signs(every=needs_feed(root) or bool(root.homes.lacking))
        refused = self._roots.refused_start(root, self._sources.book.refused_starts, news.now)
        sources = sources_of(root, signs, feed, news.now)
        polled = tuple(self._wakeup.polling_reasons(root))
        view = root.view(self._wakeup.live, refused, polled, sources)
        sessions.settle(view)
        return view

    def _notes(self, joins: Joins, now: float) -> Iterator[str]:
        yield from self._sources.logs.notes()
        for root in self._roots.all:
            yield from (f"{root.path}: {note}" for note in root.exposures())
        yield from self._sources.news.notes()
        yield from joins.notes(now)

    def _wait(self, stop: threading.Event, last_full: float) -> set[str] | None:
        """Wait for the next reason to look; None when everything is to be looked at."""
        until = last_full + self._rescan_s()
        if self._locks.due:
            until = min(until, time.monotonic() + LOOK_AGAIN_S)
        dirty = self._wakeup.wait(stop, until, self._sources.logs.paths)
        return dirty | self._locks.due if all(map(self._roots.watches, dirty)) else None

    def _hears_something(self, now: float) -> bool:
        """Return whether gateways or logs have told anything since."""
        news = self._sources.take_news(self._roots.by_path, now)
        return news or self._read_logs(now)

    def _read_logs(self, now: float) -> bool:
        """Take in what was logged since; return whether any of it matters."""
        return self._sources.read_logs(self._roots.each(self._sources.log_places), now)

    def _rescan_s(self) -> float:
        polling = any(root.network for root in self._roots.all) or not self._wakeup.live
        wished = min(1.0, self.settings.rescan_s) if polling else self.settings.rescan_s
        return max(wished, min(self._full_s / FULL_SHARE, LONGEST_RESCAN_S))


def _listed(root: WatchedRoot, dirty: set[str] | None) -> list[WatchedDirectory]:
    """Read the stores and list the locks of a root's directories in `dirty`, of all when it is None."""
    paths = root.directories if dirty is None else [path for path in dirty if path in root.directories]
    listed = [root.directories[path] for path in paths]
    for directory in listed:
        root.refresh_directory(directory)
    return listed


def _wait_for_release(paths: Iterable[str]) -> None:
    """Wait until locks that look leaked have been let go of, for a moment at most."""
    until = time.monotonic() + LOOK_AGAIN_S
    while any(map(os.path.lexists, paths)) and time.monotonic() < until:
        time.sleep(LOOK_AGAIN_S / 25)
