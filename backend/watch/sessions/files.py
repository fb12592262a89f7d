"""The sessions of a root in the file era: store, lock, transcript and holder of each, as its directory has them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from lockdeck.backend.model.fleet import LockView, SessionView, Severity, State
from lockdeck.backend.model.locks import Holder, Proof
from lockdeck.backend.model.releases.lookup import traits_of
from lockdeck.backend.model.runs.budget import budget_of
from lockdeck.backend.model.runs.records import Blocked, Occupation, Rotation
from lockdeck.backend.model.runs.rotation import unbroken
from lockdeck.backend.model.sessions.blocked import blocked_on
from lockdeck.backend.model.sessions.facts import HOLDING, SessionFacts
from lockdeck.backend.model.sessions.ownership import foreign_holds, holds_of
from lockdeck.backend.model.sessions.refusals import Refusals, with_refused
from lockdeck.backend.openclaw.store import SessionEntry
from lockdeck.backend.openclaw.transcript import TranscriptTail
from lockdeck.backend.watch.joins import RECENT_S
from lockdeck.backend.watch.progress import Progress
from lockdeck.backend.watch.sessions.builder import (
    BLOCKED_LATELY_S,
    Observation,
    SessionBuilder,
    facts_of_any_era,
    idle_view,
    refused_since,
    rotation_in,
    transcript_of,
)
from lockdeck.backend.watch.sessions.directoryreport import (
    DirectoryReport,
    SessionHere,
    agent_in,
    by_session,
    logged,
    only_logged,
    run_here,
    stranger,
    stranger_key,
    without_lock,
)
from lockdeck.backend.watch.sessions.unlocked import holder_without_lock

NO_SESSION = "no session of the store names this lock's transcript"
NOT_STORED = "known from the log alone: the store names no such session"


class _IdleViews(Struct):
    """Views of one directory's sessions of which nothing but the store is known."""

    generation: int
    by_key: dict[str, SessionView]


class FileSessions:
    """Builds the views of sessions in files, and remembers what files told of them. Owned by the collector's thread."""

    def __init__(self, builder: SessionBuilder, progress: Progress) -> None:
        self._builder = builder
        self._progress = progress
        self._idle: dict[str, _IdleViews] = {}
        self._last: dict[str, Occupation] = {}
        self._transcripts: set[str] = set()
        self._holders: set[tuple[int, int | None]] = set()

    def tidy(self, now: float) -> None:
        """Forget what no session has needed since the last full look."""
        self._progress.forget(self._transcripts, self._holders)
        self._transcripts, self._holders = set(), set()
        self._last = {path: last for path, last in self._last.items() if not last.over(now, RECENT_S)}

    def views(
        self, report: DirectoryReport, locks: Sequence[LockView], occupations: Mapping[str, Occupation]
    ) -> Iterator[SessionView]:
        """Yield every session of one directory, and one for each lock that no session of the store explains."""
        directory = report.directory
        by_key, strangers = by_session(directory, locks)
        occupied = {
            entry.key: occupation
            for path, occupation in occupations.items()
            if (entry := directory.session_of(path)) is not None
        }
        occupied |= without_lock(report, by_key, occupied)
        idle = self._idle_views(report)
        for entry in directory.store.entries:
            session = self._session(report, entry, by_key.get(entry.key), occupied.get(entry.key))
            yield idle[entry.key] if session is None else self._build(report, session)
        for view in strangers:
            session = stranger(report, view, occupations.get(view.record.path))
            yield self._build(report, session, (NO_SESSION,))
        strange = {stranger_key(report, view) for view in strangers}
        # Few sessions are named by the log, and thousands stored: the store is only asked.
        for key in sorted(key for key in only_logged(report) - strange if key not in idle):
            session_view = self._build(report, logged(report, key), (NOT_STORED,))
            if session_view.state is State.IDLE and session_view.severity is Severity.OK:
                self._builder.forget(report.root.path, key)
            else:
                yield session_view

    def _session(
        self,
        report: DirectoryReport,
        entry: SessionEntry,
        lock: LockView | None,
        occupation: Occupation | None,
    ) -> SessionHere | None:
        """Return a session with all that is known of it; None where that is its row in the store alone."""
        key, joins, run, lock_path = entry.key, report.joins, None, None
        if key in joins.runs:
            lock_path = report.directory.lock_path_of(entry)
            run = run_here(report, key, lock_path, occupation)
        only_stored = lock is None and occupation is None and run is None and not joins.names(key)
        if only_stored and not self._builder.remembers(report.root.path, key):
            return None
        lock_path = lock_path or report.directory.lock_path_of(entry)
        return SessionHere(entry, agent_in(report.directory, key), lock_path, lock, occupation, run)

    def _build(
        self, report: DirectoryReport, session: SessionHere, remarks: tuple[str, ...] = ()
    ) -> SessionView:
        root, run, agent, occupation = report.root, session.run, session.agent, session.occupation
        rotation = rotation_in(root, agent, run, _holds_of_run(session), report.joins, report.now)
        if rotation is not None:
            occupation = _with_history(occupation, rotation, report.now)
        observation = Observation(
            root=root.path,
            agent=agent,
            key=session.entry.key,
            session_id=session.entry.session_id,
            facts=self._facts(report, session, rotation, occupation),
            lock=session.lock,
            lock_path=session.lock_path,
            remarks=remarks,
        )
        return self._builder.build(observation, report.joins, report.now)

    def _facts(
        self,
        report: DirectoryReport,
        session: SessionHere,
        rotation: Rotation | None,
        occupation: Occupation | None,
    ) -> SessionFacts:
        root, run, lock, lock_path = report.root, session.run, session.lock, session.lock_path
        if occupation is not None:
            self._last[occupation.path] = occupation
        last = self._last.get(lock_path or "")
        tail = self._transcript_tail(lock_path)
        payload = lock.record.payload if lock else None
        held_at = None if last is None else last.recent[-1].ended_at or last.recent[-1].started_at
        signs = (held_at, tail.last_entry_at if tail else None)
        refused = refused_since(report.joins, session.entry.key, run, signs, report.now)
        return replace(
            facts_of_any_era(root, session.agent, session.entry.key, run, rotation, report.joins),
            judgement=lock.judgement if lock else None,
            occupation=occupation,
            last_hold=last.recent[-1] if last else None,
            foreign_holds=foreign_holds(run, occupation) if run is not None else (),
            blocked=_with_refused(_blocked(report, session, occupation, last), refused),
            refused=refused,
            store_status=session.entry.status,
            store_at=session.entry.updated_at,
            transcript_at=tail.last_entry_at if tail else None,
            process_at=self._worked_at(lock, report.now),
            suspension=self._suspension(lock, report.now),
            tool_running=tail is not None and tail.last_stop_reason == "toolUse",
            lock_since=lock.record.created_at if lock else None,
            max_hold_ms=payload.max_hold_ms if payload else None,
            budget=budget_of(root.chain_for(session.agent), None, traits_of(root.version)),
            sees_locks=root.era == "files",
            lock_scope=traits_of(root.version).lock_scope,
            holder=holder_without_lock(occupation) if lock is None else None,
        )

    def _transcript_tail(self, lock_path: str | None) -> TranscriptTail | None:
        transcript = transcript_of(lock_path)
        if not transcript:
            return None
        self._transcripts.add(transcript)
        return self._progress.transcript(transcript)

    def _worked_at(self, lock: LockView | None, now: float) -> float | None:
        """Return when the proven holder of a lock was last seen working."""
        holder = _proven_holder(lock)
        if holder is None:
            return None
        self._holders.add((holder.pid, holder.start_ticks))
        return self._progress.worked_at(holder.pid, holder.start_ticks, now)

    def _suspension(self, lock: LockView | None, now: float) -> str | None:
        """Say that the proven holder of a lock is stopped; None where it is not."""
        holder = _proven_holder(lock)
        return None if holder is None else self._progress.suspension(holder.pid, holder.start_ticks, now)

    def _idle_views(self, report: DirectoryReport) -> dict[str, SessionView]:
        directory = report.directory
        cached = self._idle.get(directory.where.path)
        if cached is None or cached.generation != directory.generation:
            by_key = {entry.key: _idle_view(report, entry) for entry in directory.store.entries}
            cached = self._idle[directory.where.path] = _IdleViews(directory.generation, by_key)
        return cached.by_key


