"""The one way from files, log lines and the process table to immutable snapshots.

Everything that is mutable lives here and belongs to the thread that calls `look` or `run`.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence

from msgspec.structs import replace

from lockdeck.backend.model.fleet import FleetSnapshot, RefusedStart, RootView, SessionView
from lockdeck.backend.model.gateways import refused_start
from lockdeck.backend.model.releases.version import Version
from lockdeck.backend.model.runs.fold import RunBook, fold_all
from lockdeck.backend.model.runs.records import Occupation
from lockdeck.backend.openclaw.gateway.rows import ends_of, run_ids_of
from lockdeck.backend.openclaw.roots.discovery import Discovery, Unusable, discover_roots
from lockdeck.backend.settings.records import Settings
from lockdeck.backend.system.processes import ProcessDetails, details
from lockdeck.backend.system.text import safe
from lockdeck.backend.watch.directory import Directory
from lockdeck.backend.watch.gateway_feed.feeds import Feeds, problem_of, silence_of
from lockdeck.backend.watch.gateway_feed.news import FeedNews
from lockdeck.backend.watch.gateway_feed.rows import Fed
from lockdeck.backend.watch.locks import LockBook
from lockdeck.backend.watch.logs.logbook import LogBook
from lockdeck.backend.watch.root import RootWatch
from lockdeck.backend.watch.sessions import RECENT_S, Assembler
from lockdeck.backend.watch.wakeup.wakeup import Waking

MOST_CLAIMS = 10_000
"""Of so many runs it is remembered which root's gateway named them."""
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
        self._unusable: tuple[Unusable, ...] = ()
        self._env = os.environ if env is None else env
        self._clock = clock
        self._rediscover = rediscover
        self.roots: dict[str, RootWatch] = {}
        self._adopt(discovery)
        self._locks = LockBook()
        self._logs = LogBook((*logs, *settings.logs), self._env)
        self._waking = Waking()
        self._book = RunBook()
        self._assembler = Assembler()
        self._feeds = Feeds(self._env, clock, self._waking.ring)
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
            return discover_roots(environment, home, named, settings.vouches_for)

        return cls(find(), settings, logs=logs, env=environment, clock=clock, rediscover=find)

    @property
    def log_files(self) -> tuple[str, ...]:
        """The JSON log that was written to last, where one is followed."""
        newest = self._logs.newest()
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
                self._waking.watch(tuple(self.roots.values()))
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
        self._waking.stop()
        self._logs.close()
        self._feeds.close()

    def _look(self, dirty: set[str] | None) -> FleetSnapshot:
        """Look at the directories named, or at everything when `dirty` is None."""
        now = self._clock()
        if dirty is None:
            self._refresh_roots()
        self._hear()
        self._read_logs(now)
        if dirty is None:
            self._logs.learn_versions(self.roots.values())
        for root in self.roots.values():
            chosen = [d for path, d in root.directories.items() if dirty is None or path in dirty]
            self._locks.look(root, chosen, now, self._grace, whole=dirty is None)
        if dirty is None:
            self._feeds.keep(self.roots)
        self._read_transcripts(now)
        return self._snapshot(self._clock())

    def _refresh_roots(self) -> None:
        if self._rediscover is not None:
            self._adopt(self._rediscover())
        for root in self.roots.values():
            root.refresh()
        self._assembler.tidy(self._clock())
        self._locks.keep({path for root in self.roots.values() for path in (*root.directories, root.path)})

    def _adopt(self, discovery: Discovery) -> None:
        """Take up new roots. A root that vanished stays, with its problem: it was watched, and people look.

        So does a path that was named and can't be used, and one where there may be something to see.
        """
        for root in discovery.roots:
            if root.path not in self.roots:
                self.roots[root.path] = RootWatch(root, self._env)
        self._unusable = tuple(
            one
            for one in discovery.unusable
            if (one.required or one.fault.unseen) and one.path not in self.roots
        )

    def _grace(self, directory: Directory, lock_path: str, occupation: Occupation | None) -> float:
        entry = directory.session_of(lock_path)
        key = entry.key if entry else ""
        promised = self._assembler.gap_grace(key, lock_path, occupation, self._clock())
        return max(self.settings.gap_grace_s, promised)

    def _read_logs(self, now: float) -> bool:
        """Take in what was logged since; return whether any of it matters."""
        named = (news.log_path for news in self._news.values() if news.log_path)
        events = self._logs.read(self.roots.values(), named, now)
        self._book = fold_all(self._book, events)
        return bool(events)

    def _read_transcripts(self, now: float) -> None:
        """Take in what the transcripts of occupied sessions newly tell of their runs."""
        for lock_path in self._locks.occupations:
            transcript = lock_path.removesuffix(".lock")
            told = self._assembler.progress.attempts_told(transcript, now - RECENT_S)
            if told:
                self._book = fold_all(self._book, told)

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

    def _snapshot(self, now: float) -> FleetSnapshot:
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
                views = self._locks.views.get(directory.where.path, ())
                sessions += self._assembler.sessions(root, directory, views, self._locks.occupations, now)
        return FleetSnapshot(
            generated_at=now,
            host=safe(socket.gethostname()),
            roots=(
                *(self._root_view(root, now) for root in self.roots.values()),
                *map(self._unusable_view, self._unusable),
            ),
            sessions=tuple(sorted(sessions, key=_urgency)),
            locks=tuple(sorted(self._locks.locks, key=lambda view: view.record.path)),
            notes=tuple(self._notes(now)),
        )

    def _root_view(self, root: RootWatch, now: float) -> RootView:
        polled = tuple(self._waking.why_polled(root))
        return root.view(self._waking.live, self._refused(root, now), polled)

    def _unusable_view(self, one: Unusable) -> RootView:
        watch = "live" if self._waking.live else "polling"
        return RootView(one.path, "files", None, watch, (str(one.fault.sentence),), unseen=one.fault.unseen)

    def _refused(self, root: RootWatch, now: float) -> RefusedStart | None:
        """Return the gateway starts that were lately refused because of this root's gateway."""
        alone = sum(other.era == root.era for other in self.roots.values()) == 1
        port = root.gateway.port if root.gateway else None
        return refused_start(self._book.refused_starts, root.gateway_locks, port, alone, now)

    def _notes(self, now: float) -> list[str]:
        notes = list(self._logs.notes())
        for root in self.roots.values():
            notes += [f"{root.path}: {note}" for note in root.exposures()]
        for path, news in self._news.items():
            if news.dropped:
                notes.append(f"{path}: {news.dropped} gateway events of a flood were not kept")
        return notes + list(self._assembler.notes(now))

    def _wait(self, stop: threading.Event, last_full: float) -> set[str] | None:
        """Wait for the next reason to look; None when everything is to be looked at."""
        dirty = self._waking.wait(stop, last_full + self._rescan_s())
        known = {path for root in self.roots.values() for path in root.directories}
        return None if dirty - known else dirty | self._locks.due | (self._waking.silent & known)

    def _rescan_s(self) -> float:
        polling = any(root.network for root in self.roots.values()) or not self._waking.live
        return min(1.0, self.settings.rescan_s) if polling else self.settings.rescan_s


def _urgency(session: SessionView) -> tuple[int, float, str, str]:
    return (-session.severity, session.since or 0.0, session.root, session.key)
