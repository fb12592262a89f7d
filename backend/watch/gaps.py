"""The longest gap that each occupied lock may have: known from what runs have promised, before locks are looked at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from lockdeck.backend.model.releases.lookup import traits_of
from lockdeck.backend.model.releases.table import LockScope
from lockdeck.backend.model.runs.attempt_times import gap_grace
from lockdeck.backend.model.runs.budget import budget_of
from lockdeck.backend.model.runs.records import Occupation
from lockdeck.backend.model.sessions.facts import UNBOUNDED_QUIET_S
from lockdeck.backend.model.sessions.ownership import holds_of, session_run
from lockdeck.backend.watch.directory import WatchedDirectory
from lockdeck.backend.watch.joins import Joins, is_recent
from lockdeck.backend.watch.root import WatchedRoot


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
    return budget_of(root.chain_for(agent), None, traits).seconds or UNBOUNDED_QUIET_S
