"""The sessions of a root in the file era: store, lock, transcript and holder of each, as its directory has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set

from lockdeck.backend.model.fleet import LockView, SessionView, Severity, State
from lockdeck.backend.model.runs.records import NOBODY_BLOCKED, Occupation
from lockdeck.backend.model.standing import Standing
from lockdeck.backend.openclaw.store import SessionEntry
from lockdeck.backend.watch.gaps import lets_lock_go
from lockdeck.backend.watch.progress import Progress
from lockdeck.backend.watch.sessions.builder import (
    Observation,
    SessionBuilder,
    idle_view,
    rotation_in,
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
    without_lock,
)
from lockdeck.backend.watch.sessions.filefacts import FileFacts
from lockdeck.backend.watch.sessions.holds import holds_of_run, with_history
from lockdeck.backend.watch.sessions.nextmoments import TRUSTED_S, NextMoments
from lockdeck.backend.watch.sessions.picture import DirectoryPicture

NO_SESSION = "no session of the store names this lock's transcript"
_RUNNING_ROWS, _STRANGERS = "\0rows", "\0strangers"
"""Stand for what a gateway tells of a directory, and for the locks without a session, among the keys of its sessions."""
NOT_STORED = "known from the log alone: the store names no such session"


class FileSessions:
    """Builds the views of sessions in files, and remembers what files told of them. Owned by the collector's thread."""

    def __init__(self, builder: SessionBuilder, progress: Progress) -> None:
        self._builder = builder
        self._facts = FileFacts(progress)

    def tidy(self, now: float) -> None:
        """Forget what no session has needed since the last full look."""
        self._facts.tidy(now)

    def update(
        self,
        report: DirectoryReport,
        picture: DirectoryPicture,
        moments: NextMoments,
        locks: Sequence[LockView],
        occupations: Mapping[str, Occupation],
        due: Set[str],
        *,
        whole: bool,
    ) -> None:
        """Build those sessions of one directory anew that may be other than in the picture, and put them into it.

        `due` are the keys of which something new is told, or whose moment has come; with `whole` all are that are more than
        a row in the store. Each lock that no session of the store explains is a session, too.
        """
        directory = report.directory
        by_key, strangers = by_session(directory, locks)
        occupied = {
            entry.key: occupation
            for path, occupation in occupations.items()
            if (entry := directory.session_of(path)) is not None
        }
        standing = Standing(report.looked_at)
        occupied |= without_lock(report.at(standing.now), by_key, occupied)
        moments.wait(picture, _RUNNING_ROWS, standing.until)
        keys = picture.take(directory, by_key, occupied)
        keys |= due | picture.live if whole else due
        keys |= self._facts.showing_other(picture, report.looked_at)
        for key in keys & picture.entries.keys():
            if self._is_mere_row(report, picture.entries[key], by_key.get(key), occupied.get(key)):
                picture.put(key, _idle_view(report, picture.entries[key]))
                picture.forget(key)
                continue
            standing = _standing(picture, key, report.looked_at)
            live = self._put(report.at(standing.now), picture, key, by_key.get(key), occupied.get(key))
            self._await(picture, moments, key, standing, report.looked_at, live=live)
        self._put_strangers(report, picture, moments, strangers, occupations)
        self._put_logged(report, picture, moments, keys, whole=whole)

    def _put(
        self,
        report: DirectoryReport,
        picture: DirectoryPicture,
        key: str,
        lock: LockView | None,
        occupation: Occupation | None,
    ) -> bool:
        """Build one session of the store; return whether it is more than its row."""
        entry = picture.entries[key]
        session = self._session(report, entry, lock, occupation)
        view = None if session is None else self._build(report, session)
        # What it was before is forgotten with the first view that is idle and well.
        facts = () if session is None else (session.lock, session.occupation, session.run)
        live = view is not None and not (
            self._is_only_stored(report, entry, *facts) and view.blocked is NOBODY_BLOCKED
        )
        picture.put(key, view if live else _idle_view(report, entry), live=live)
        return live

    def _await(
        self,
        picture: DirectoryPicture,
        moments: NextMoments,
        key: str,
        standing: Standing,
        now: float,
        *,
        live: bool,
    ) -> None:
        """Note when a session is to be built again, and what its holder showed: a row alone does not age."""
        if not live:
            picture.forget(key)
            return
        moments.wait(picture, key, min(standing.until, now + TRUSTED_S))
        picture.holders[key] = self._facts.signs_of_holder(picture.lock_of(key), now)

    def _put_strangers(
        self,
        report: DirectoryReport,
        picture: DirectoryPicture,
        moments: NextMoments,
        strangers: Sequence[LockView],
        occupations: Mapping[str, Occupation],
    ) -> None:
        """Build the sessions of the locks that the store does not explain: all of a directory together."""
        views, standing = {}, Standing(report.looked_at)
        for view in strangers:
            session = stranger(report.at(standing.now), view, occupations.get(view.record.path))
            views[view.record.path] = self._build(report.at(standing.now), session, (NO_SESSION,))
        picture.put_strangers(views)
        moments.wait(picture, _STRANGERS, standing.until)

    def _put_logged(
        self,
        report: DirectoryReport,
        picture: DirectoryPicture,
        moments: NextMoments,
        keys: Set[str],
        *,
        whole: bool,
    ) -> None:
        """Build the sessions that only the log names."""
        # Few sessions are named by the log, and thousands stored: the store is only asked.
        named = only_logged(report) - {view.key for view in picture.strangers.values()}
        named = {key for key in named if key not in picture.entries}
        for key in sorted(named if whole else named & (keys | (named - picture.until.keys()))):
            standing = _standing(picture, key, report.looked_at)
            view = self._build(report.at(standing.now), logged(report.at(standing.now), key), (NOT_STORED,))
            idle = view.state is State.IDLE and view.severity is Severity.OK
            if idle:
                self._builder.forget(report.root.path, key)
            picture.put(key, None if idle else view, live=not idle)
            self._await(picture, moments, key, standing, report.looked_at, live=True)
        for key in (
            (picture.views.keys() | keys) - picture.entries.keys() - named - {_RUNNING_ROWS, _STRANGERS}
        ):
            picture.put(key, None)
            picture.forget(key)

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
        if self._is_only_stored(report, entry, lock, occupation, run):
            return None
        lock_path = lock_path or report.directory.lock_path_of(entry)
        return SessionHere(entry, agent_in(report.directory, key), lock_path, lock, occupation, run)

    def _is_mere_row(self, report: DirectoryReport, entry: SessionEntry, *facts: object) -> bool:
        """Return whether there is nothing to judge: no run is told either, as of nearly all sessions of a large fleet."""
        return entry.key not in report.joins.runs and self._is_only_stored(report, entry, *facts)

    def _is_only_stored(self, report: DirectoryReport, entry: SessionEntry, *facts: object) -> bool:
        """Return whether nothing is known of a session but its row in the store, and nothing else was in the last look.

        `facts` are its lock, occupation and run, each None where there is none.
        """
        if any(fact is not None for fact in facts) or report.joins.names(entry.key):
            return False
        return not self._stands_out(report, entry)

    def _stands_out(self, report: DirectoryReport, entry: SessionEntry) -> bool:
        """Return whether a session that only the store tells of was anything but idle, was cancelled, or was asked."""
        path, key = report.root.path, entry.key
        if self._builder.remembers(path, key) or (path, key) in report.joins.cancels:
            return True
        return lets_lock_go(report.root) and self._facts.was_asked(report.directory.lock_path_of(entry))

    def _build(
        self, report: DirectoryReport, session: SessionHere, remarks: tuple[str, ...] = ()
    ) -> SessionView:
        session = self._facts.with_provider_errors(session)
        root, run, agent, occupation = report.root, session.run, session.agent, session.occupation
        rotation = rotation_in(root, agent, run, holds_of_run(session), report.joins, report.now)
        if rotation is not None:
            occupation = with_history(occupation, rotation, report.now)
        observation = Observation(
            root=root.path,
            agent=agent,
            key=session.entry.key,
            session_id=session.entry.session_id,
            facts=self._facts.of(report, session, rotation, occupation),
            lock=session.lock,
            lock_path=session.lock_path,
            remarks=remarks,
        )
        return self._builder.build(observation, report.joins, report.now)


def _standing(picture: DirectoryPicture, key: str, now: float) -> Standing:
    """Return what tells until when a session stands. One that is built for the first time is simply built again soon.

    Who looks once has no use for it, and it takes longer.
    """
    return Standing(now, asked=key in picture.until)


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
