"""The holds of a session's run: which of those seen are its own, and what the log tells of those before them."""

from __future__ import annotations

from msgspec.structs import replace

from lockdeck.backend.model.runs.records import Occupation, Rotation
from lockdeck.backend.model.runs.rotation import unbroken
from lockdeck.backend.model.sessions.facts import HOLDING
from lockdeck.backend.model.sessions.ownership import holds_of
from lockdeck.backend.watch.sessions.directoryreport import SessionHere


def holds_of_run(session: SessionHere) -> Occupation | None:
    """Return the holds of the session's run; a lock that nobody holds any more must not look like an attempt."""
    lock, run = session.lock, session.run
    if run is None or (lock is not None and lock.judgement.verdict not in HOLDING):
        return None
    return holds_of(run, session.occupation)


def with_history(occupation: Occupation | None, rotation: Rotation, now: float) -> Occupation | None:
    """Lengthen an occupation by the attempts before it that the log tells: each of them took the lock."""
    if occupation is None or rotation.finished:
        return occupation
    chained = unbroken(rotation.attempts, now)
    begin = next((a.started_at for a in chained if a.started_at is not None), None)
    if begin is None or begin >= occupation.since:
        return occupation
    with_lock = sum(not attempt.kept_out for attempt in chained)
    return replace(occupation, since=begin, holds=max(occupation.holds, with_lock))
