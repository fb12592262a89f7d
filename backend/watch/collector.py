"""The one way from files, log lines and the process table to immutable snapshots.

Everything that is mutable lives here and belongs to the thread that calls `look` or `run`.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from msgspec.structs import replace

from lockdeck.backend.model.fleet import FleetSnapshot, RootView, SessionView
from lockdeck.backend.model.knowledge import SupportedViews
from lockdeck.backend.openclaw.roots.discovery import Discovery, discover_roots
from lockdeck.backend.settings.records import Settings
from lockdeck.backend.system.host import host_name
from lockdeck.backend.system.processes import ProcessDetails, details
from lockdeck.backend.watch.directory import WatchedDirectory
from lockdeck.backend.watch.gaps import gap_graces
from lockdeck.backend.watch.gateway_feed.rows import RootReport
from lockdeck.backend.watch.joins import Joins
from lockdeck.backend.watch.locks import WatchedLocks
from lockdeck.backend.watch.root import WatchedRoot
from lockdeck.backend.watch.roots import WatchedRoots
from lockdeck.backend.watch.run_sources import RunSources
from lockdeck.backend.watch.sessions.builder import SessionBuilder
from lockdeck.backend.watch.sessions.directoryreport import DirectoryReport
from lockdeck.backend.watch.sessions.files import FileSessions
from lockdeck.backend.watch.sessions.sqlite import gateway_sessions
from lockdeck.backend.watch.sources import sources_of
from lockdeck.backend.watch.wakeup.wakeup import Wakeup

LOOK_AGAIN_S = 0.5
"""A lock that looks leaked in one look may just be let go of: it is looked at again after so long (seconds)."""
PUBLISH_S = 3.0
"""A snapshot is published at least this often (seconds), also when nothing is new: who reads it sees we live."""


class Collector:
    """Watches roots and publishes snapshots.

    `look()` gives one snapshot of everything; `run()` goes on until told to stop.
    """

    def __init__(
        self,
        discover: Callable[[], Discovery],
        settings: Settings,
        *,
        logs: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        env = os.environ if env is None else env
        self.settings = settings
        self._clock = clock
        self._wakeup = Wakeup()
        self._roots = WatchedRoots(discover, env)
        self._sources = RunSources(env, (*logs, *settings.logs), settings, clock, self._wakeup.ring)
        self._locks = WatchedLocks()
        self._builder = SessionBuilder()
        self._supported = SupportedViews()
        self._file_sessions = FileSessions(self._builder, self._sources.progress)

    @classmethod
    def discover(
        cls,
        paths: Sequence[str],
        settings: Settings,
        *,
        logs: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> Collector:
        """Find the roots (those at `paths`, else the configured ones, else OpenClaw's own places)."""
        environment = os.environ if env is None else env
        explicit = tuple(paths) or tuple(root.path for root in settings.roots)
        home = environment.get("HOME") or os.path.expanduser("~")

        def discover() -> Discovery:
            return discover_roots(environment, home, explicit, settings.vouch_for)

        return cls(discover, settings, logs=logs, env=environment, clock=clock)

    @property
    def roots(self) -> Mapping[str, WatchedRoot]:
        """The roots that are watched, by path."""
        return self._roots.by_path

    @property
    def discovery(self) -> Discovery:
        """The discovery at the beginning: roots, problems, and the paths that were looked at."""
        return self._roots.discovery

    @property
    def log_files(self) -> tuple[str, ...]:
        """The JSON log that was written to last, where one is followed."""
        newest = self._sources.logs.newest()
        return (newest,) if newest else ()

    def look(self) -> FleetSnapshot:
        """Look at everything once; gateways get a moment to answer where only they tell, and live logs to be read."""
        self._sources.hear_out(self._roots.all, self._clock)
        snapshot = self._look(None)
        if self._locks.undecided:
            _wait_for_release(self._locks.undecided)
            self._locks.decide()
            snapshot = self._look(None)
        if not self._sources.feeds.wait_first():
            return snapshot
        snapshot = self._look(set())
        silences = self._sources.news.silences()
        roots = (
            replace(root, problems=(*root.problems, silences[root.path]))
            if root.path in silences and root.era == "sqlite"
            else root
            for root in snapshot.roots
        )
        return replace(snapshot, roots=tuple(roots))

    def run(self, publish: Callable[[FleetSnapshot], None], stop: threading.Event) -> None:
        """Publish a snapshot now, after every event or log line that matters, and at least every PUBLISH_S.

        Ends when `stop` is set.
        """
        try:
            publish(self._look(None))
            last_full = published = time.monotonic()
            while not stop.is_set():
                self._wakeup.watch(self._roots.all)
                dirty = self._wait(stop, last_full)
                if stop.is_set():
                    return
                if time.monotonic() - last_full >= self._rescan_s():
                    dirty, last_full = None, time.monotonic()
                overdue = time.monotonic() - published >= PUBLISH_S
                if dirty is None or dirty or overdue or self._hears_something(self._clock()):
                    publish(self._look(dirty))
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

    def _look(self, dirty: set[str] | None) -> FleetSnapshot:
        """Look at the directories in `dirty`, or at everything when it is None.

        Each step is handed what the steps before it gave; none asks a later one.
        """
        now, full = self._clock(), dirty is None
        if full:
            self._refresh_roots(now)
            self._sources.logs.keep_live(self._roots.all)
        self._sources.take_news(self._roots.by_path, now)
        self._sources.read_logs(self._roots.all, now)
        if full:
            self._sources.logs.learn_versions(self._roots.all)
        listed = self._list_directories(dirty)
        self._sources.read_transcripts(self._transcribed_locks(listed), now)
        joins = self._sources.join(self._roots.directories)
        self._look_at_locks(listed, joins, now, full)
        if full:
            self._sources.look_at_logs(self._roots.all, now)
            self._sources.feeds.keep(self._roots.by_path)
        return self._snapshot(joins, self._clock())

    def _refresh_roots(self, now: float) -> None:
        self._roots.refresh()
        self._file_sessions.tidy(now)
        self._locks.forget_except({*self._roots.directory_paths, *self._roots.by_path})

    def _list_directories(self, dirty: set[str] | None) -> list[WatchedDirectory]:
        """Read the stores and list the locks of the directories in `dirty`, of all when it is None."""
        listed = []
        for root in self._roots.all:
            of_root = [home for path, home in root.directories.items() if dirty is None or path in dirty]
            for directory in of_root:
                root.refresh_directory(directory)
            listed += of_root
        return listed

    def _transcribed_locks(self, listed: Iterable[WatchedDirectory]) -> set[str]:
        """Return the locks whose transcripts matter: those just listed, and those that lately stood."""
        lock_paths = {path for directory in listed for path in directory.session_locks}
        return lock_paths.union(*self._locks.occupations.values())

    def _look_at_locks(
        self, listed: Sequence[WatchedDirectory], joins: Joins, now: float, full: bool
    ) -> None:
        """Judge the locks of the directories just listed, knowing which gaps the runs have promised to end."""
        least_s = self.settings.gap_grace_s
        paths = {directory.where.path for directory in listed}
        for root in self._roots.all:
            of_root = [directory for path, directory in root.directories.items() if path in paths]
            graces = gap_graces(root, of_root, self._locks.occupations, joins, least_s, now)
            self._locks.look(root, of_root, graces, now, full)

    def _snapshot(self, joins: Joins, now: float) -> FleetSnapshot:
        roots: list[RootView] = []
        sessions: list[SessionView] = []
        for root in self._roots.all:
            views = list(self._sessions(root, joins, now))
            roots.append(self._root_view(root, views, now))
            sessions += self._supported.by(roots[-1], views)
        return FleetSnapshot(
            generated_at=now,
            host=host_name(),
            roots=(*roots, *self._roots.unusable_views(self._wakeup.live)),
            sessions=tuple(sorted(sessions, key=_urgency)),
            locks=tuple(sorted(self._locks.all, key=lambda view: view.record.path)),
            notes=tuple(self._notes(joins, now)),
        )

    def _sessions(self, root: WatchedRoot, joins: Joins, now: float) -> Iterator[SessionView]:
        """Yield the sessions of a root, by what its era keeps of them."""
        news, only_root = self._sources.news.of(root.path), self._roots.only_of_era(root)
        if root.era == "sqlite":
            yield from gateway_sessions(RootReport(root, news, joins, now, only_root), self._builder)
            return
        for path, directory in root.directories.items():
            locks, occupations = self._locks.views.get(path, ()), self._locks.occupations.get(path, {})
            report = DirectoryReport(root, directory, joins, now, only_root, news)
            yield from self._file_sessions.views(report, locks, occupations)

    def _root_view(self, root: WatchedRoot, views: Sequence[SessionView], now: float) -> RootView:
        refused = self._roots.refused_start(root, self._sources.book.refused_starts, now)
        sources = sources_of(root, views, self._sources.news.of(root.path), now)
        return root.view(self._wakeup.live, refused, tuple(self._wakeup.polling_reasons(root)), sources)

    def _notes(self, joins: Joins, now: float) -> Iterator[str]:
        yield from self._sources.logs.notes()
        for root in self._roots.all:
            yield from (f"{root.path}: {note}" for note in root.exposures())
        yield from self._sources.news.notes()
        yield from joins.notes(now)

    def _wait(self, stop: threading.Event, last_full: float) -> set[str] | None:
        """Wait for the next reason to look; None when everything is to be looked at."""
        dirty = self._wakeup.wait(stop, last_full + self._rescan_s())
        watched = self._roots.directory_paths
        return None if dirty - watched else dirty | self._locks.due | (self._wakeup.silent & watched)

    def _hears_something(self, now: float) -> bool:
        """Return whether gateways or logs have told anything since."""
        news = self._sources.take_news(self._roots.by_path, now)
        return news or self._sources.read_logs(self._roots.all, now)

    def _rescan_s(self) -> float:
        polling = any(root.network for root in self._roots.all) or not self._wakeup.live
        return min(1.0, self.settings.rescan_s) if polling else self.settings.rescan_s


def _wait_for_release(paths: Iterable[str]) -> None:
    """Wait until locks that look leaked have been let go of, for a moment at most."""
    until = time.monotonic() + LOOK_AGAIN_S
    while any(map(os.path.lexists, paths)) and time.monotonic() < until:
        time.sleep(LOOK_AGAIN_S / 25)


def _urgency(session: SessionView) -> tuple[int, float, str, str]:
    return (-session.severity, session.since or 0.0, session.root, session.key)
