"""Facts into session views: joins locks, occupations, runs and the store, and lets the model judge."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from lockdeck.backend.model.fleet import LockView, SessionView, Severity, State
from lockdeck.backend.model.locks import LockKind, Proof
from lockdeck.backend.model.releases.lookup import traits_of
from lockdeck.backend.model.runs.budget import budget_of
from lockdeck.backend.model.runs.chain import FailoverChain
from lockdeck.backend.model.runs.events import StuckSession
from lockdeck.backend.model.runs.fold import RunBook
from lockdeck.backend.model.runs.joins import runs_by_key, runs_without_session, unjoined
from lockdeck.backend.model.runs.profiles import profile_hash
from lockdeck.backend.model.runs.records import Occupation, Rotation
from lockdeck.backend.model.runs.rotation import gap_grace, rotation_of, unbroken
from lockdeck.backend.model.runs.run import Run
from lockdeck.backend.model.runs.trace_joins import is_of_trace
from lockdeck.backend.model.sessions.blocked import blocked_on, failures_by_path, waits_by_key
from lockdeck.backend.model.sessions.facts import HOLDING, SessionFacts
from lockdeck.backend.model.sessions.ownership import foreign_holds, holds_of, session_run
from lockdeck.backend.model.sessions.refusals import refusals_by_key
from lockdeck.backend.model.sessions.state import assess
from lockdeck.backend.model.words import times
from lockdeck.backend.openclaw.store import SessionEntry
from lockdeck.backend.system.text import safe
from lockdeck.backend.watch.directory import Directory, agent_of_key
from lockdeck.backend.watch.gateway_feed.rows import NAMELESS, Fed, rows_now, run_of
from lockdeck.backend.watch.gateway_feed.views import Told, calm_view, row_view
from lockdeck.backend.watch.logs.sessions import SessionLogs
from lockdeck.backend.watch.progress import Progress
from lockdeck.backend.watch.root import RootWatch

BLOCKED_LATELY_S = 300.0
"""Where nothing occupies a session, callers that its last occupation blocked this lately (seconds) still count."""
RECENT_S = 3600.0
"""Runs silent for longer than this (seconds) say nothing about now."""
FORGOTTEN = (
    "log: it tells more than is kept at once; the oldest runs and lines of the last hour are not counted"
)


class _Calm(Struct):
    """Views of one directory's sessions of which nothing but the store is known."""

    generation: int
    views: dict[str, SessionView]