def _with_refused(blocked: Blocked, refused: Refusals | None) -> Blocked:
    """Add callers that were refused; those that quote a lock are counted with it."""
    return blocked if refused is None or refused.quote_lock else with_refused(blocked, refused)


def _proven_holder(lock: LockView | None) -> Holder | None:
    holder = lock.judgement.holder if lock else None
    return None if holder is None or holder.proof is Proof.NONE else holder


def _holds_of_run(session: SessionHere) -> Occupation | None:
    """Return the holds of the session's run; a lock that nobody holds any more must not look like an attempt."""
    lock, run = session.lock, session.run
    if run is None or (lock is not None and lock.judgement.verdict not in HOLDING):
        return None
    return holds_of(run, session.occupation)


def _with_history(occupation: Occupation | None, rotation: Rotation, now: float) -> Occupation | None:
    """Lengthen an occupation by the attempts before it that the log tells: each of them took the lock."""
    if occupation is None or rotation.finished:
        return occupation
    chained = unbroken(rotation.attempts, now)
    begin = next((a.started_at for a in chained if a.started_at is not None), None)
    if begin is None or begin >= occupation.since:
        return occupation
    with_lock = sum(not attempt.kept_out for attempt in chained)
    return replace(occupation, since=begin, holds=max(occupation.holds, with_lock))


def _blocked(
    report: DirectoryReport, session: SessionHere, occupation: Occupation | None, last: Occupation | None
) -> Blocked:
    since = occupation.since if occupation else report.now - BLOCKED_LATELY_S
    since = max(since, last.since) if last else since
    joins = report.joins
    subjects = (session.lock_path or "", session.entry.key)
    failures = sorted(
        (failure for subject in subjects for failure in joins.failures.get(subject, ())),
        key=lambda failure: failure.at,
    )
    return blocked_on(failures, joins.waits.get(session.entry.key, ()), since)


def _idle_view(report: DirectoryReport, entry: SessionEntry) -> SessionView:
    return idle_view(
        report.root.path,
        agent_in(report.directory, entry.key),
        entry.key,
        entry.session_id,
        entry.updated_at,
        entry.status,
        report.directory.lock_path_of(entry),
    )
