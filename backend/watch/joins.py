"""Everything that logs, gateways and stores tell, joined by session."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set

from msgspec import Struct, field
from msgspec.structs import replace

from lockdeck.backend.model.cancel import Cancel
from lockdeck.backend.model.runs.chain import FailoverChain
from lockdeck.backend.model.runs.events import LaneWait, StuckSession
from lockdeck.backend.model.runs.events.base import CallerFailure
from lockdeck.backend.model.runs.fold import RunBook
from lockdeck.backend.model.runs.joins import (
    runs_by_key,
    runs_without_session,
    session_keys,
    unjoined,
)
from lockdeck.backend.model.runs.profiles import profile_hash
from lockdeck.backend.model.runs.run import Run
from lockdeck.backend.model.sessions.blocked import failures_by_subject, waits_by_key
from lockdeck.backend.model.sessions.lock_places import known_paths
from lockdeck.backend.model.sessions.refusals import refusals_by_key
from lockdeck.backend.model.sessions.wedges import Wedge, wedges_by_key
from lockdeck.backend.model.words import times
from lockdeck.backend.watch.directory import WatchedDirectory, agent_of_key
from lockdeck.backend.watch.logs.sessions import SessionLogs, differing
from lockdeck.backend.watch.storedkeys import StoredKeys

RECENT_S = 3600.0
"""Runs silent for longer than this (seconds) say nothing about now."""
MOST_DIAGNOSES = 8
"""So many of OpenClaw's own diagnoses of one session are kept."""
FORGOTTEN = (
    "log: it tells more than is kept at once; the oldest runs and lines of the last hour are not counted"
)


class Joins(Struct, frozen=True):
    """All that is told of sessions, each by what names it: session key, lock path, session id or run id.

    `keys` are session keys by session id. `run_roots` is the root whose gateway named a run, by run id.
    `refusals` are what was told of refused callers. `cancels` are the newest of ours, by root and session key.
    """

    book: RunBook = field(default_factory=RunBook)
    keys: Mapping[str, str] = field(default_factory=dict)
    runs: Mapping[str, tuple[Run, ...]] = field(default_factory=dict)
    run_roots: Mapping[str, str] = field(default_factory=dict)
    failures: Mapping[str, tuple[CallerFailure, ...]] = field(default_factory=dict)
    waits: Mapping[str, tuple[LaneWait, ...]] = field(default_factory=dict)
    refusals: Mapping[str, tuple[CallerFailure, ...]] = field(default_factory=dict)
    wedges: Mapping[str, Wedge] = field(default_factory=dict)
    diagnoses: Mapping[str, tuple[StuckSession, ...]] = field(default_factory=dict)
    logs: SessionLogs = field(default_factory=SessionLogs)
    unjoined: tuple[str, ...] = ()
    cancels: Mapping[tuple[str, str], Cancel] = field(default_factory=dict)
    _by_agent: dict[str | None, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, book: RunBook, keys: Mapping[str, str], run_roots: Mapping[str, str]) -> Joins:
        """Join what is told by now."""
        runs, every_key = runs_by_key(book, keys), session_keys(book, keys)
        return cls(
            book=book,
            keys=keys,
            runs=runs,
            run_roots=run_roots,
            failures=failures_by_subject(book),
            waits=waits_by_key(book),
            refusals=refusals_by_key(book, every_key, runs),
            wedges=wedges_by_key(book, every_key),
            diagnoses=_diagnoses(book, keys),
            logs=SessionLogs(runs, book.notices, keys),
            unjoined=tuple(_unjoined_notes(book, keys)),
        )

    def runs_of(self, key: str, root: str) -> tuple[Run, ...]:
        """Return the runs of a session of a root, the most recently active last.

        Another root's gateway may have a session of the same key.
        """
        return tuple(run for run in self.runs.get(key, ()) if not self.is_elsewhere(run, root))

    def names(self, key: str) -> bool:
        """Return whether any line tells of trouble of a session."""
        return key in self.diagnoses or key in self.refusals or key in self.wedges

    @property
    def named_keys(self) -> set[str]:
        """The sessions of which a line tells trouble or a run."""
        return {*self.runs, *self.diagnoses, *self.refusals, *self.wedges}

    def named_of(self, agent: str) -> frozenset[str]:
        """Return those of an agent, by their keys; sorted once for all agents."""
        if not self._by_agent:
            by_agent: dict[str | None, set[str]] = {None: set()}
            for key in self.named_keys:
                by_agent.setdefault(agent_of_key(key), set()).add(key)
            self._by_agent.update((name, frozenset(keys)) for name, keys in by_agent.items())
        return self._by_agent.get(agent, frozenset())

    def is_elsewhere(self, run: Run, root: str) -> bool:
        """Return whether the gateway of another root named a run."""
        return self.run_roots.get(run.run_id, root) != root

    def profile_names(self, chain: FailoverChain) -> dict[str, str]:
        """Return profile ids by the hash under which the log names them."""
        hashes = {profile_hash(name): name for candidate in chain.candidates for name in candidate.profiles}
        return {**self.book.profiles, **hashes}

    def notes(self, now: float) -> tuple[str, ...]:
        """Say in figures what could not be joined, and whether there was too much to keep."""
        forgotten_at = self.book.forgotten_at
        if forgotten_at is None or now - forgotten_at > RECENT_S:
            return self.unjoined
        return (*self.unjoined, FORGOTTEN)


