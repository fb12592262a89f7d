"""Where the fix of openclaw#62351 would have ended a run, and what the attempts since have cost."""

from __future__ import annotations

import pytest

from lockdeck.backend.model.runs.events import FailoverDecision
from lockdeck.backend.model.runs.fix import finding, would_stop
from lockdeck.backend.model.runs.records import Attempt


@pytest.mark.parametrize(
    ("what", "reason", "timed_out", "stops"),
    [
        ("rotate_profile", "timeout", True, True),
        ("fallback_model", None, True, True),
        ("rotate_profile", "timeout", False, True),
        ("rotate_profile", "rate_limit", True, True),
        ("rotate_profile", "rate_limit", False, False),
        ("rotate_profile", None, False, False),
        ("surface_error", "timeout", True, False),
    ],
)
def test_whether_the_fix_would_have_stopped_at_a_decision(
    what: str, reason: str, timed_out: bool, stops: bool
):
    assert would_stop(FailoverDecision(1.0, "r", "assistant", what, reason, timed_out=timed_out)) is stops


def attempt(
    index: int, start: float | None, end: float | None, what: str | None = "rotate_profile", reason="timeout"
):
    return Attempt(index, None, None, None, start, end, reason, what, reason == "timeout", reason)


def test_the_finding_tells_what_the_rotation_has_cost_since():
    found = finding([attempt(1, 0, 60), attempt(2, 61, 121), attempt(3, 122, None, None)], 982.0)
    assert (found.would_stop_at, found.avoidable_ms) == (1, 920_000)
    assert found.sentence == (
        "the fix of openclaw#62351 would have stopped here (attempt 1); "
        "this rotation has since cost 15m 20s of lock time"
    )


def test_the_finding_counts_only_from_the_first_timeout():
    found = finding([attempt(1, 0, 60, reason="auth"), attempt(2, 60, 120), attempt(3, 121, 131)], 500.0)
    assert (found.would_stop_at, found.avoidable_ms) == (2, 10_000)


def test_nothing_is_avoidable_where_no_attempt_came_after():
    last = attempt(1, 0, 60, "fallback_model")
    assert finding([last], 70.0).would_stop_at == 1
    assert finding([last], 70.0).avoidable_ms == 0
    assert finding([last], 70.0, finished=True).would_stop_at is None
    assert finding([], 70.0).sentence == "the fix of openclaw#62351 would not have interfered"


def test_attempts_lost_to_the_lock_are_not_what_the_fix_is_about():
    locked = Attempt(1, ended_at=10.0, reason="lock", decision="candidate_failed", logged_reason="timeout")
    assert finding([locked, attempt(2, 11, 20, reason="auth")], 30.0).would_stop_at is None
