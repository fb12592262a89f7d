"""The one way from files, log lines and the process table to immutable snapshots.

Everything that is mutable lives here and belongs to the thread that calls `look` or `run`.
"""

from __future__ import annotations

import os
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from backend.model.fleet import FleetSnapshot, LockView, SessionView
from backend.model.locks import LockKind, Presence, Verdict
from backend.model.occupation import observe, sighting_of
from backend.model.rotation import gap_grace
from backend.model.runfold import Run, RunBook, fold_all
from backend.model.runs import Occupation
from backend.model.versions import Version
from backend.openclaw.evidence import examine, unchanged
from backend.openclaw.feedevents import ends_of, run_ids_of
from backend.openclaw.installed import version_in_log
from backend.openclaw.layout import Discovery, discover_roots
from backend.openclaw.logscan import LineCounts
from backend.settings import Settings
from backend.system.processes import ProcessDetails, details
from backend.system.text import safe
from backend.watch.assemble import RECENT_S, Assembler
from backend.watch.directory import Directory
from backend.watch.feednews import FeedNews
from backend.watch.feedrows import Fed
from backend.watch.feeds import Feeds, problem_of, silence_of
from backend.watch.hints import Hints
from backend.watch.rootwatch import RootWatch
from backend.watch.tail import LogDirectory, LogTail, usual_directories

PAUSE_S = 0.05
"""Least time between two looks that events ask for, in seconds."""
RESTING = frozenset({Verdict.DEAD, Verdict.RECYCLED, Verdict.LEAKED, Verdict.FOREIGN, Verdict.LITTER})
"""Verdicts on locks that can't change before the file does, or a full look finds more."""
MOST_CLAIMS = 10_000
"""Of so many runs it is remembered which root's gateway named them."""
MOST_ASKED = 4
"""So many logs are asked for the version where roots of both eras are watched."""
LOG_POLL_S = 0.5
"""How often the logs are looked at when nothing else happens, in seconds."""
PUBLISH_S = 3.0
"""A snapshot is published at least this often (seconds), also when nothing is new: who reads it sees we live."""


