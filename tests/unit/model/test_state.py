"""The state machine of a session, and the four kinds of stuck."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from lockdeck.backend.model.cancel import LONGEST_S, OURS, Cancel
from lockdeck.backend.model.fleet import Severity, State
from lockdeck.backend.model.locks import Judgement, Verdict
from lockdeck.backend.model.occupation import Sighting, observe
from lockdeck.backend.model.releases.table import LockScope
from lockdeck.backend.model.runs.attempt_times import gap_grace
from lockdeck.backend.model.runs.budget import Budget
from lockdeck.backend.model.runs.chain import Candidate, FailoverChain
from lockdeck.backend.model.runs.events import (
    AllModelsFailed,
    AttemptStarted,
    CallerRefusal,
    CompactionTimeout,
    Event,
    FailoverDecision,
    ModelFallbackDecision,
    RunCompaction,
    RunEnded,
    RunTimeout,
    StuckSession,
)
from lockdeck.backend.model.runs.fold import RunBook, fold_all
from lockdeck.backend.model.runs.profiles import profile_hash
from lockdeck.backend.model.runs.records import Blocked, Hold, Occupation
from lockdeck.backend.model.runs.rotation import rotation_of
from lockdeck.backend.model.sessions.facts import SessionFacts
from lockdeck.backend.model.sessions.refusals import Refusals
from lockdeck.backend.model.sessions.state import Assessment, assess
from lockdeck.backend.model.sessions.wedges import Wedge
from tests.folders import RECORDINGS
from tests.reading import read_events

PATH = "/r/agents/silas/sessions/s.jsonl.lock"
CHAIN = FailoverChain(
    (Candidate("atlas", "large", ("atlas:a", "atlas:b")), Candidate("cygnus", "small", ("cygnus:s",))), 60.0
)
HELD = Judgement(Verdict.HELD, ("pid 37121 (openclaw-gateway) has the lock file open",), False)
FREE = None


def decision(at: float, what: str = "rotate_profile", profile: str = "atlas:a", **more) -> FailoverDecision:
    told = {"reason": "timeout", "timed_out": True, **more}
    return FailoverDecision(at, "r1", "assistant", what, profile_hash=profile_hash(profile), **told)


def holds(*spans: tuple[float, float | None], pid: int = 37121) -> Occupation:
    chained = tuple(Hold(f"h{n}", pid, start, end) for n, (start, end) in enumerate(spans))
    return Occupation(PATH, spans[0][0], len(chained), chained)


def facts(now: float, *events: Event, occupation: Occupation | None = None, **more) -> SessionFacts:
    run = fold_all(RunBook(), events).runs.get("r1") if events else None
    rotation = rotation_of(run, CHAIN, occupation, now) if run else None
    standing = occupation is not None and occupation.current is not None
    told = {"judgement": HELD if standing else None, "budget": Budget(60.0, "idle timeout"), **more}
    return SessionFacts(occupation=occupation, run=run, rotation=rotation, **told)


def state_of(now: float, *events: Event, occupation: Occupation | None = None, **more) -> Assessment:
    return assess(facts(now, *events, occupation=occupation, **more), now)


TWICE = (decision(60.0), decision(121.0, "fallback_model", "atlas:b"))
IN_TWO = holds((0.0, 59.9), (60.5, 120.9))
IN_THREE = holds((0.0, 59.9), (60.5, 120.9), (122.0, None))


# --- nothing, running, failed -------------------------------------------------------------------------


def test_a_session_of_which_nothing_is_known_is_idle():
    assert state_of(0.0) == Assessment(State.IDLE, Severity.OK, None, ("nothing runs and no lock stands",))


def test_a_held_lock_is_a_running_session():
    found = state_of(10.0, occupation=holds((0.0, None)))
    assert (found.state, found.severity, found.since) == (State.RUNNING, Severity.OK, 0.0)
    assert "37121" in found.reasons[0]


def test_a_session_whose_lock_was_removed_or_can_not_be_read_is_so_since_the_lock_was_made():
    removed = Judgement(Verdict.REMOVED, ("pid 37121 still has the deleted lock file open",), False)
    unreadable = Judgement(Verdict.UNREADABLE, ("the payload is no JSON",), False)
    for judgement, state in ((removed, State.RUNNING), (unreadable, State.UNKNOWN)):
        found = state_of(500.0, judgement=judgement, lock_since=366.0)
        assert (found.state, found.since) == (state, 366.0)


def test_a_lock_being_taken_is_a_running_session():
    creating = Judgement(
        Verdict.CREATING, ("the payload is empty and 0 s old: the lock is being taken",), False
    )
    assert state_of(1.0, judgement=creating).state is State.RUNNING


def test_a_run_begins_before_its_lock():
    started = AttemptStarted(10.0, "r1")
    assert state_of(14.0, started).state is State.RUNNING
    assert state_of(14.0, started, gateway_alive=False).state is not State.RUNNING
    assert state_of(14.0, started, RunEnded(12.0, "r1", True)).state is State.IDLE


@pytest.mark.parametrize("quiet_signs", [{}, {"transcript_at": 3000.0}, {"tool_running": True}])
def test_a_normal_run_never_becomes_more_than_running(quiet_signs: dict):
    for age in (1.0, 30.0, 59.0, 85.0) if not quiet_signs else (1.0, 30.0, 300.0, 3000.0):
        assert state_of(age, occupation=holds((0.0, None)), **quiet_signs).state is State.RUNNING


def test_many_short_holds_of_one_turn_are_no_rotation():
    flicker = holds(*[(n * 2.0, n * 2.0 + 1.9) for n in range(30)], (60.0, None))
    found = state_of(61.0, occupation=flicker)
    assert found.state is State.RUNNING
    assert "31 holds in a row since 1m 01s" in found.reasons


def test_the_gap_within_the_grace_is_no_idleness():
    assert state_of(122.0, occupation=IN_TWO, budget=Budget(600.0, "idle timeout")).state is State.RUNNING


FAILED = (*TWICE, AllModelsFailed(130.0, 2, "All models failed (2): …", "r1"))


def test_a_run_that_ended_in_an_error_is_failed_until_something_runs_again():
    found = state_of(500.0, *FAILED)
    assert (found.state, found.severity, found.since) == (State.FAILED, Severity.WARNING, 130.0)
    assert state_of(500.0, *FAILED, last_hold=Hold("x", 1, 400.0, 410.0)).state is State.IDLE
    assert state_of(500.0, *FAILED, transcript_at=400.0).state is State.IDLE
    assert state_of(500.0, *FAILED, occupation=holds((499.0, None))).state is State.RUNNING


def test_the_store_alone_never_proves_a_run():
    found = state_of(10.0, store_status="running")
    assert (found.state, found.severity) == (State.UNKNOWN, Severity.NOTICE)
    assert "the store says running" in found.reasons[0]
    assert state_of(10.0, store_status="done").state is State.IDLE
    assert state_of(500.0, *FAILED, store_status="running").state is State.FAILED


def test_compacting_is_its_own_state_while_the_lock_is_held():
    line = CompactionTimeout(20.0, "r1", "s1", "attempting compaction before retry", tries=1)
    assert state_of(50.0, line, occupation=holds((0.0, None))).state is State.COMPACTING
    assert state_of(50.0, line).state is not State.COMPACTING
    assert state_of(100.0, line, occupation=holds((90.0, None))).state is not State.COMPACTING, "another run"


AGES = holds((0.0, None))
COMPACTS = RunCompaction(20.0, "r1", begins=True)
CALLED = Blocked(3, 490.0, ("3 callers failed on the lock",))


def test_callers_and_limits_of_the_lock_make_no_compaction_stuck_while_it_may_go_on():
    more = {"compaction_s": 600.0, "lock_wait_s": 60.0, "max_hold_ms": 300_000, "blocked": CALLED}
    found = state_of(500.0, COMPACTS, occupation=AGES, **more)
    assert (found.state, found.severity, found.since) == (State.COMPACTING, Severity.NOTICE, 20.0)
    assert found.reasons[0] == (
        "the log says it has been compacting for 8m 00s (may take 10m 00s; callers give up after 1m 00s)"
    )


def test_a_compaction_that_takes_longer_than_it_may_is_stuck():
    assert state_of(645.0, COMPACTS, occupation=AGES, compaction_s=600.0).state is State.COMPACTING
    found = state_of(655.0, COMPACTS, occupation=AGES, compaction_s=600.0)
    assert (found.state, found.since) == (State.STUCK, 620.0)
    assert found.reasons[0].endswith("compacting for 10m 35s, longer than the 10m 00s that it may take")


def test_after_the_end_of_a_compaction_the_limits_count_again():
    over = RunCompaction(30.0, "r1", begins=False)
    found = state_of(500.0, COMPACTS, over, occupation=AGES, compaction_s=600.0, blocked=CALLED)
    assert found.state is State.STUCK


def test_a_stopped_holder_is_stuck_and_told_with_what_wakes_it():
    sentence = "pid 37121 is stopped (state T): it goes on after kill -CONT 37121"
    found = state_of(10.0, occupation=AGES, suspension=sentence)
    assert (found.state, found.reasons[0]) == (State.STUCK, sentence)
    assert state_of(10.0, suspension=sentence).state is State.IDLE, "it has nothing"


def test_an_old_failure_is_not_shown_once_the_store_tells_of_a_later_run():
    later = {"store_status": "killed", "store_at": 900.0}
    assert state_of(950.0, *FAILED).state is State.FAILED
    assert state_of(950.0, *FAILED, **later).state is State.IDLE
    assert state_of(950.0, *FAILED, store_status="failed", store_at=900.0).state is State.FAILED


# --- stuck without a holder ---------------------------------------------------------------------------

REFUSED = Refusals(5, 100.0, 320.0, CallerRefusal.CLAIMED)
WEDGED = Wedge(100.0, 500.0, StuckSession(500.0, "stuck", "s1", "k", queue_depth=10), aborts=4)


def test_callers_refused_one_after_the_other_while_nobody_holds_make_it_stuck():
    found = state_of(340.0, refused=REFUSED, gateway_tells=True, sees_locks=False)
    assert (found.state, found.severity, found.since) == (State.STUCK, Severity.CRITICAL, 100.0)
    assert found.reasons == (
        "5 callers refused, the last 20 s ago: the session has a turn already",
        "the gateway shows no run: the claim is left over",
    )


@pytest.mark.parametrize(
    "more",
    [
        {"refused": Refusals(1, 320.0, 320.0, CallerRefusal.CLAIMED)},
        {"refused": Refusals(2, 319.0, 320.0, CallerRefusal.CLAIMED)},
        {"occupation": holds((300.0, None))},
        {"gateway_started_at": 330.0},
        {"gateway_alive": False},
    ],
    ids=[
        "one caller",
        "both at the end of one run",
        "somebody holds",
        "the gateway was restarted since",
        "its gateway is gone",
    ],
)
def test_refusals_that_prove_no_left_over_claim_leave_it_unstuck(more: dict):
    assert state_of(340.0, **{"refused": REFUSED, "sees_locks": False, **more}).state is not State.STUCK


def test_a_refusal_counts_longer_where_the_gateway_shows_that_nothing_ran_since():
    assert state_of(900.0, refused=REFUSED, gateway_tells=True, sees_locks=False).state is State.STUCK
    assert state_of(900.0, refused=REFUSED, sees_locks=False).state is State.IDLE
    assert state_of(600.0, refused=REFUSED, sees_locks=False).state is State.STUCK


def test_a_gateway_drains_for_ever_when_it_drains_longer_than_it_may():
    draining = replace(REFUSED, refusal=CallerRefusal.DRAINING)
    assert state_of(340.0, refused=draining, drain_s=315.0).state is State.IDLE
    found = state_of(340.0, refused=draining, drain_s=60.0)
    assert found.state is State.STUCK
    assert "it drains longer than a gateway may: only its restart ends that" in found.reasons


def test_openclaws_own_diagnosis_with_a_queue_is_stuck_where_nobody_holds():
    found = state_of(650.0, wedge=WEDGED)
    assert (found.state, found.since) == (State.STUCK, 100.0)
    assert found.reasons[0].startswith("OpenClaw says stuck for 9m 10s, 10 messages queued")
    assert state_of(1200.0, wedge=WEDGED).state is State.IDLE
    assert state_of(650.0, wedge=WEDGED, transcript_at=600.0).state is State.IDLE
    assert state_of(650.0, wedge=WEDGED, gateway_alive=False).state is State.IDLE
    assert state_of(650.0, wedge=WEDGED, occupation=holds((600.0, None))).state is State.RUNNING


def test_no_line_is_denied_where_the_log_names_the_session():
    assert "but no lock, log line" in state_of(10.0, store_status="running").reasons[0]
    named = state_of(1200.0, store_status="running", wedge=WEDGED)
    assert (
        named.reasons[0] == "the store says running; the log names the session, but shows no run that goes on"
    )


# --- rotating and the pattern of #62351 ---------------------------------------------------------------


def test_one_timed_out_attempt_is_a_rotation_and_not_yet_stuck():
    found = state_of(90.0, TWICE[0], occupation=holds((0.0, 59.9), (60.5, None)))
    assert (found.state, found.severity, found.since) == (State.ROTATING, Severity.WARNING, 60.0)
    assert found.reasons[0].startswith("attempt 2 of 3 (atlas/large) has been running for 30 s")
    assert "the next account after timeout" in found.reasons


def test_the_second_timed_out_attempt_makes_it_stuck():
    found = state_of(130.0, *TWICE, occupation=IN_THREE)
    assert (found.state, found.severity, found.since) == (State.STUCK, Severity.CRITICAL, 121.0)
    assert "attempts 1, 2 ran into a timeout" in found.reasons[0]
    assert "openclaw#62351" in found.reasons[0]


def test_how_many_attempts_are_to_come_is_told_once():
    both_of_atlas = (RunTimeout(60.0, "r1", "s1", 60_000), RunTimeout(121.0, "r1", "s1", 60_000))
    found = state_of(122.0, *both_of_atlas, occupation=IN_TWO)
    assert found.reasons[1].startswith("1 attempt to come, at most 1m 00s (idle timeout)")


def test_it_stays_stuck_through_the_gap_that_a_decision_promised_to_end():
    for gap in (0.5, 3.5, 11.4, 29.0):
        assert (
            state_of(121.0 + gap, *TWICE, occupation=None, last_hold=IN_TWO.recent[-1]).state is State.STUCK
        )


def test_it_stays_rotating_through_the_gap_that_a_decision_promised_to_end():
    for gap in (0.5, 3.5, 11.4, 29.0):
        assert state_of(60.0 + gap, TWICE[0], last_hold=Hold("h", 1, 0.0, 59.9)).state is State.ROTATING


@pytest.mark.parametrize(
    ("reason", "timed_out"),
    [("rate_limit", True), ("rate_limit", False), ("auth", False), ("timeout", False)],
)
def test_rotations_by_answers_of_the_provider_are_told_apart_from_timeouts(reason: str, timed_out: bool):
    answered = {"reason": reason, "timed_out": timed_out}
    events = (decision(60.0, **answered), decision(121.0, "fallback_model", "atlas:b", **answered))
    found = state_of(130.0, *events, occupation=IN_THREE)
    assert (found.state, found.severity) == (State.ROTATING, Severity.WARNING)


def test_timeouts_long_before_this_occupation_do_not_count():
    late = decision(1000.0, profile="cygnus:s")
    found = state_of(1010.0, TWICE[0], late, occupation=holds((940.0, 999.9), (1001.0, None)))
    assert found.state is State.ROTATING


@pytest.mark.parametrize(("events", "state"), [(TWICE[:1], State.ROTATING), (TWICE, State.STUCK)])
def test_a_lock_let_go_before_the_log_tells_why_changes_nothing_for_a_moment(events: tuple, state: State):
    freed = IN_TWO if len(events) == 1 else holds((60.5, 120.9), (122.0, 182.0))
    at = freed.recent[-1].ended_at or 0.0
    unpaced = Budget(600.0, "idle timeout")
    assert state_of(at + 0.4, *events, occupation=freed, budget=unpaced).state is state
    assert state_of(at + 14.0, *events, occupation=freed, budget=unpaced).state is State.RUNNING


def test_a_rotation_whose_next_attempt_answered_is_over_without_any_line():
    answered = Hold("h2", 37121, 122.0, 135.0)
    assert state_of(200.0, *TWICE, last_hold=answered).state is State.IDLE
    assert (
        state_of(5000.0, *TWICE, last_hold=answered, occupation=holds((4999.0, None))).state is State.RUNNING
    )


def test_a_log_without_decisions_shows_the_incident_all_the_same():
    one, two, three = (RunTimeout(60.0 + 61.0 * n, "r1", "s1", 60_000) for n in range(3))
    first = state_of(62.0, one, occupation=holds((0.0, 59.9), (60.5, None)))
    assert (first.state, first.severity) == (State.ROTATING, Severity.WARNING)
    assert "the next account after timeout" in first.reasons
    assert state_of(125.0, one, two, occupation=IN_THREE).state is State.STUCK
    in_gap = holds((0.0, 59.9), (60.5, 120.9))
    assert state_of(121.5, one, two, occupation=in_gap).state is State.STUCK
    spent = state_of(182.5, one, two, three, occupation=holds((0.0, 59.9), (60.5, 120.9), (121.5, 181.9)))
    assert (spent.state, spent.reasons[0]) == (
        State.FAILED, "the last attempt ran into a timeout 0.5 s ago, and none is left",
    )  # fmt: skip


def test_a_timeout_that_no_attempt_followed_where_none_was_promised_is_a_failure():
    found = state_of(95.0, RunTimeout(60.0, "r1", "s1", 60_000))
    assert (found.state, found.reasons[0]) == (
        State.FAILED, "the run broke off: no attempt followed a timeout of 35 s ago",
    )  # fmt: skip


def test_a_finished_rotation_is_not_stuck():
    assert state_of(131.0, *FAILED, occupation=holds((0.0, 59.9), (60.5, 130.0))).state is not State.STUCK


def test_holds_paced_by_the_timeout_show_the_pattern_where_no_line_names_the_session():
    found = state_of(130.0, occupation=IN_THREE)
    assert found.state is State.STUCK
    assert found.reasons[0].startswith("2 holds in a row by pid 37121 ended after the 1m 00s (idle timeout)")
    assert state_of(130.0, occupation=IN_THREE, budget=Budget(50.0, "idle timeout")).state is State.RUNNING


def test_where_attempts_take_no_lock_file_a_decision_keeps_its_promise_for_a_whole_timeout():
    once = (TWICE[0],)
    assert state_of(140.0, *once, sees_locks=False).state is State.ROTATING
    assert state_of(160.0, *once, sees_locks=False).state is State.IDLE
    assert state_of(140.0, *TWICE, sees_locks=False).state is State.STUCK


# --- the other kinds of stuck ---------------------------------------------------------------------------


def test_a_hold_beyond_its_budget_without_progress_is_stuck():
    standing = holds((0.0, None))
    found = state_of(635.0, occupation=standing, run_budget_s=600.0)
    assert (found.state, found.since) == (State.STUCK, 630.0)
    assert found.reasons == (
        "the lock has been held for 10m 35s, longer than its run timeout",
        "no progress in transcript, log or process for 10m 35s",
    )


def test_the_idle_timeout_bounds_only_an_attempt_whose_pieces_are_heard():
    """It begins anew with every piece of an answer, and no file tells of those."""
    standing = holds((0.0, None))
    silent = state_of(95.0, occupation=standing)
    assert (silent.state, silent.severity) == (State.RUNNING, Severity.NOTICE)
    assert silent.reasons[-1].startswith("no progress to be seen for 1m 35s, longer than its idle timeout")
    assert state_of(95.0, occupation=standing, sees_locks=False).state is State.STUCK


@pytest.mark.parametrize("sign", ["transcript_at", "log_at", "process_at"])
def test_progress_anywhere_keeps_a_long_hold_from_being_stuck(sign: str):
    assert (
        state_of(635.0, occupation=holds((0.0, None)), run_budget_s=600.0, **{sign: 620.0}).state
        is State.RUNNING
    )


def test_the_locks_own_limit_counts_where_it_has_one():
    standing = holds((0.0, None))
    assert state_of(295.0, occupation=standing, max_hold_ms=300_000).state is State.RUNNING
    assert state_of(305.0, occupation=standing, max_hold_ms=300_000).state is State.STUCK
    assert (
        state_of(305.0, occupation=standing, max_hold_ms=300_000, transcript_at=290.0).state is State.RUNNING
    )


def test_without_any_timeout_only_the_locks_own_limit_can_be_exceeded():
    off = Budget(None, "no timeout is set")
    told = {"occupation": holds((0.0, None)), "budget": off, "run_budget_s": 0.0}
    assert state_of(9e5, **told).state is State.RUNNING
    assert state_of(9e5, max_hold_ms=300_000, **told).state is State.STUCK


def test_a_decision_that_no_attempt_followed_is_stuck_and_later_failed():
    found = state_of(100.0, TWICE[0])
    assert (found.state, found.since) == (State.STUCK, 60.0)
    assert found.reasons == ("the next account was to be tried 40 s ago, and no attempt has followed",)
    assert state_of(100.0, TWICE[0], backoff_s=60.0).state is State.ROTATING
    assert state_of(3000.0, TWICE[0]).state is State.FAILED
    assert state_of(100.0, TWICE[0], gateway_started_at=80.0).state is State.FAILED
    assert state_of(100.0, TWICE[0], answered_at=70.0).state is State.IDLE
    assert state_of(100.0, TWICE[0], transcript_at=70.0).state is State.STUCK, "what a failed attempt wrote"


def test_callers_blocked_by_a_holder_without_progress_are_stuck():
    standing = holds((0.0, None))
    blocked = Blocked(2, 70.0)
    long = {"max_hold_ms": 300_000, "occupation": standing}
    found = state_of(80.0, blocked=blocked, **long)
    assert found.state is State.STUCK
    assert found.reasons == (
        "2 callers blocked, the last 10 s ago",
        "the holder has made no progress for 1m 20s",
    )
    assert state_of(80.0, blocked=blocked, transcript_at=75.0, **long).state is State.RUNNING
    assert state_of(80.0, blocked=Blocked(2, -5.0), **long).state is State.RUNNING
    assert state_of(80.0, **long).state is State.RUNNING


# --- locks without a run ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verdict", "releasable", "state", "severity"),
    [
        (Verdict.DEAD, True, State.IDLE, Severity.WARNING),
        (Verdict.DEAD, False, State.IDLE, Severity.NOTICE),
        (Verdict.RECYCLED, True, State.IDLE, Severity.WARNING),
        (Verdict.LEAKED, False, State.STUCK, Severity.CRITICAL),
        (Verdict.REMOVED, False, State.RUNNING, Severity.CRITICAL),
        (Verdict.FOREIGN, False, State.UNKNOWN, Severity.NOTICE),
        (Verdict.UNREADABLE, False, State.UNKNOWN, Severity.NOTICE),
        (Verdict.UNREADABLE, True, State.UNKNOWN, Severity.WARNING),
        (Verdict.LITTER, False, State.IDLE, Severity.OK),
        (Verdict.RELEASING, False, State.IDLE, Severity.NOTICE),
    ],
)
def test_what_a_lock_alone_makes_of_a_session(
    verdict: Verdict, releasable: bool, state: State, severity: Severity
):
    judgement = Judgement(verdict, ("pid 4711 is gone (ESRCH)",), releasable)
    found = state_of(100.0, judgement=judgement)
    assert (found.state, found.severity) == (state, severity)
    assert any("4711" in reason for reason in found.reasons)


def test_a_session_whose_lock_is_being_released_elsewhere_is_not_unknown_whatever_the_store_says():
    judgement = Judgement(Verdict.RELEASING, ("release under way by pid 4711",), False)
    found = state_of(100.0, judgement=judgement, store_status="running")
    assert (found.state, found.severity) == (State.IDLE, Severity.NOTICE)
    assert "release under way by pid 4711" in found.reasons


def test_a_dead_holder_does_not_go_on_rotating():
    dead = Judgement(Verdict.DEAD, ("pid 37121 is gone (ESRCH)",), True)
    found = state_of(130.0, *TWICE, occupation=IN_THREE, judgement=dead)
    assert (found.state, found.severity) == (State.IDLE, Severity.WARNING)


# --- cancelling, OpenClaw's own word, since -----------------------------------------------------------------


def test_a_cancel_under_way_is_shown_until_the_session_is_free():
    ours = Cancel(129.0, OURS, "alice", "abort", "r1", under_way=True)
    found = state_of(130.0, *TWICE, occupation=IN_THREE, cancelling=ours)
    assert (found.state, found.severity, found.since) == (State.CANCELLING, Severity.NOTICE, 129.0)
    assert (
        found.reasons[0]
        == "lockdeck (user alice) has been cancelling it for 1 s, and the session is still occupied"
    )
    assert state_of(500.0, *FAILED, cancelling=ours).state is State.FAILED


def test_a_cancel_under_way_is_no_unknown_session_where_only_the_store_says_running():
    ours = Cancel(129.0, OURS, under_way=True)
    found = state_of(130.0, store_status="running", cancelling=ours)
    assert (found.state, found.severity) == (State.CANCELLING, Severity.NOTICE)
    assert "the store still says running" in found.reasons[0]


def test_a_cancel_that_was_broken_off_hides_for_ten_minutes_at_most_what_goes_on():
    ours = Cancel(129.0 - LONGEST_S - 2.0, OURS, under_way=True)
    assert state_of(130.0, *TWICE, occupation=IN_THREE, cancelling=ours).state is State.STUCK


def test_openclaws_own_diagnosis_raises_the_urgency_while_it_is_fresh():
    own = StuckSession(90.0, "stuck", "s1", "k", age_ms=130_000)
    found = state_of(100.0, occupation=holds((80.0, None)), diagnoses=(own,))
    assert (found.state, found.severity) == (State.RUNNING, Severity.WARNING)
    assert found.reasons[-1] == "OpenClaw itself reports a stuck session for 2m 10s"
    later = state_of(300.0, occupation=holds((280.0, None)), diagnoses=(own,))
    assert later.severity is Severity.OK


def test_a_state_keeps_its_beginning_while_it_lasts():
    standing = holds((100.0, None))
    assert state_of(130.0, occupation=standing, previous=(State.RUNNING, 50.0)).since == 50.0
    assert state_of(130.0, occupation=standing, previous=(State.IDLE, 50.0)).since == 100.0


# --- the recorded incident, lived through -------------------------------------------------------------------


def test_the_recorded_hang_is_stuck_from_the_second_timeout_to_its_end():
    folder = RECORDINGS / "2026.4.5-incident-hang"
    looks = [json.loads(line) for line in (folder / "lock-events.jsonl").read_text().splitlines()]
    name = "1341829b-54bc-45e1-a70f-b6dde9d3ff25.jsonl.lock"
    locks = [(e["t"], e["event"]) for e in looks if e["name"] == name and e["event"] in ("CREATE", "DELETE")]
    told = [(e.at, e) for e in read_events(folder / "gateway.log")]
    steps = sorted([(t, n, what) for n, (t, what) in enumerate([*locks, *told])], key=lambda step: step[:2])
    book, occupation, last, seen = RunBook(), None, None, None
    states: list[State] = []
    for at, n, what in steps:
        if isinstance(what, str):
            seen = Sighting(f"h{n}", 1, n, 31413, at) if what == "CREATE" else None
        else:
            book = fold_all(book, [what])
        run = book.runs.get("77bbc320-47b9-4591-b13b-02346e7e28cd")
        occupation = observe(occupation, PATH, seen, at, gap_grace(run, occupation))
        last = occupation.recent[-1] if occupation else last
        known = SessionFacts(
            judgement=HELD if seen else None, occupation=occupation, last_hold=last, run=run,
            rotation=rotation_of(run, None, occupation, at) if run else None, budget=Budget(20.0, "run timeout"),
        )  # fmt: skip
        state = assess(known, at).state
        if not states or states[-1] is not state:
            states.append(state)
    assert states == [State.RUNNING, State.ROTATING, State.STUCK, State.FAILED]


# --- anything at all ------------------------------------------------------------------------------------------

times = st.floats(-100, 3000)
any_events = st.lists(
    st.one_of(
        st.builds(decision, times, st.sampled_from(["rotate_profile", "fallback_model", "surface_error"])),
        st.builds(AttemptStarted, times, st.just("r1")),
        st.builds(RunTimeout, times, st.just("r1"), st.just("s1"), st.none() | st.integers(-1, 90_000)),
        st.builds(RunEnded, times, st.just("r1"), st.booleans(), st.booleans()),
        st.builds(
            ModelFallbackDecision, times, st.just("r1"), st.just("candidate_failed"), st.integers(0, 3)
        ),
    ),
    max_size=8,
)
judgements = st.none() | st.builds(
    Judgement, st.sampled_from(list(Verdict)), st.just(("why",)), st.booleans()
)


@given(
    any_events, st.lists(times, max_size=6).map(sorted), times, judgements, st.none() | times, st.booleans()
)
def test_any_facts_give_a_state_with_evidence(events, spans, now, judgement, sign, sees_locks):
    pairs = list(zip(spans[::2], spans[1::2], strict=False))
    known = facts(now, *events, occupation=holds(*pairs) if pairs else None)
    known = replace(
        known,
        judgement=judgement,
        transcript_at=sign,
        cancelling=None if sign is None else Cancel(sign, OURS, under_way=True),
        sees_locks=sees_locks,
    )
    found = assess(known, now)
    assert found.reasons
    assert all(found.reasons)
    assert found == assess(known, now)
    if found.state is State.STUCK:
        assert found.severity is Severity.CRITICAL


def test_a_run_that_its_gateway_took_along_has_failed_where_no_lock_is_left_to_tell():
    """Seen on 2026.5.18: after a SIGKILL in a hang of four no lock stood, and all was green."""
    cut_off = {"gateway_alive": False, "lock_scope": LockScope.WRITES}
    found = state_of(14.0, AttemptStarted(10.0, "r1"), **cut_off)
    assert found.state is State.FAILED
    assert found.reasons == ("the run broke off: its gateway has ended in the middle of an attempt",)
    assert (
        state_of(14.0, AttemptStarted(10.0, "r1"), RunEnded(12.0, "r1", True), **cut_off).state is State.IDLE
    )


@pytest.mark.parametrize(
    ("now", "more", "state"),
    [
        (12.0, {}, State.RUNNING),
        (71.0, {}, State.IDLE),
        (12.0, {"lock_scope": LockScope.ATTEMPT}, State.IDLE),
        (12.0, {"gateway_alive": False}, State.IDLE),
        (12.0, {"gateway_started_at": 11.0}, State.IDLE),
        (12.0, {"cancel": Cancel(11.0, OURS)}, State.IDLE),
    ],
)
def test_a_message_that_waits_shows_a_run_where_the_lock_may_be_let_go_of_and_for_a_while(now, more, state):
    known = {"asked_at": 10.0, "gateway_alive": True, "lock_scope": LockScope.CALLS, **more}
    assert assess(SessionFacts(**known), now).state is state