class Assembler:
    """Builds the session views of one collector; owned by its thread."""

    def __init__(self) -> None:
        self.runs: Mapping[str, tuple[Run, ...]] = {}
        self.progress = Progress()
        self.claims: Mapping[str, str] = {}
        """The root whose gateway named a run, by run id."""
        self._book = RunBook()
        self._failures = failures_by_path(self._book)
        self._waits = waits_by_key(self._book)
        self._diagnoses: dict[str, tuple[StuckSession, ...]] = {}
        self._notes: tuple[str, ...] = ()
        self._calm: dict[str, _Calm] = {}
        self._before: dict[tuple[str, str], tuple[State, float | None]] = {}
        self._last: dict[str, Occupation] = {}
        self._keys: dict[str, str] = {}
        self._generations: tuple[int, ...] = ()
        self._told: Mapping[str, str] = {}
        self._transcripts: set[str] = set()
        self._holders: set[tuple[int, int | None]] = set()
        self._logs = SessionLogs()
        self._refusals: Mapping[str, tuple[float, ...]] = {}

    def begin(
        self, book: RunBook, directories: Sequence[Directory], told: Mapping[str, str] | None = None
    ) -> None:
        """Take up what the logs tell by now; cheap when nothing is new.

        `told` are session keys by session id as gateways name them.
        """
        generations = tuple(directory.generation for directory in directories)
        told = told or {}
        if book is self._book and generations == self._generations and told == self._told:
            return
        if generations != self._generations or told != self._told:
            entries = (entry for directory in directories for entry in directory.store.entries)
            stored = {entry.session_id: entry.key for entry in entries if entry.session_id is not None}
            self._keys = {**told, **stored}
        self._book, self._generations, self._told = book, generations, told
        self.runs = runs_by_key(book, self._keys)
        self._failures, self._waits = failures_by_path(book), waits_by_key(book)
        self._diagnoses = _diagnoses(book, self._keys)
        self._refusals = refusals_by_key(book, self._keys)
        self._logs = SessionLogs(self.runs, book.notices, self._keys)
        strangers, loose = len(runs_without_session(book, self._keys)), len(unjoined(book))
        self._notes = tuple(_unjoined_notes(strangers, loose))

    def tidy(self, now: float) -> None:
        """Forget what no session has needed since the last full look."""
        self.progress.forget(self._transcripts, self._holders)
        self._transcripts, self._holders = set(), set()
        self._last = {path: last for path, last in self._last.items() if not last.over(now, RECENT_S)}

    def gap_grace(self, key: str, path: str, occupation: Occupation | None, now: float) -> float:
        """Return how long a gap on a session's lock may last, in seconds, by what its run has promised."""
        runs = [run for run in self.runs.get(key, ()) if _is_recent(run, now)]
        run = session_run(runs, path, occupation, now)
        return gap_grace(run, holds_of(run, occupation) if run is not None else None)

    def notes(self, now: float) -> tuple[str, ...]:
        """What could not be joined, in figures, and whether there was too much to keep."""
        forgotten_at = self._book.forgotten_at
        if forgotten_at is None or now - forgotten_at > RECENT_S:
            return self._notes
        return (*self._notes, FORGOTTEN)

    def sessions(
        self,
        root: RootWatch,
        directory: Directory,
        views: Sequence[LockView],
        occupations: Mapping[str, Occupation],
        now: float,
    ) -> Iterator[SessionView]:
        """Yield every session of one directory, and one for each lock that no session of the store explains."""
        locks: dict[str, LockView] = {}
        strangers: list[LockView] = []
        for view in views:
            if view.record.kind is LockKind.SESSION:
                entry = directory.session_of(view.record.path)
                if entry is None:
                    strangers.append(view)
                else:
                    locks[entry.key] = view
        held = {e.key: o for path, o in occupations.items() if (e := _in(directory, path)) is not None}
        calm = self._calm_views(root, directory)
        for entry in directory.store.entries:
            path = directory.lock_path_of(entry) if entry.key in self.runs else None
            run = self._run(root, entry.key, path, held.get(entry.key), now)
            busy = entry.key in locks or entry.key in held or run is not None
            if busy or entry.key in self._diagnoses or (root.path, entry.key) in self._before:
                yield self._view(root, directory, entry, locks.get(entry.key), held.get(entry.key), run, now)
            else:
                yield calm[entry.key]
        for view in strangers:
            yield self._stranger(root, directory, view, occupations.get(view.record.path), now)

    def told_sessions(self, root: RootWatch, fed: Fed, now: float) -> Iterator[SessionView]:
        """Yield every session of a root without lock files."""
        names = dict(self._book.profiles)
        told = Told(names, self._waits, self._refusals, self._diagnoses)
        for row in rows_now(root, fed, self._book, self.runs, now):
            run = run_of(row, fed, self._book, self.runs)
            if run is not None and (
                now - run.last_activity > RECENT_S or _lost_with_its_gateway(run, root.gateway_started_at)
            ):
                run = None
            identity = (root.path, row.key)
            if run is None and not row.active and row.status != "running" and identity not in self._before:
                yield calm_view(root, row)
                continue
            view = row_view(root, row, run, fed, told, self._before.get(identity), now)
            if row.key.startswith(NAMELESS) and view.occupation is None:
                self._before.pop(identity, None)
                continue
            self._remember(identity, view.state, view.severity, view.since)
            yield replace(view, log=self._logs.of(row.key, None))

    def _remember(
        self, identity: tuple[str, str], state: State, severity: Severity, since: float | None
    ) -> None:
        """Keep since when a session is what it is; idle ones are not remembered."""
        if state is State.IDLE and severity is Severity.OK:
            self._before.pop(identity, None)
        else:
            self._before[identity] = (state, since)

    def _calm_views(self, root: RootWatch, directory: Directory) -> dict[str, SessionView]:
        known = self._calm.get(directory.where.path)
        if known is None or known.generation != directory.generation:
            views = {entry.key: _calm_view(root, directory, entry) for entry in directory.store.entries}
            known = self._calm[directory.where.path] = _Calm(directory.generation, views)
        return known.views

    def _run(
        self, root: RootWatch, key: str, path: str | None, occupation: Occupation | None, now: float
    ) -> Run | None:
        """Return the run that has a session, of those heard of lately."""
        known = self.runs.get(key, ())
        runs = [run for run in known if _is_recent(run, now) and self._concerns(run, root)]
        return session_run(runs, path, occupation, now) if runs else None

    def _concerns(self, run: Run, root: RootWatch) -> bool:
        """Whether a run can be one of this root's that goes on or has ended."""
        # Another root's gateway may have a session of the same key, and only 2026.9 has runs without an id.
        if self.claims.get(run.run_id, root.path) != root.path or is_of_trace(run.run_id):
            return False
        return not _lost_with_its_gateway(run, root.gateway_started_at)

    def _stranger(
        self, root: RootWatch, directory: Directory, view: LockView, occupation: Occupation | None, now: float
    ) -> SessionView:
        """A lock whose session the store does not name: shown under its transcript's name."""
        stem = os.path.basename(view.record.path).removesuffix(".jsonl.lock")
        agent = view.record.agent or "unknown"
        key = self._keys.get(stem) or f"agent:{agent}:unknown:{stem}"
        entry = SessionEntry(key, session_id=stem)
        run = self._run(root, key, view.record.path, occupation, now)
        seen = self._view(root, directory, entry, view, occupation, run, now)
        return replace(seen, reasons=(*seen.reasons, "no session of the store names this lock's transcript"))

    def _view(
        self,
        root: RootWatch,
        directory: Directory,
        entry: SessionEntry,
        lock: LockView | None,
        occupation: Occupation | None,
        run: Run | None,
        now: float,
    ) -> SessionView:
        agent = directory.where.agent or agent_of_key(entry.key) or "unknown"
        chain, version = root.chain_for(agent), root.version
        rotation = None
        if run is not None:
            names = {**self._book.profiles, **_hashes(chain)}
            # A lock that nobody holds any more must not look like an attempt in progress.
            standing = occupation if lock is None or lock.judgement.verdict in HOLDING else None
            rotation = rotation_of(run, chain, holds_of(run, standing), now, names, version)
            occupation = _with_history(occupation, rotation, now)
        path = directory.lock_path_of(entry)
        facts = self._facts(root, entry, lock, occupation, run, rotation, path, chain, now)
        state = assess(facts, now)
        identity = (root.path, entry.key)
        self._remember(identity, state.state, state.severity, state.since)
        shown = rotation if rotation is not None and _concerns_now(rotation, state.state) else None
        running = (
            shown.attempts[-1] if shown and shown.attempts and shown.attempts[-1].ended_at is None else None
        )
        return SessionView(
            root=root.path,
            agent=safe(agent),
            key=entry.key,
            session_id=entry.session_id,
            state=state.state,
            severity=state.severity,
            since=state.since,
            reasons=tuple(safe(reason, 1000) for reason in state.reasons),
            attempt=running,
            rotation=shown,
            occupation=occupation,
            blocked=facts.blocked,
            lock=lock,
            transcript=path.removesuffix(".lock") if path else None,
            log=self._logs.of(entry.key, path),
        )

    def _facts(
        self,
        root: RootWatch,
        entry: SessionEntry,
        lock: LockView | None,
        occupation: Occupation | None,
        run: Run | None,
        rotation: Rotation | None,
        path: str | None,
        chain: FailoverChain,
        now: float,
    ) -> SessionFacts:
        if occupation is not None:
            self._last[occupation.path] = occupation
        last = self._last.get(path or "")
        transcript = path.removesuffix(".lock") if path else None
        tail = self.progress.transcript(transcript) if transcript else None
        self._transcripts |= {transcript} if transcript else set()
        holder = lock.judgement.holder if lock else None
        working = None
        if holder is not None and holder.proof is not Proof.NONE:
            self._holders.add((holder.pid, holder.start_ticks))
            working = self.progress.worked_at(holder.pid, holder.start_ticks, now)
        payload = lock.record.payload if lock else None
        traits = traits_of(root.version)
        since = occupation.since if occupation else now - BLOCKED_LATELY_S
        since = max(since, last.since) if last else since
        blocked = blocked_on(self._failures.get(path or "", ()), self._waits.get(entry.key, ()), since)
        return SessionFacts(
            judgement=lock.judgement if lock else None,
            occupation=occupation,
            last_hold=last.recent[-1] if last else None,
            run=run,
            rotation=rotation,
            foreign_holds=foreign_holds(run, occupation) if run is not None else (),
            blocked=blocked,
            store_status=entry.status,
            transcript_at=tail.last_entry_at if tail else None,
            process_at=working,
            tool_running=tail is not None and tail.last_stop_reason == "toolUse",
            lock_since=lock.record.created_at if lock else None,
            max_hold_ms=payload.max_hold_ms if payload else None,
            budget=budget_of(chain, None, traits),
            run_budget_s=chain.run_timeout_s if chain.run_timeout_s is not None else traits.run_timeout_s,
            diagnoses=self._diagnoses.get(entry.key, ()),
            gateway_alive=root.gateway.alive if root.gateway else None,
            gateway_started_at=root.gateway_started_at,
            sees_locks=root.era == "files",
            previous=self._before.get((root.path, entry.key)),
        )


