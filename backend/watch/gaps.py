"""The longest gap that each occupied lock may have: known from what runs have promised, before locks are looked at."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping

from lockdeck.backend.model.releases.lookup import traits_of
from lockdeck.backend.model.releases.table import LockScope
from lockdeck.backend.model.runs.attempt_times import FOLLOW_UP_S, gap_grace
from lockdeck.backend.model.runs.budget import budget_of
from lockdeck.backend.model.runs.records import Occupation
from lockdeck.backend.model.sessions.facts import PREPARES_S, UNBOUNDED_QUIET_S
from lockdeck.backend.model.sessions.ownership import holds_of, session_run
from lockdeck.backend.watch.directory import WatchedDirectory
from lockdeck.backend.watch.joins import RECENT_S, Joins, is_recent
from lockdeck.backend.watch.root import WatchedRoot


def lets_lock_go(root: WatchedRoot) -> bool:
    """Return whether a run of this root goes on while its lock does not stand (2026.5.17 to 2026.7)."""
    return root.era == "files" and traits_of(root.version).lock_scope is not LockScope.ATTEMPT


def between_holds(
    root: WatchedRoot, directories: Iterable[WatchedDirectory], now: float, full: bool
) -> Iterator[str]:
    """Yield where the lock of a run would stand that may go on without it, among the sessions that changed last.

    Between two attempts of 2026.4.5 the log names the run alone, and only the transcript its session: a `full` look asks
    those that were just written to, for none before it need have seen the lock. `now`: epoch seconds.
    """
    newest = (changed for home in directories for changed in home.newest_locks)
    if lets_lock_go(root):
        yield from (path for changed_at, path in newest if now - changed_at <= RECENT_S)
    elif full and root.era == "files":
        yield from (path for _, path in newest if _is_written_to(path.removesuffix(".lock"), now))


def _is_written_to(transcript: str, now: float) -> bool:
    """Return whether an attempt that a transcript tells of may have ended so lately that the next one is to come."""
    try:
        return now - os.lstat(transcript).st_mtime <= FOLLOW_UP_S
    except OSError:
        return False


def gap_graces(
    root: WatchedRoot,
    directories: Iterable[WatchedDirectory],
    occupations: Mapping[str, Mapping[str, Occupation]],
    joins: Joins,
    least_s: float,
    now: float,
) -> dict[str, float]:
    """Return by path how long (seconds) the locks of some directories of a root may be away without ending their occupations.

    `occupations` are those so far, by directory and path.
    """
    return {
        path: max(least_s, _promised(root, directory, path, occupation, joins, now))
        for directory, path, occupation in _occupied(directories, occupations)
    }


def _occupied(
    directories: Iterable[WatchedDirectory], occupations: Mapping[str, Mapping[str, Occupation]]
) -> Iterator[tuple[WatchedDirectory, str, Occupation]]:
    for directory in directories:
        for path, occupation in occupations.get(directory.where.path, {}).items():
            yield directory, path, occupation


def _promised(
    root: WatchedRoot,
    directory: WatchedDirectory,
    path: str,
    occupation: Occupation,
    joins: Joins,
    now: float,
) -> float:
    entry = directory.session_of(path)
    runs = joins.runs.get(entry.key, ()) if entry is not None else ()
    run = session_run([run for run in runs if is_recent(run, now)], path, occupation, now)
    if run is None:
        return gap_grace(None)
    return gap_grace(run, holds_of(run, occupation), _unlocked_s(root, directory.agent_of(path) or ""))


def _unlocked_s(root: WatchedRoot, agent: str) -> float:
    """Return for how long (seconds) an attempt may go on without its lock in this root's release."""
    traits = traits_of(root.version)
    if traits.lock_scope is LockScope.ATTEMPT:
        return 0.0
    return max(budget_of(root.chain_for(agent), None, traits).seconds or UNBOUNDED_QUIET_S, PREPARES_S)
