"""Session views have one builder, whatever the era."""

from __future__ import annotations

import ast

from lockdeck.backend.model.fleet import Severity, State
from lockdeck.backend.model.runs.records import Attempt, Rotation
from lockdeck.backend.model.sessions.facts import SessionFacts
from lockdeck.backend.watch.joins import Joins
from lockdeck.backend.watch.sessions.builder import Observation, SessionBuilder, idle_view
from tests.folders import REPOSITORY

NOW = 2000.0


def observation(**facts):
    return Observation("/r", "main", "agent:main:main", "one", SessionFacts(**facts))


def test_nothing_else_in_the_backend_makes_session_views():
    makers = set()
    for path in (REPOSITORY / "backend").rglob("*.py"):
        calls = (node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))
        if any(getattr(called, "id", None) == "SessionView" for called in calls):
            makers.add(str(path.relative_to(REPOSITORY)))
    assert makers == {"backend/watch/sessions/builder.py"}


def test_a_state_goes_on_since_it_began_and_idleness_is_not_remembered():
    builder = SessionBuilder()
    first = builder.build(observation(store_status="running"), Joins(), NOW)
    assert (first.state, builder.remembers("/r", first.key)) == (State.UNKNOWN, True)
    assert builder.build(observation(store_status="done"), Joins(), NOW + 1).state is State.IDLE
    assert not builder.remembers("/r", first.key)


def test_who_holds_a_session_is_said_once_and_remarks_come_last():
    seen = Observation(
        "/r",
        "main",
        "k",
        None,
        SessionFacts(holder="pid 7 holds it", sees_locks=False),
        remarks=("from the log",),
    )
    assert SessionBuilder().build(seen, Joins(), NOW).reasons[-2:] == ("pid 7 holds it", "from the log")


def test_a_rotation_is_shown_where_its_run_goes_on_or_where_the_state_says_so():
    over = Attempt(1, ended_at=NOW - 1, decision="rotate_profile", reason="timeout")
    rotation = Rotation("r1", (over,), 1, 2, (), None, None)
    builder = SessionBuilder()

    def shown(goes_on):
        seen = Observation("/r", "main", "k", None, SessionFacts(rotation=rotation), goes_on=goes_on)
        return builder.build(seen, Joins(), NOW).rotation

    assert (shown(True), shown(False), shown(None)) == (rotation, None, None)


def test_a_session_of_which_only_its_store_is_known_is_as_the_store_says():
    assert idle_view("/r", "main", "k", "one", 5.0).state is State.IDLE
    odd = idle_view("/r", "main", "k", "one", 5.0, "running", "/r/one.jsonl.lock")
    assert (odd.state, odd.severity, odd.transcript) == (State.UNKNOWN, Severity.NOTICE, "/r/one.jsonl")
    assert odd.reasons
