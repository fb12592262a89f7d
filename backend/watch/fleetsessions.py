"""The sessions of all roots, kept from look to look: only what something new is told of is built anew."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set

from msgspec import Struct

from lockdeck.backend.model.delta import Change
from lockdeck.backend.model.fleet import RootView, SessionView
from lockdeck.backend.model.order.ranking import Ranking
from lockdeck.backend.model.urgency import urgency
from lockdeck.backend.system.suspension import suspension_of
from lockdeck.backend.watch.directory import WatchedDirectory, agent_of_key
from lockdeck.backend.watch.gateway_feed.news import FeedNews
from lockdeck.backend.watch.gateway_feed.rows import RootReport
from lockdeck.backend.watch.joins import Joins, Touched
from lockdeck.backend.watch.locks import WatchedLocks
from lockdeck.backend.watch.progress import Progress
from lockdeck.backend.watch.root import WatchedRoot
from lockdeck.backend.watch.rootsessions import ByKey, RootSessions
from lockdeck.backend.watch.sessions.builder import SessionBuilder
from lockdeck.backend.watch.sessions.directoryreport import DirectoryReport
from lockdeck.backend.watch.sessions.files import FileSessions


class News(Struct, frozen=True):
    """All that a look has found out beside the stores: what is told, and of which sessions something new.

    With `full` all directories were listed; when `due`, time alone may have changed what is more than a row in a store.
    `now` in epoch seconds.
    """

    joins: Joins
    touched: Touched
    now: float
    full: bool
    due: bool = False


class FleetSessions:
    """Builds the sessions of all roots and keeps them in their order. Owned by the collector's thread."""

    def __init__(self, locks: WatchedLocks, progress: Progress) -> None:
        self._locks = locks
        self._builder = SessionBuilder()
        self._files = FileSessions(self._builder, progress)
        self._ranking: Ranking[SessionView] = Ranking(urgency)
        self._by_key: ByKey = {}
        self._roots: dict[str, RootSessions] = {}

    def tidy(self, now: float) -> None:
        """Forget what no session has needed since the last full look."""
        self._files.tidy(now)

    def keep(self, roots: Iterable[WatchedRoot]) -> None:
        """Let go of the sessions of all other roots, and of directories that are gone."""
        watched = {root.path: root for root in roots}
        for path, sessions in list(self._roots.items()):
            root = watched.get(path)
            sqlite = root is not None and root.era == "sqlite"
            sessions.keep({} if root is None or sqlite else root.directories, gateway=sqlite)
            if root is None:
                sessions.settle(RootView(path, "files"))
                del self._roots[path]

    def update(
        self,
        root: WatchedRoot,
        listed: Sequence[WatchedDirectory],
        feed: FeedNews,
        only_root: bool,
        news: News,
    ) -> RootSessions:
        """Build those sessions of a root anew that may be other than before; `listed` are the directories read anew."""
        sessions = self._roots.setdefault(root.path, RootSessions(self._ranking, self._by_key))
        sqlite = root.era == "sqlite"
        if sqlite and news.due:
            sessions.suspension = _suspension(root)
        changing = (feed, sessions.suspension) if sqlite else root.chains.changed
        signature = (root.era, root.version, root.gateway, root.gateway_started_at, only_root, changing)
        other, sessions.signature = signature != sessions.signature, signature
        if sqlite:
            words = RootReport(root, feed, news.joins, news.now, only_root, sessions.suspension)
            self._update_gateway(words, sessions, news, other=other)
            return sessions
        locks, moments = _by_directory(news.touched.paths), sessions.moments.due(news.now)
        every = other or news.full or feed is not sessions.feed
        sessions.feed = feed
        concerned = self._concerned(root, sessions, listed, (*locks, *moments), news)
        keys = news.touched.keys | news.joins.named_keys if other else news.touched.keys
        for path, directory in (root.directories if every else concerned).items():
            views, occupations = self._locks.views.get(path, ()), self._locks.occupations.get(path, {})
            now = news.now
            report = DirectoryReport(root, directory, news.joins, now, only_root, feed, looked_at=now)
            picture = sessions.picture_of(path)
            # A transcript may be all that tells of a session which was a mere row before: a user's message waits in it.
            named = {
                entry.key for lock in locks.get(path, ()) if (entry := directory.session_of(lock)) is not None
            }
            due = keys | named | moments.get(path, set())
            self._files.update(report, picture, sessions.moments, views, occupations, due, whole=other)
        return sessions

    def _update_gateway(self, report: RootReport, sessions: RootSessions, news: News, *, other: bool) -> None:
        # Of a run without a session, which only this era shows, no key tells.
        untold = news.joins.book is not sessions.book
        sessions.book = news.joins.book
        whole = other or untold
        picture, moments = sessions.picture_of_gateway(), sessions.moments
        due = news.touched.keys | moments.due(news.now).get(picture.path, set())
        due |= news.joins.named_keys if whole else set()
        if whole or news.full or due:
            picture.update(report, self._builder, moments, due, whole=whole, full=news.full)

    def take(self) -> tuple[Sequence[SessionView], tuple[Change[SessionView], ...]]:
        """Return all sessions in their order, and what has changed since the last time."""
        return self._ranking.take()

    def of(self, key: str) -> list[SessionView]:
        """Return the sessions of a key, in all roots."""
        return [view for picture in self._by_key.get(key, ()) for view in picture.of(key)]

    def lock_paths_of(self, keys: Iterable[str]) -> Iterator[str]:
        """Yield where the locks of some sessions stand, or would, as far as something occupies them."""
        for view in (view for key in keys for view in self.of(key)):
            if view.transcript is not None and (view.occupation is not None or view.lock is not None):
                yield f"{view.transcript}.lock"

    @property
    def stuck(self) -> int:
        """The number of sessions that are stuck."""
        return sum(len(sessions.stuck) for sessions in self._roots.values())

    @property
    def trouble(self) -> list[SessionView]:
        """The sessions that are not idle and well, the most urgent first."""
        trouble = (view for sessions in self._roots.values() for view in sessions.trouble.values())
        return sorted(trouble, key=urgency)

    def _concerned(
        self,
        root: WatchedRoot,
        sessions: RootSessions,
        listed: Iterable[WatchedDirectory],
        told: Iterable[str],
        news: News,
    ) -> Mapping[str, WatchedDirectory]:
        """Return the directories of which something new is known, or may be, by path; of those `told` a line tells."""
        touched = news.touched
        paths = {directory.where.path for directory in listed}.union(told)
        paths |= set(self._with(root, sessions, touched.keys))
        for path, picture in sessions.directories.items() if touched.renamed or news.due else ():
            if picture.strangers or (news.due and picture.live):
                paths.add(path)
        return {path: root.directories[path] for path in paths if path in root.directories}

    def _with(self, root: WatchedRoot, sessions: RootSessions, keys: Set[str]) -> Iterator[str]:
        """Yield the directories in which sessions stand, or would: a key that no store names is one of its agent's."""
        strange = False
        for key in keys:
            named = (picture.path for picture in self._by_key.get(key, ()))
            own = [path for path in named if path in sessions.directories]
            strange = strange or not own
            yield from own
        if strange:
            agents = {agent_of_key(key) for key in keys}
            yield from (path for path, home in root.directories.items() if home.where.agent in agents)


def _suspension(root: WatchedRoot) -> str | None:
    """Say that the gateway of a root is stopped; None where it is not."""
    gateway = root.gateway
    return suspension_of(gateway.pid) if gateway is not None and gateway.alive else None


def _by_directory(locks: Iterable[str]) -> dict[str, list[str]]:
    """Return the paths of locks by their directories."""
    by_directory: dict[str, list[str]] = {}
    for lock in locks:
        by_directory.setdefault(os.path.dirname(lock), []).append(lock)
    return by_directory