def _is_recent(run: Run, now: float) -> bool:
    return now - run.last_activity <= RECENT_S


def _lost_with_its_gateway(run: Run, gateway_started_at: float | None) -> bool:
    """Whether an unfinished run was of a gateway that has been restarted since; local runs have none."""
    if gateway_started_at is None or run.ended_at is not None or run.run_id == run.session_id:
        return False
    return run.last_activity < gateway_started_at


def _in(directory: Directory, path: str) -> SessionEntry | None:
    return directory.session_of(path) if os.path.dirname(path) == directory.where.path else None


def _calm_view(root: RootWatch, directory: Directory, entry: SessionEntry) -> SessionView:
    """A session of which only the store is known."""
    state = assess(SessionFacts(store_status=entry.status), 0.0)
    path = directory.lock_path_of(entry)
    return SessionView(
        root=root.path,
        agent=safe(directory.where.agent or agent_of_key(entry.key) or "unknown"),
        key=entry.key,
        session_id=entry.session_id,
        state=state.state,
        severity=state.severity,
        since=entry.updated_at,
        reasons=state.reasons if state.state is not State.IDLE else (),
        transcript=path.removesuffix(".lock") if path else None,
    )


def _with_history(occupation: Occupation | None, rotation: Rotation, now: float) -> Occupation | None:
    """Lengthen an occupation by the attempts before it that the log tells: each of them took the lock."""
    if occupation is None or rotation.finished:
        return occupation
    chained = unbroken(rotation.attempts, now)
    begin = next((a.started_at for a in chained if a.started_at is not None), None)
    if begin is None or begin >= occupation.since:
        return occupation
    taken = sum(attempt.reason != "lock" for attempt in chained)
    return replace(occupation, since=begin, holds=max(occupation.holds, taken))


