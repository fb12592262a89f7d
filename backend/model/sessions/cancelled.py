"""What a cancel leaves on the row of its session, and for how long."""

from __future__ import annotations

from msgspec.structs import replace

from lockdeck.backend.model.cancel import LATE_S, Cancel
from lockdeck.backend.model.runs.life import RunOutcome
from lockdeck.backend.model.runs.run import Run
from lockdeck.backend.model.sessions.facts import AFTERMATH_S, SessionFacts


def with_cancel(facts: SessionFacts, ours: Cancel | None) -> SessionFacts:
    """Return the facts with the cancel after which nothing has begun, if there is one.

    A run that was ended by us is over, whatever its last lines were: who has the session after that is another run.
    `ours` is the newest cancel of this session.
    """
    if ours is not None and ours.under_way:
        facts, ours = replace(facts, cancelling=ours), None
    if ours is not None and _is_over(facts.run, ours):
        rotation = None if facts.rotation is None else replace(facts.rotation, finished=True)
        run = None if facts.run is None else _ended_by(facts.run, ours)
        ended = replace(facts, run=run, rotation=rotation)
        return replace(ended, cancel=ours) if _still_stands(ours, ended) else ended
    told = _told_by_openclaw(facts.run)
    return replace(facts, cancel=told) if told is not None and _still_stands(told, facts) else facts


def _told_by_openclaw(run: Run | None) -> Cancel | None:
    if run is None or run.outcome is not RunOutcome.ABORTED or run.ended_at is None:
        return None
    return Cancel(run.ended_at, run_id=run.run_id)


def _is_over(run: Run | None, cancel: Cancel) -> bool:
    """Return whether nothing that is told of a run is of later than its cancel, but for its last lines."""
    if run is None:
        return True
    begins = (run.promised_at, run.opened.at if run.opened is not None else None)
    goes_on = any(at is not None and at > cancel.at for at in begins)
    return not goes_on and run.last_activity <= cancel.at + LATE_S


def _still_stands(cancel: Cancel, facts: SessionFacts) -> bool:
    """Return whether no run has begun since a cancel, by any sign."""
    if facts.occupied or any(hold.started_at > cancel.at for hold in facts.holds):
        return False
    written = (facts.transcript_at, facts.store_at)
    later = any(at is not None and at > cancel.at + AFTERMATH_S for at in written)
    return not later and _is_over(facts.run, cancel)


def _ended_by(run: Run, cancel: Cancel) -> Run:
    if run.ended_at is not None and run.outcome is not RunOutcome.FAILED:
        return run
    ended_at = cancel.at if run.ended_at is None else run.ended_at
    return replace(
        run, ended_at=ended_at, outcome=RunOutcome.ABORTED, promised_at=None, opened=None, failure=None
    )
