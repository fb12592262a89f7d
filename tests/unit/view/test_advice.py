"""What may be done about a session, where its lock alone does not say so."""

from __future__ import annotations

from msgspec.structs import replace

from lockdeck.backend.model.fleet import SessionView, State
from lockdeck.backend.model.runs.records import Hold, Occupation
from lockdeck.tui.view.advice import session_advice

SESSION = SessionView("/r", "main", "agent:main:main", "s1")
OCCUPATION = Occupation("/l", 1.0, 1, (Hold("h", 1, 1.0),))


def test_nobody_is_told_to_cancel_a_compaction():
    told = session_advice(replace(SESSION, state=State.COMPACTING, occupation=OCCUPATION)) or ""
    assert told.startswith("Wait: ")
    assert "Do not cancel" in told


def test_a_session_that_lets_nobody_in_is_to_be_reset_with_what_that_loses():
    told = session_advice(replace(SESSION, state=State.STUCK)) or ""
    assert told.startswith("Reset the session: it loses the conversation so far")


def test_a_session_with_a_holder_is_advised_by_its_lock():
    assert session_advice(replace(SESSION, state=State.STUCK, occupation=OCCUPATION)) is None
    assert session_advice(SESSION) is None
