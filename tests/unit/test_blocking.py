"""Blocked callers, counted from events."""

from __future__ import annotations

from backend.model.blocked import SAME_CALLER_S, blocked_on, failures_by_path, waits_by_key
from backend.model.events import LaneTaskError, LaneWait, LockTimeout, ModelFallbackDecision
from backend.model.runfold import RunBook, fold_all
from backend.model.runs import NOBODY_BLOCKED

PATH = "/s/a.jsonl.lock"
KEY = "agent:main:main"
AT = 1_800_000_000.0
TIMEOUT = LockTimeout(PATH, 10_000, 4711)


def lane_errors(at, key=KEY):
    """The two lines of one failed caller: lane main, then the session's lane."""
    return [
        LaneTaskError(at, "main", None, 10_000, "locked", TIMEOUT),
        LaneTaskError(at + 0.001, f"session:{key}", key, 10_003, "locked", TIMEOUT),
    ]


def decision(at, run_id, attempt=1):
    return ModelFallbackDecision(
        at, run_id, "candidate_failed", attempt, 3, reason="timeout", lock_timeout=TIMEOUT
    )


def counted(events, since=None):
    book = fold_all(RunBook(), events)
    return blocked_on(failures_by_path(book).get(PATH, ()), waits_by_key(book).get(KEY, ()), since)


def test_nothing_told_means_nobody_blocked():
    assert counted([]) is NOBODY_BLOCKED


def test_one_caller_counts_once_however_many_lines_it_leaves():
    found = counted([*lane_errors(AT), decision(AT + 0.002, "r")])
    assert (found.count, found.sentences) == (1, ("1 caller failed on the lock held by pid 4711",))


def test_two_runs_at_the_same_moment_are_two_callers():
    assert counted([decision(AT, "r1"), decision(AT, "r2")]).count == 2


def test_lines_without_a_run_count_apart_when_time_lies_between():
    assert counted(lane_errors(AT) + lane_errors(AT + SAME_CALLER_S + 1)).count == 2


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
    assert "up to 1 m 1 s" in found.sentences[0]
