"""Blocked callers, counted from events."""

from __future__ import annotations

from lockdeck.backend.model.runs.events import (
    LaneTaskError,
    LaneWait,
    LockTimeout,
    ModelFallbackDecision,
)
from lockdeck.backend.model.runs.fold import RunBook, fold_all
from lockdeck.backend.model.runs.joins import key_of, session_keys
from lockdeck.backend.model.runs.records import NOBODY_BLOCKED
from lockdeck.backend.model.sessions.blocked import (
    SAME_CALLER_S,
    blocked_on,
    failures_by_subject,
    waits_by_key,
)

PATH = "/s/a.jsonl.lock"
KEY = "agent:main:main"
AT = 1_800_000_000.0
TIMEOUT = LockTimeout(PATH, 10_000, 4711)


def test_a_caller_that_lost_a_race_for_the_session_or_the_lock_of_its_store_is_blocked_on_the_session():
    conflict = LockTimeout(None, None, session_key=KEY, how="another caller set the session up")
    of_store = LockTimeout("/s/sessions.json.lock", None, how="the lock of the store could not be had")
    for timeout in (conflict, of_store):
        lanes = [
            LaneTaskError(AT, lane, key, 10, "x", timeout)
            for lane, key in (("main", None), (f"session:{KEY}", KEY))
        ]
        failures = failures_by_subject(fold_all(RunBook(), lanes))
        assert blocked_on(failures[KEY]).count == 1


def test_candidates_that_lost_a_race_for_the_session_are_no_failures_of_a_model():
    conflict = LockTimeout(None, None, session_key=KEY, how="another caller set the session up")
    failed = ModelFallbackDecision(
        AT, "r", "candidate_failed", 1, 2, candidate="a/b", reason="unknown", lock_timeout=conflict
    )
    book = fold_all(RunBook(), [failed])
    assert [attempt.reason for attempt in book.runs["r"].attempts] == ["lock"]
    assert key_of(book.runs["r"], session_keys(book, {})) == KEY
    assert blocked_on(failures_by_subject(book)[KEY]).count == 1


def lane_errors(at, key=KEY, lasted_ms=10_000):
    """The two lines of one failed caller: lane main, then the session's lane."""
    return [
        LaneTaskError(at, "main", None, lasted_ms, "locked", TIMEOUT),
        LaneTaskError(at + 0.001, f"session:{key}", key, lasted_ms + 3, "locked", TIMEOUT),
    ]


def decision(at, run_id, attempt=1):
    return ModelFallbackDecision(
        at, run_id, "candidate_failed", attempt, 3, reason="timeout", lock_timeout=TIMEOUT
    )


def counted(events, since=None):
    book = fold_all(RunBook(), events)
    return blocked_on(failures_by_subject(book).get(PATH, ()), waits_by_key(book).get(KEY, ()), since)


def test_nothing_told_means_nobody_blocked():
    assert counted([]) is NOBODY_BLOCKED


def test_one_caller_counts_once_however_many_lines_it_leaves():
    found = counted([*lane_errors(AT), decision(AT + 0.002, "r")])
    assert (found.count, found.sentences) == (1, ("1 caller failed on the lock held by pid 4711",))


def test_one_caller_counts_once_however_many_of_its_candidates_failed():
    told = [
        line for n in range(3) for at in (AT + 20 * n,) for line in (*lane_errors(at), decision(at, "r", n))
    ]
    found = counted(told)
    assert (found.count, found.last) == (1, AT + 40.001)
    assert found.sentences == (
        "1 caller failed on the lock held by pid 4711",
        "3 candidates failed on one lock held by pid 4711: these are no failures of a model",
    )


def test_a_caller_that_began_before_the_occupation_counts_when_it_failed_in_it():
    told = [decision(AT + 20 * n, "r", n) for n in range(3)]
    assert counted(told, since=AT + 30).count == 1


def test_a_local_agent_that_is_called_again_is_another_caller_although_its_run_id_is_the_same():
    told = [decision(AT + at + 15 * n, "s", n) for at in (0, 100) for n in (1, 2, 3)]
    assert counted(told).count == 2


def test_callers_that_fail_in_the_same_half_second_are_told_apart_by_their_runs():
    told = [*lane_errors(AT), decision(AT + 0.03, "r1"), *lane_errors(AT + 0.49), decision(AT + 0.52, "r2")]
    assert counted(told).count == 2


def test_a_lane_error_that_no_run_explains_is_a_caller_beside_the_one_that_is_named():
    told = [*lane_errors(AT), *lane_errors(AT + 0.01), decision(AT + 0.02, "r")]
    assert counted(told).count == 2


def test_two_runs_at_the_same_moment_are_two_callers():
    assert counted([decision(AT, "r1"), decision(AT, "r2")]).count == 2


def test_lines_without_a_run_count_apart_when_time_lies_between():
    assert counted(lane_errors(AT) + lane_errors(AT + SAME_CALLER_S + 1)).count == 2


def test_a_lane_task_that_began_when_another_failed_is_the_same_callers_next_candidate():
    first = [*lane_errors(AT), decision(AT + 0.02, "r")]
    assert counted([*first, *lane_errors(AT + 20, lasted_ms=19_970)]).count == 1
    assert counted([*lane_errors(AT), *lane_errors(AT + 20, lasted_ms=19_970)]).count == 1
    assert counted([*first, *lane_errors(AT + 20)]).count == 2


def test_messages_that_waited_in_the_lane_count_too():
    found = counted([LaneWait(AT, f"session:{KEY}", KEY, 5000), *lane_errors(AT + 1)])
    assert (found.count, len(found.sentences)) == (2, 2)


def test_only_callers_since_the_occupation_began_count():
    assert counted(lane_errors(AT), since=AT - 1).count == 1
    assert counted(lane_errors(AT), since=AT + 1) is NOBODY_BLOCKED


def test_callers_of_another_lock_or_session_do_not_count():
    other = LaneTaskError(
        AT, "session:x", "x", 10_000, "locked", LockTimeout("/s/other.jsonl.lock", 10_000, 4711)
    )
    assert counted([other, LaneWait(AT, "session:x", "x", 5000)]) is NOBODY_BLOCKED


def test_the_longest_wait_in_the_lane_is_told():
    waits = [LaneWait(AT + n, f"session:{KEY}", KEY, waited) for n, waited in enumerate((3000, 61_000, None))]
    found = counted(waits)
    assert (found.count, found.last) == (3, AT + 2)
    assert "up to 1m 01s" in found.sentences[0]
