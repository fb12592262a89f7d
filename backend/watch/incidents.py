"""What several sessions have in common, looked for whenever the picture is made."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from lockdeck.backend.model.fleet import LockView, RootView, SessionView
from lockdeck.backend.model.identity import Identity
from lockdeck.backend.model.incidents.calls import Call, calls_of
from lockdeck.backend.model.incidents.locks import LockFailure, lock_failures_of
from lockdeck.backend.model.incidents.records import Incident
from lockdeck.backend.model.incidents.silence import CallBook
from lockdeck.backend.model.runs.run import Run
from lockdeck.backend.model.sessions.refusals import Refusals, refusals_since
from lockdeck.backend.system.host import host_name
from lockdeck.backend.watch.directory import agent_of_key
from lockdeck.backend.watch.fleetsessions import FleetSessions
from lockdeck.backend.watch.joins import RECENT_S, Joins, is_recent
from lockdeck.backend.watch.progress import Progress
from lockdeck.backend.watch.root import WatchedRoot
from lockdeck.backend.watch.sessions.builder import BLOCKED_LATELY_S


class _ReadRun(Struct, frozen=True):
    """One run as it was read, for the session and with as many profile names as were known then."""

    run: Run
    session: Identity
    names: int
    calls: tuple[Call, ...]
    failures: tuple[LockFailure, ...]


class IncidentFinder:
    """Finds incidents, and reads each run once. Owned by the collector's thread."""

    def __init__(self, progress: Progress, sessions: FleetSessions) -> None:
        self._progress = progress
        self._sessions = sessions
        self._joins = Joins()
        self._by_run: dict[str, _ReadRun] = {}
        self._until = -math.inf
        self._answers = 0
        self._failures: tuple[LockFailure, ...] = ()
        self._calls: tuple[Call, ...] = ()
        self._book = CallBook()

    def incidents(
        self,
        roots: Mapping[str, WatchedRoot],
        root_views: Sequence[RootView],
        locks: Sequence[LockView],
        joins: Joins,
        now: float,
    ) -> tuple[Incident, ...]:
        """Return the incidents of a picture: its roots and locks, and the sessions, at `now` (epoch seconds)."""
        same = joins.runs is self._joins.runs and joins.run_roots == self._joins.run_roots
        if not same or now > self._until or self._progress.answers_count != self._answers:
            self._take_up(roots, joins, now)
        refusals = dict(self._refusals(joins, now))
        if not self._can_be_any(root_views, refusals):
            return ()
        from lockdeck.backend.model.incidents.rule import FleetRuns, incidents_of

        runs = FleetRuns(self._book, self._failures, refusals)
        return incidents_of(root_views, self._views(joins, refusals), locks, runs, host_name(), now)

    def _take_up(self, roots: Mapping[str, WatchedRoot], joins: Joins, now: float) -> None:
        """Read the calls of all runs that are new, and what transcripts tell of answers."""
        self._joins, self._answers = joins, self._progress.answers_count
        self._by_run = {read.run.run_id: read for read in self._read(roots, joins, now)}
        ends = (read.run.last_activity + RECENT_S for read in self._by_run.values())
        self._until = min(ends, default=math.inf)
        answers = (
            Call(("", "", path), "", told.provider, told.model, told.at, told.at, None, True)
            for path, of_path in self._progress.answers.items()
            for told in of_path
        )
        calls = (*(call for read in self._by_run.values() for call in read.calls), *answers)
        if calls != self._calls:
            self._calls, self._book = calls, CallBook.of(calls)
        self._failures = tuple(failure for read in self._by_run.values() for failure in read.failures)

    def _can_be_any(self, roots: Sequence[RootView], refusals: Mapping[Identity, Refusals]) -> bool:
        """Return whether anything shows that several sessions can have a cause in common: mostly nothing does."""
        gateways = [root.gateway for root in roots if root.gateway is not None]
        told = bool(self._book.claims or self._failures or refusals)
        gone = any(gateway.alive is False for gateway in gateways)
        return told or gone or (bool(gateways) and self._sessions.stuck > 1)

    def _views(self, joins: Joins, refusals: Mapping[Identity, Refusals]) -> list[SessionView]:
        """Return the sessions that count: those in trouble, and where callers are refused all of which anything is told."""
        views = self._sessions.trouble
        if not refusals:
            return views
        listed = {view.identity for view in views}
        named = (view for key in sorted(joins.named_keys) for view in self._sessions.of(key))
        return [*views, *(view for view in named if view.identity not in listed)]

    def _refusals(self, joins: Joins, now: float) -> Iterator[tuple[Identity, Refusals]]:
        for key, failures in joins.refusals.items():
            lately = refusals_since(failures, now - BLOCKED_LATELY_S)
            if lately is not None:
                yield from ((view.identity, lately) for view in self._sessions.of(key))

    def _read(self, roots: Mapping[str, WatchedRoot], joins: Joins, now: float) -> Iterator[_ReadRun]:
        """Yield the recent runs; what is the same as before is not read again."""
        for run, session, agent in _runs(self._sessions, joins, now):
            root = roots.get(session[1])
            chain = root.chain_for(agent) if root is not None else None
            names = joins.profile_names(chain) if chain is not None else joins.book.profiles
            before = self._by_run.get(run.run_id)
            if (
                before is not None
                and before.run is run
                and (before.session, before.names) == (session, len(names))
            ):
                yield before
                continue
            calls = tuple(calls_of(run, session, agent, names, chain))
            yield _ReadRun(run, session, len(names), calls, tuple(lock_failures_of(run, session, agent)))


def _runs(sessions: FleetSessions, joins: Joins, now: float) -> Iterator[tuple[Run, Identity, str]]:
    """Yield the recent runs, each once, with its session and agent; one that may be of two roots is of the first."""
    for key, runs in joins.runs.items():
        for run in runs:
            if not is_recent(run, now):
                continue
            homes = [view for view in sessions.of(key) if not joins.is_elsewhere(run, view.root)]
            home = min(homes, key=lambda view: (view.root, view.agent), default=None)
            if home is not None:
                yield run, home.identity, home.agent
            else:
                yield run, ("", joins.run_roots.get(run.run_id, ""), key), agent_of_key(key) or key
