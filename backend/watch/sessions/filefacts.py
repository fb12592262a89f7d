"""What files and holders tell of one session in the file era, and which sessions they tell something else of."""

from __future__ import annotations

from msgspec.structs import replace

from lockdeck.backend.model.fleet import LockView
from lockdeck.backend.model.releases.lookup import traits_of
from lockdeck.backend.model.runs.budget import budget_of
from lockdeck.backend.model.runs.records import Blocked, Occupation, Rotation
from lockdeck.backend.model.sessions.facts import SessionFacts
from lockdeck.backend.model.sessions.ownership import foreign_holds
from lockdeck.backend.model.sessions.provider_errors import with_provider_errors
from lockdeck.backend.model.sessions.refusals import Refusals, with_refused
from lockdeck.backend.openclaw.transcript import TranscriptTail
from lockdeck.backend.watch.joins import RECENT_S
from lockdeck.backend.watch.progress import Progress
from lockdeck.backend.watch.sessions.builder import facts_of_any_era, refused_since, transcript_of
from lockdeck.backend.watch.sessions.directoryreport import DirectoryReport, SessionHere, blocked_here
from lockdeck.backend.watch.sessions.holdersigns import HolderSigns, Signs
from lockdeck.backend.watch.sessions.picture import DirectoryPicture
from lockdeck.backend.watch.sessions.unlocked import holder_without_lock


class FileFacts:
    """Gathers the facts of sessions, and remembers their last occupations. Owned by the collector's thread."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._last: dict[str, Occupation] = {}
        self._transcripts: set[str] = set()
        self._signs = HolderSigns(progress)

    def tidy(self, now: float) -> None:
        """Forget what no session has needed since the last full look."""
        self._progress.forget(self._transcripts, self._signs.take_asked())
        self._transcripts = set()
        self._last = {path: last for path, last in self._last.items() if not last.over(now, RECENT_S)}

    def was_asked(self, lock_path: str | None) -> bool:
        """Return whether the transcript that a lock guards ends with what a user asked."""
        return bool(self._progress.asked) and transcript_of(lock_path) in self._progress.asked

    def signs_of_holder(self, lock: LockView | None, now: float) -> Signs:
        """Return what the holder of a lock shows at `now` (epoch seconds)."""
        return self._signs.of(lock, now)

    def showing_other(self, picture: DirectoryPicture, now: float) -> set[str]:
        """Return the sessions whose transcript or holder, of which no other source tells, shows something else than before."""
        transcripts = picture.unlocked_transcripts
        self._transcripts.update(transcripts.values())
        keys = {key for key, transcript in transcripts.items() if self._is_written(transcript)}
        holders = picture.holders.items()
        return keys.union(key for key, signs in holders if self._signs.of(picture.lock_of(key), now) != signs)

    def _is_written(self, transcript: str) -> bool:
        """Return whether a transcript tells something else than when it was read last."""
        self._progress.transcript(transcript)
        return transcript in self._progress.changed

    def of(
        self,
        report: DirectoryReport,
        session: SessionHere,
        rotation: Rotation | None,
        occupation: Occupation | None,
    ) -> SessionFacts:
        """Return the facts of one session; `rotation` is that of its run, `occupation` its own."""
        root, run, lock, lock_path = report.root, session.run, session.lock, session.lock_path
        last = self._last_occupation(report, lock_path, occupation)
        worked_at, suspension = self._signs.of(lock, report.looked_at)
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
            blocked=_with_refused(blocked_here(report, session, occupation, last), refused),
            refused=refused,
            store_status=session.entry.status,
            store_at=session.entry.updated_at,
            transcript_at=tail.last_entry_at if tail else None,
            answered_at=tail.answered_at if tail else None,
            asked_at=tail.asked_at if tail else None,
            process_at=worked_at,
            suspension=suspension,
            tool_running=tail is not None and tail.last_stop_reason == "toolUse",
            lock_since=lock.record.created_at if lock else None,
            max_hold_ms=payload.max_hold_ms if payload else None,
            budget=budget_of(root.chain_for(session.agent), None, traits_of(root.version)),
            sees_locks=root.era == "files",
            lock_scope=traits_of(root.version).lock_scope,
            holder=holder_without_lock(occupation) if lock is None else None,
        )

    def _last_occupation(
        self, report: DirectoryReport, lock_path: str | None, occupation: Occupation | None
    ) -> Occupation | None:
        """Return the occupation that stands, or the last one where that was lately."""
        if occupation is not None:
            self._last[occupation.path] = occupation
        last = self._last.get(lock_path or "")
        return None if last is None or last.over(report.now, RECENT_S) else last

    def with_provider_errors(self, session: SessionHere) -> SessionHere:
        """Return a session whose run knows the errors of providers that its transcript tells."""
        tail = self._transcript_tail(session.lock_path) if session.run is not None else None
        if session.run is None or tail is None:
            return session
        return replace(session, run=with_provider_errors(session.run, tail.provider_errors))

    def _transcript_tail(self, lock_path: str | None) -> TranscriptTail | None:
        transcript = transcript_of(lock_path)
        if not transcript:
            return None
        self._transcripts.add(transcript)
        return self._progress.transcript(transcript)


def _with_refused(blocked: Blocked, refused: Refusals | None) -> Blocked:
    """Add callers that were refused; those that quote a lock are counted with it."""
    return blocked if refused is None or refused.quote_lock else with_refused(blocked, refused)