def _concerns_now(rotation: Rotation, state: State) -> bool:
    """Whether a rotation belongs to what the session is doing.

    A finished one only explains a failure. One whose last attempt is over is no part of a run that goes on now:
    a run that an answer ended logs no end (2026.4.5).
    """
    if rotation.finished:
        return state is State.FAILED
    over = bool(rotation.attempts) and rotation.attempts[-1].ended_at is not None
    return state is not State.IDLE and not (state is State.RUNNING and over)


def _hashes(chain: FailoverChain) -> dict[str, str]:
    return {profile_hash(name): name for candidate in chain.candidates for name in candidate.profiles}


def _diagnoses(book: RunBook, keys: Mapping[str, str]) -> dict[str, tuple[StuckSession, ...]]:
    found: dict[str, tuple[StuckSession, ...]] = {}
    for notice in book.notices:
        if isinstance(notice, StuckSession):
            key = notice.session_key or keys.get(notice.session_id or "")
            if key is not None:
                found[key] = (*found.get(key, ()), notice)[-8:]
    return found


def _unjoined_notes(runs: int, lines: int) -> Iterable[str]:
    if runs:
        yield f"log: {times(runs, 'run')} of no session known here"
    if lines:
        yield f"log: {times(lines, 'line')} that no id ties to a run"