class Collector:
    """Watches roots and publishes snapshots.

    `look()` gives one snapshot of everything; `run()` goes on until told to stop.
    """

    def __init__(
        self,
        discovery: Discovery,
        settings: Settings,
        *,
        logs: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.time,
        rediscover: Callable[[], Discovery] | None = None,
    ) -> None:
        self.settings = settings
        self.looked_at = discovery.looked_at
        self.discovery_problems = tuple(str(sentence) for _, sentence in discovery.problems)
        self._env = os.environ if env is None else env
        self._clock = clock
        self._rediscover = rediscover
        self._logs = (*logs, *settings.logs)
        self.roots: dict[str, RootWatch] = {}
        self._adopt(discovery)
        self._views: dict[str, tuple[LockView, ...]] = {}
        self._occupations: dict[str, Occupation] = {}
        self._tail = LogTail()
        self._book = RunBook()
        self._assembler = Assembler()
        self._log_problems: tuple[str, ...] = ()
        self._hints: Hints | None = None
        self._hinted: frozenset[tuple[str, int, int]] = frozenset()
        self._dirty: set[str] = set()
        self._wake = threading.Condition()
        self._rung = False
        self._feeds = Feeds(self._env, clock, self._ring)
        self._news: dict[str, FeedNews] = {}
        self._claims: dict[str, str] = {}

    @classmethod
    def discover(
        cls,
        given: Sequence[str],
        settings: Settings,
        *,
        logs: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> Collector:
        """Find the roots (those given, else the configured ones, else OpenClaw's own places)."""
        environment = os.environ if env is None else env
        named = tuple(given) or tuple(root.path for root in settings.roots)
        home = environment.get("HOME") or os.path.expanduser("~")

        def find() -> Discovery:
            return discover_roots(environment, home, named)

        return cls(find(), settings, logs=logs, env=environment, clock=clock, rediscover=find)

    @property
    def log_files(self) -> tuple[str, ...]:
        """The JSON log that was written to last, where one is followed."""
        newest = self._tail.newest()
        return (newest,) if newest else ()

    def look(self) -> FleetSnapshot:
        """Look at everything once; gateways get a moment to answer where only they tell."""
        snapshot = self._look(None)
        if not self._feeds.wait_first():
            return snapshot
        snapshot = self._look(set())
        silent = {path: told for path, news in self._news.items() if (told := silence_of(news))}
        roots = (
            replace(root, problems=(*root.problems, silent[root.path])) if root.path in silent else root
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
                self._watch_events()
                dirty = self._wait(stop, last_full)
                if stop.is_set():
                    return
                if time.monotonic() - last_full >= self._rescan_s():
                    dirty, last_full = None, time.monotonic()
                overdue = time.monotonic() - published >= PUBLISH_S
                if dirty is None or dirty or overdue or self._hear() or self._read_logs(self._clock()):
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
        if self._hints is not None:
            self._hints.stop()
        self._tail.close()
        self._feeds.close()

    def _look(self, dirty: set[str] | None) -> FleetSnapshot:
        """Look at the directories named, or at everything when `dirty` is None."""
        now = self._clock()
        if dirty is None:
            self._refresh_roots()
        self._hear()
        self._read_logs(now)
        if dirty is None:
            self._learn_version()
        for root in self.roots.values():
            chosen = [d for path, d in root.directories.items() if dirty is None or path in dirty]
            self._look_at(root, chosen, now, whole=dirty is None)
        return self._snapshot(self._clock())

    def _refresh_roots(self) -> None:
        if self._rediscover is not None:
            self._adopt(self._rediscover())
        for root in self.roots.values():
            root.refresh()
        self._feeds.keep(self.roots)
        self._assembler.tidy(self._clock())
        standing = {path for root in self.roots.values() for path in (*root.directories, root.path)}
        self._views = {path: views for path, views in self._views.items() if path in standing}

    def _learn_version(self) -> None:
        """Ask the log which version runs: the configuration only knows which one last wrote it."""
        logs = self._tail.by_age()
        if len({root.era for root in self.roots.values()}) == 1:
            logs = logs[:1]
        versions = [version_in_log(path) for path in logs[:MOST_ASKED]]
        for root in self.roots.values():
            root.logged = next((version for version in versions if root.fits_era(version)), None)

    def _adopt(self, discovery: Discovery) -> None:
        """Take up new roots. A root that vanished stays, with its problem: it was watched, and people look."""
        for root in discovery.roots:
            if root.path not in self.roots:
                vouched = True if self.settings.root(root.path).own_namespace else None
                self.roots[root.path] = RootWatch(root, self._env, vouched)

    def _look_at(self, root: RootWatch, directories: Sequence[Directory], now: float, whole: bool) -> None:
        for directory in directories:
            directory.refresh()
        places = [p for d in directories for p in d.places(root.era, root.own_namespace)]
        kept: list[LockView] = []
        if whole:
            places += root.other_places()
        else:
            kept = self._resting(directories)
            resting = {view.record.path for view in kept}
            places = [place for place in places if place.path not in resting]
        # A removed lock leaves no name behind: it stays known only while its holder is searched for.
        search = whole or any(self._knows_removed(directory) for directory in directories)
        grounds = [d.ground(root.era, root.own_namespace) for d in directories] if search else []
        settled = self._known_leaked()
        views = (
            examine(places, now, search=search, grounds=grounds, settled=settled) if places or search else []
        )
        by_directory: dict[str, list[LockView]] = {directory.where.path: [] for directory in directories}
        if whole:
            by_directory[root.path] = []
        for view in (*kept, *views):
            if view.record.presence is Presence.ABSENT and view.judgement.verdict is not Verdict.REMOVED:
                continue  # released between listing and reading
            home = os.path.dirname(view.record.path)
            by_directory[home if home in by_directory else root.path].append(view)
        for path, found in by_directory.items():
            self._views[path] = tuple(found)
        for directory in directories:
            self._occupy(directory, now)

    def _resting(self, directories: Sequence[Directory]) -> list[LockView]:
        """Return what is known of unchanged locks that nobody holds: only a full look examines them again.

        Their search through every process must not delay what happens beside them.
        """
        known = (view for d in directories for view in self._views.get(d.where.path, ()))
        return [v for v in known if v.judgement.verdict in RESTING and unchanged(v.record)]

    def _known_leaked(self) -> set[str | None]:
        every = (view for views in self._views.values() for view in views)
        return {view.release_id for view in every if view.judgement.verdict is Verdict.LEAKED}

    def _knows_removed(self, directory: Directory) -> bool:
        known = self._views.get(directory.where.path, ())
        return any(view.judgement.verdict is Verdict.REMOVED for view in known)

    def _occupy(self, directory: Directory, now: float) -> None:
        """Carry the occupations of one directory on."""
        here = directory.where.path
        seen = {
            view.record.path: sighting_of(view.record)
            for view in self._views.get(here, ())
            if view.record.kind is LockKind.SESSION
        }
        known = [path for path in self._occupations if os.path.dirname(path) == here]
        for path in {*seen, *known}:
            before = self._occupations.get(path)
            grace = max(self.settings.gap_grace_s, gap_grace(self._run_on(directory, path), before))
            occupation = observe(before, path, seen.get(path), now, grace)
            if occupation is None:
                self._occupations.pop(path, None)
            else:
                self._occupations[path] = occupation

    def _run_on(self, directory: Directory, lock_path: str) -> Run | None:
        entry = directory.session_of(lock_path)
        runs = self._assembler.runs.get(entry.key, ()) if entry else ()
        return runs[-1] if runs else None

    def _read_logs(self, now: float) -> bool:
        """Take in what was logged since; return whether any of it matters."""
        files, directories, console = self._log_places()
        self._tail.look_at(files, directories, console=console)
        poll = self._tail.poll(now)
        self._log_problems = tuple(str(problem) for problem in poll.problems)
        self._book = fold_all(self._book, poll.events)
        self._count(poll.counts)
        return bool(poll.events)

    def _hear(self) -> bool:
        """Take in what gateways told since; return whether anything is new."""
        fresh = False
        taken = self._feeds.take()
        known, self._news = self._news, taken
        for path, root in self.roots.items():
            news, before = taken.get(path), known.get(path, FeedNews())
            root.access = problem_of(news, root.gateway.alive if root.gateway else None) if news else None
            if news is None:
                continue
            if news.told_at == before.told_at and not news.events and news.problem == before.problem:
                continue
            fresh = True
            ends = ends_of(news.sessions or (), self._clock() - RECENT_S) if news.told_at else ()
            events = (*news.events, *ends)
            self._book = fold_all(self._book, events)
            self._claims.update(dict.fromkeys(run_ids_of(events, news.sessions or ()), path))
            root.told = Version.parse(news.version) or root.told
        self._claims = dict(list(self._claims.items())[-MOST_CLAIMS:])
        self._assembler.claims = self._claims
        return fresh

    def _fed(self, root: RootWatch) -> Fed:
        """Return what was told of one root."""
        others = frozenset(run_id for run_id, path in self._claims.items() if path != root.path)
        alone = sum(other.era == "sqlite" for other in self.roots.values()) == 1
        return Fed(self._news.get(root.path, FeedNews()), others, alone)

    def _count(self, counts: LineCounts) -> None:
        total = self._assembler.counts
        total.lines += counts.lines
        total.relevant += counts.relevant
        total.malformed += counts.malformed
        total.oversize += counts.oversize
        total.bytes += counts.bytes

    def _log_places(self) -> tuple[tuple[str, ...], tuple[LogDirectory, ...], tuple[str, ...]]:
        if self._logs:
            return self._logs, (), ()
        files = [r.config.logging_file for r in self.roots.values() if r.config and r.config.logging_file]
        files += [news.log_path for news in self._news.values() if news.log_path]
        console = [
            path
            for root in self.roots.values()
            for name in ("gateway.log", "gateway.err.log")
            if os.path.exists(path := os.path.join(root.path, "logs", name))
        ]
        directories = usual_directories(os.geteuid(), self._env.get("TMPDIR") or tempfile.gettempdir())
        return tuple(p for p in files if os.path.exists(p)), directories, tuple(console)

    def _snapshot(self, now: float) -> FleetSnapshot:
        live = self._hints is not None and self._hints.live
        locks = [view for views in self._views.values() for view in views]
        sessions: list[SessionView] = []
        told = {row.session_id: row.key for news in self._news.values() for row in news.sessions or ()}
        self._assembler.begin(
            self._book,
            [d for root in self.roots.values() for d in root.directories.values()],
            {session_id: key for session_id, key in told.items() if session_id is not None},
        )
        for root in self.roots.values():
            if root.era == "sqlite":
                sessions += self._assembler.told_sessions(root, self._fed(root), now)
                continue
            for directory in root.directories.values():
                views = self._views.get(directory.where.path, ())
                sessions += self._assembler.sessions(root, directory, views, self._occupations, now)
        return FleetSnapshot(
            generated_at=now,
            host=safe(socket.gethostname()),
            roots=tuple(root.view(live) for root in self.roots.values()),
            sessions=tuple(sorted(sessions, key=_urgency)),
            locks=tuple(sorted(locks, key=lambda view: view.record.path)),
            notes=(*self._notes(),),
        )

    def _notes(self) -> list[str]:
        notes = [f"log: {problem}" for problem in self._log_problems]
        for root in self.roots.values():
            notes += [f"{root.path}: {note}" for note in root.exposures()]
        for path, news in self._news.items():
            if news.dropped:
                notes.append(f"{path}: {news.dropped} gateway events of a flood were not kept")
        if self._hints is not None and self._hints.problem:
            notes.append(self._hints.problem)
        return notes + list(self._assembler.notes())

    def _watch_events(self) -> None:
        """Keep the file events on what stands now; a tree that was replaced is watched anew."""
        standing = self._event_places()
        if self._hints is not None:
            if self._hinted == standing and (self._hints.live or self._hints.problem):
                return
            self._hints.stop()
        self._hinted = standing
        self._hints = Hints((path for path, _, _ in standing), self._notify).start()

    def _event_places(self) -> frozenset[tuple[str, int, int]]:
        """Return what is to be watched: path, device and inode."""
        wanted: set[str] = set()
        for root in self.roots.values():
            if root.network or root.problem:
                continue
            agents = os.path.realpath(os.path.join(root.path, "agents"))
            wanted.add(agents)
            wanted.update(p for p in root.directories if not p.startswith(agents + os.sep))
        found = set()
        for path in wanted:
            with suppress(OSError):  # what does not stand now is watched when it does
                status = os.stat(path)
                found.add((path, status.st_dev, status.st_ino))
        return frozenset(found)

    def _ring(self) -> None:
        """Say that a gateway has told something; called in its feed's thread."""
        with self._wake:
            self._rung = True
            self._wake.notify()

    def _notify(self, directories: set[str]) -> None:
        with self._wake:
            self._dirty |= directories
            self._wake.notify()

    def _wait(self, stop: threading.Event, last_full: float) -> set[str] | None:
        """Wait for events, for the next look at the logs or for the next full look."""
        stop.wait(PAUSE_S)
        until = min(time.monotonic() + LOG_POLL_S, last_full + self._rescan_s())
        with self._wake:
            while not self._dirty and not self._rung and not stop.is_set():
                left = until - time.monotonic()
                if left <= 0:
                    break
                self._wake.wait(min(left, 0.2))
            dirty, self._dirty, self._rung = self._dirty, set(), False
        known = {path for root in self.roots.values() for path in root.directories}
        if dirty - known:
            return None
        # A session in a gap between two holds has no event that ends the gap: its directory is due.
        gaps = {os.path.dirname(p) for p, o in self._occupations.items() if o.current is None}
        return dirty | gaps

    def _rescan_s(self) -> float:
        polling = any(root.network for root in self.roots.values()) or not (self._hints and self._hints.live)
        return min(1.0, self.settings.rescan_s) if polling else self.settings.rescan_s


def _urgency(session: SessionView) -> tuple[int, float, str, str]:
    return (-session.severity, session.since or 0.0, session.root, session.key)