class Touched(Struct, frozen=True):
    """The sessions of which something new is told: by their keys, and by the paths of locks.

    `renamed`: the stores or gateways name other sessions than before, so that a lock may be another one's.
    """

    keys: frozenset[str] = frozenset()
    paths: frozenset[str] = frozenset()
    renamed: bool = False

    def and_also(self, others: Touched) -> Touched:
        """Return these and others."""
        return Touched(self.keys | others.keys, self.paths | others.paths, self.renamed or others.renamed)


class Joiner:
    """Keeps the joins up to date; cheap while nothing is new. Owned by the collector's thread.

    `touched` are the sessions that the last joining changed.
    """

    def __init__(self) -> None:
        self._joins = Joins()
        self._stored = StoredKeys()
        self._stored_keys = self._stored.keys
        self._gateway_keys: Mapping[str, str] = {}
        self.touched = Touched()

    def session_ids(self, listed: Sequence[WatchedDirectory], full: bool) -> Set[str]:
        """Return the ids of the sessions that the stores hold; `listed` as in `join`."""
        self._stored.take(listed, full)
        return self._stored.keys.keys()

    def join(
        self,
        book: RunBook,
        listed: Sequence[WatchedDirectory],
        full: bool,
        gateway_keys: Mapping[str, str],
        run_roots: Mapping[str, str],
        cancels: Mapping[tuple[str, str], Cancel],
    ) -> Joins:
        """Join runs with the stores' sessions; `gateway_keys` are session keys by session id as gateways name them.

        `listed` are the directories that were read anew; with `full` they are all that there are.
        """
        before = self._joins
        self._stored.take(listed, full)
        same_keys = self._stored.keys is self._stored_keys and gateway_keys == self._gateway_keys
        if same_keys and book is before.book:
            self._joins = replace(before, run_roots=run_roots, cancels=cancels)
        else:
            keys = before.keys if same_keys else {**gateway_keys, **self._stored.keys}
            joins = Joins.of(book, keys, run_roots)
            failures = _at_known_paths(joins.failures, self._stored.directories)
            self._joins = replace(joins, failures=failures, cancels=cancels)
        self._gateway_keys, self._stored_keys = gateway_keys, self._stored.keys
        self.touched = _touched(before, self._joins)
        return self._joins


def _touched(before: Joins, now: Joins) -> Touched:
    """Return the sessions of which two joinings tell different things."""
    keys = {key for _, key in differing(before.cancels, now.cancels)}
    if before.run_roots != now.run_roots:
        keys.update(now.runs)
    if before.book is now.book and before.keys is now.keys:
        return Touched(frozenset(keys))
    told, paths = now.logs.changed_since(before.logs)
    paths |= differing(before.failures, now.failures)
    for name in ("runs", "waits", "refusals", "wedges", "diagnoses"):
        keys |= differing(getattr(before, name), getattr(now, name))
    if before.book.profiles != now.book.profiles:
        keys.update(now.runs)
    return Touched(frozenset(keys | told | paths), frozenset(paths), before.keys is not now.keys)


def is_recent(run: Run, now: float) -> bool:
    """Return whether a run was heard of lately enough to say something about now."""
    return now - run.last_activity <= RECENT_S


def ended_with_its_gateway(run: Run, gateway_started_at: float | None) -> bool:
    """Return whether an unfinished run was of a gateway that has been restarted since; local runs have none."""
    if gateway_started_at is None or run.ended_at is not None or run.run_id == run.session_id:
        return False
    return run.last_activity < gateway_started_at


def _diagnoses(book: RunBook, keys: Mapping[str, str]) -> dict[str, tuple[StuckSession, ...]]:
    diagnoses: dict[str, tuple[StuckSession, ...]] = {}
    for notice in book.notices:
        if isinstance(notice, StuckSession):
            key = notice.session_key or keys.get(notice.session_id or "")
            if key is not None:
                diagnoses[key] = (*diagnoses.get(key, ()), notice)[-MOST_DIAGNOSES:]
    return diagnoses


def _unjoined_notes(book: RunBook, keys: Mapping[str, str]) -> Iterator[str]:
    runs, lines = len(runs_without_session(book, keys)), len(unjoined(book))
    if runs:
        yield f"log: {times(runs, 'run')} of no session known here"
    if lines:
        yield f"log: {times(lines, 'line')} that no id ties to a run"


def _at_known_paths(
    failures: Mapping[str, tuple[CallerFailure, ...]], directories: Collection[WatchedDirectory]
) -> Mapping[str, tuple[CallerFailure, ...]]:
    """Return the failures by the paths of the locks here, also where the log names them as a container sees them."""
    if not failures:
        return failures
    meant = {
        **known_paths(failures, [directory.where.path for directory in directories]),
        **_paths_by_session(failures, directories),
    }
    if not meant:
        return failures
    joined: dict[str, list[CallerFailure]] = {}
    for subject, of_subject in failures.items():
        joined.setdefault(meant.get(subject, subject), []).extend(of_subject)
    return {subject: tuple(sorted(told, key=lambda f: (f.at, f.source))) for subject, told in joined.items()}


def _paths_by_session(paths: Iterable[str], directories: Collection[WatchedDirectory]) -> dict[str, str]:
    """Return for each lock path elsewhere the path here of the one session that is called as the lock is.

    A container may have its store under any path; the name is the id of the session.
    """
    known = {directory.where.path for directory in directories}
    here: dict[str, str] = {}
    for path in paths:
        folder, _, name = path.replace("\\", "/").rpartition("/")
        if not folder or folder in known or not name.endswith(".jsonl.lock"):
            continue
        homes = [home.where.path for home in directories if home.session_of(f"{home.where.path}/{name}")]
        if len(homes) == 1:
            here[path] = f"{homes[0]}/{name}"
    return here
