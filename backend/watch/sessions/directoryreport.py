"""One directory of a root in files as it is reported, and which session a lock, a run or the log means there."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from lockdeck.backend.model.fleet import LockView
from lockdeck.backend.model.locks import LockKind
from lockdeck.backend.model.runs.records import Blocked, Occupation
from lockdeck.backend.model.runs.run import Run
from lockdeck.backend.model.runs.trace_joins import is_of_trace
from lockdeck.backend.model.sessions.blocked import blocked_on
from lockdeck.backend.model.sessions.ownership import session_run
from lockdeck.backend.openclaw.store import SessionEntry
from lockdeck.backend.watch.directory import WatchedDirectory, agent_of_key
from lockdeck.backend.watch.gateway_feed.latest import NO_NEWS
from lockdeck.backend.watch.gateway_feed.news import FeedNews
from lockdeck.backend.watch.joins import Joins, ended_with_its_gateway, is_recent
from lockdeck.backend.watch.root import WatchedRoot
from lockdeck.backend.watch.sessions.builder import BLOCKED_LATELY_S
from lockdeck.backend.watch.sessions.unlocked import running_rows, with_gateways_word


class DirectoryReport(Struct, frozen=True):
    """All that is reported of one directory of a root in files at `looked_at` (epoch seconds), which rules are told as `now`.

    `only_root`: no other such root is watched, so that a log line which names no root is of this one.
    """

    root: WatchedRoot
    directory: WatchedDirectory
    joins: Joins
    now: float
    only_root: bool = True
    news: FeedNews = NO_NEWS
    looked_at: float = 0.0

    def at(self, now: float) -> DirectoryReport:
        """Return the same for rules that are told another time."""
        return self if now is self.now else replace(self, now=now)


class SessionHere(Struct, frozen=True):
    """A session with the lock that stands at its place, the occupation of that, and the run that has it."""

    entry: SessionEntry
    agent: str
    lock_path: str | None
    lock: LockView | None
    occupation: Occupation | None
    run: Run | None


def by_session(
    directory: WatchedDirectory, locks: Sequence[LockView]
) -> tuple[dict[str, LockView], list[LockView]]:
    """Return the session locks by session key, and those whose session the store does not name."""
    by_key: dict[str, LockView] = {}
    strangers: list[LockView] = []
    for view in locks:
        if view.record.kind is LockKind.SESSION:
            entry = directory.session_of(view.record.path)
            if entry is None:
                strangers.append(view)
            else:
                by_key[entry.key] = view
    return by_key, strangers


def without_lock(
    report: DirectoryReport, locked: Mapping[str, LockView], occupied: Mapping[str, Occupation]
) -> dict[str, Occupation]:
    """Return the occupations of the sessions in which a run goes on while no lock stands, by session key."""
    root, news = report.root, report.news
    rows = {row.key: row for row in running_rows(news, report.joins, root.path, report.now)}
    if not rows:
        return {}
    pid = root.gateway.pid if root.gateway else None
    return {
        entry.key: with_gateways_word(occupied.get(entry.key), row, lock_path, news, pid)
        for entry in report.directory.store.entries
        if entry.key not in locked
        and (row := rows.get(entry.key)) is not None
        and (lock_path := report.directory.lock_path_of(entry)) is not None
    }


def blocked_here(
    report: DirectoryReport, session: SessionHere, occupation: Occupation | None, last: Occupation | None
) -> Blocked:
    """Return the callers that failed on a session's lock or waited since it is occupied, else lately.

    `last` is its occupation as it was seen last, which may be over.
    """
    since = occupation.since if occupation else report.now - BLOCKED_LATELY_S
    since = max(since, last.since) if last else since
    joins = report.joins
    subjects = (session.lock_path or "", session.entry.key)
    failures = sorted(
        (failure for subject in subjects for failure in joins.failures.get(subject, ())),
        key=lambda failure: failure.at,
    )
    return blocked_on(failures, joins.waits.get(session.entry.key, ()), since)


def stranger(report: DirectoryReport, view: LockView, occupation: Occupation | None) -> SessionHere:
    """Return a lock whose session the store does not name as a session with its transcript's name."""
    path, stem, key = view.record.path, _stem(view), stranger_key(report, view)
    run = run_here(report, key, path, occupation)
    entry = SessionEntry(key, session_id=stem)
    return SessionHere(entry, agent_in(report.directory, key), path, view, occupation, run)


def _stem(view: LockView) -> str:
    return os.path.basename(view.record.path).removesuffix(".jsonl.lock")


def stranger_key(report: DirectoryReport, view: LockView) -> str:
    """Return the key of a session that the store does not name: as the log tells it, else by its transcript's name."""
    stem = _stem(view)
    return report.joins.keys.get(stem) or f"agent:{view.record.agent or 'unknown'}:unknown:{stem}"


def only_logged(report: DirectoryReport) -> set[str]:
    """Return the sessions of this directory's agent that the log names; where another root may be meant, none."""
    agent = report.directory.where.agent
    if agent is None or not report.only_root:
        return set()
    return set(report.joins.named_of(agent))


def logged(report: DirectoryReport, key: str) -> SessionHere:
    """Return a session that only the log names."""
    run = run_here(report, key, None, None)
    entry = SessionEntry(key, session_id=run.session_id if run is not None else None)
    return SessionHere(entry, agent_in(report.directory, key), None, None, None, run)


def agent_in(directory: WatchedDirectory, key: str) -> str:
    """Return the agent of a session in a directory: the directory's, else the one its key names."""
    return directory.where.agent or agent_of_key(key) or "unknown"


def run_here(
    report: DirectoryReport, key: str, lock_path: str | None, occupation: Occupation | None
) -> Run | None:
    """Return the run that has a session, of those heard of lately that can be this root's."""
    runs = [run for run in report.joins.runs_of(key, report.root.path) if _concerns(run, report)]
    return session_run(runs, lock_path, occupation, report.now) if runs else None


def _concerns(run: Run, report: DirectoryReport) -> bool:
    # Only 2026.9 has runs without an id.
    if not is_recent(run, report.now) or is_of_trace(run.run_id):
        return False
    return not ended_with_its_gateway(run, report.root.gateway_started_at)
