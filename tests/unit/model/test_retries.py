"""Retries on the same model (2026.9): how many the worst case counts, from the first attempt on."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockdeck.backend.model.releases.lookup import traits_of
from lockdeck.backend.model.releases.version import Version
from lockdeck.backend.model.runs.chain import Candidate, FailoverChain
from lockdeck.backend.model.runs.events import (
    AttemptStarted,
    Event,
    FailoverDecision,
    ModelFallbackDecision,
    RotationCap,
    SameModelRetry,
)
from lockdeck.backend.model.runs.fix import finding
from lockdeck.backend.model.runs.fold import RunBook, fold_all
from lockdeck.backend.model.runs.life import RunOutcome
from lockdeck.backend.model.runs.profiles import profile_hash
from lockdeck.backend.model.runs.remaining import Remaining, remaining
from lockdeck.backend.model.runs.retries import (
    MOST_RETRIES,
    WINDOW_S,
    longest_pause_s,
    most_retries,
    shortest_pause_s,
)
from lockdeck.backend.model.runs.rotation import rotation_of
from lockdeck.backend.model.runs.run import Run
from lockdeck.backend.watch.logs.replay import replay
from tests.folders import RECORDINGS

NEW, OLD = Version(2026, 9, 6), Version(2026, 7, 35)
STARTS_S = 20.0
"""Until the first request of each model OpenClaw prepares itself for some seconds (seen with a busy machine)."""
NAMES = ("atlas:alpha", "atlas:beta", "borealis:alpha", "borealis:beta", "cygnus:solo")
BY_HASH = {profile_hash(name): name for name in NAMES}


def chain(idle_s: float) -> FailoverChain:
    """Two, two and one profile: the chain of the real gateway that these figures were seen on."""
    return FailoverChain(
        (
            Candidate("atlas", "large", NAMES[:2], idle_s),
            Candidate("borealis", "medium", NAMES[2:4], idle_s),
            Candidate("cygnus", "small", NAMES[4:], idle_s),
        )
    )


def run_of(*events: Event) -> Run:
    (run,) = fold_all(
        RunBook(), [AttemptStarted(0.0, "r1", session_key="agent:silas:main"), *events]
    ).runs.values()
    return run


def retry(at: float, index: int, reason: str = "timeout") -> SameModelRetry:
    return SameModelRetry(at, index, 8, "atlas/large", reason, "r1", delay_ms=1000)


def rotated(at: float, profile: str, decision: str = "rotate_profile") -> FailoverDecision:
    return FailoverDecision(
        at, "r1", "assistant", decision, "timeout", "atlas", "large", profile_hash(profile), timed_out=True
    )


def left(run: Run, idle_s: float, version: Version = NEW) -> Remaining:
    return remaining(run, chain(idle_s), BY_HASH, traits_of(version))


def profiles(found: Remaining) -> list[str | None]:
    return [attempt.profile for attempt in found.attempts]


def test_the_worst_case_of_the_first_attempt_is_what_a_hang_of_2026_9_6_was_seen_to_make():
    alpha, beta, third, fourth, solo = NAMES
    expected = [alpha, alpha, alpha, beta, third, third, third, fourth, solo, solo, solo]
    assert profiles(left(run_of(), 50.0)) == expected


@pytest.mark.parametrize(
    ("idle_s", "attempts"),
    [(10.0, 5), (20.0, 5), (30.0, 5), (60.0, 11), (89.0, 8), (120.0, 8)],
)
def test_a_short_timeout_meets_the_brake_and_a_long_one_the_window(idle_s: float, attempts: int):
    assert len(left(run_of(), idle_s).attempts) == attempts


def test_up_to_2026_7_nothing_is_tried_twice():
    assert profiles(left(run_of(), 50.0, OLD)) == list(NAMES)
    assert left(run_of(), 50.0, OLD).pause_s == 0.0


def test_free_by_of_the_first_attempt_counts_retries_and_their_pauses():
    rotation = rotation_of(run_of(), chain(120.0), None, 20.0, BY_HASH, NEW)
    assert (len(rotation.attempts), rotation.total) == (1, 8)
    assert rotation.free_by == 8 * (120.0 + traits_of(NEW).around_attempt_s) + 3 * longest_pause_s(1)
    assert "7 attempts to come" in rotation.free_by_how
    assert "pauses of at most" in rotation.free_by_how


def test_every_retry_told_leaves_fewer():
    one = left(run_of(retry(50.0, 1)), 50.0)
    two = left(run_of(retry(50.0, 1), retry(101.0, 2)), 50.0)
    assert profiles(one)[:3] == [NAMES[0], NAMES[0], NAMES[1]]
    assert profiles(two)[:3] == [NAMES[0], NAMES[1], NAMES[2]]


def test_after_the_window_the_next_profile_has_one_try():
    run = run_of(retry(50.0, 1), retry(101.0, 2), rotated(153.0, NAMES[0]))
    assert profiles(left(run, 50.0))[:3] == [NAMES[1], NAMES[2], NAMES[2]]


def test_the_brake_counts_the_timeouts_of_one_model_only():
    gone = ModelFallbackDecision(
        205.0,
        "r1",
        "candidate_failed",
        attempt=1,
        total=3,
        candidate="atlas/large",
        next_candidate="borealis/medium",
    )
    run = run_of(
        retry(50.0, 1),
        retry(101.0, 2),
        rotated(153.0, NAMES[0]),
        rotated(204.0, NAMES[1], "fallback_model"),
        gone,
    )
    assert len(left(run, 50.0).attempts) == 7
    assert len(left(run, 10.0).attempts) == 5


def test_the_brake_ends_the_run_although_models_are_left():
    run = run_of(*(retry(10.0 * n, n) for n in range(1, 5)))
    assert profiles(left(run, 10.0)) == [NAMES[0]]


def test_rate_limits_know_no_window():
    found = left(run_of(retry(300.0, 1, "rate_limit"), retry(600.0, 2, "rate_limit")), 120.0)
    assert profiles(found)[:7] == [NAMES[0]] * 5
    assert len(found.attempts) == 5, "were they all timeouts, the fifth would be the last"


def test_without_a_configuration_the_retries_of_one_model_are_counted():
    found = remaining(run_of(), None, {}, traits_of(NEW))
    assert (len(found.attempts), found.listed) == (2, False)
    told = run_of(retry(10.0, 1), retry(21.0, 2))
    assert len(remaining(told, FailoverChain((), 10.0), {}, traits_of(None)).attempts) == 3, (
        "what is told holds for any version"
    )


def test_the_single_retry_of_2026_4_12_is_the_only_one():
    run = run_of(SameModelRetry(60.0, None, None, "atlas/large", "timeout", "r1"))
    assert profiles(left(run, 60.0, Version(2026, 4, 12)))[:2] == [NAMES[0], NAMES[1]]


@given(st.floats(0.1, 1000.0), st.integers(0, 8), st.floats(0.0, 200.0))
def test_retries_are_bounded_by_their_count_and_by_their_window(idle_s: float, used: int, elapsed_s: float):
    more = most_retries(idle_s, used, elapsed_s)
    assert 0 <= more <= MOST_RETRIES - used
    assert more == 0 or (elapsed_s if used else 0.0) + (more - 1) * idle_s <= WINDOW_S
    assert most_retries(idle_s + 1.0, used, elapsed_s) <= more


@given(st.integers(-3, 100))
def test_a_pause_is_never_longer_than_half_a_minute(number: int):
    assert 0.0 < shortest_pause_s(number) <= longest_pause_s(number) <= 30.0


def said(events: Sequence[Event]) -> tuple[int | None, str]:
    found = finding(run_of(*events).attempts, 1000.0)
    return found.would_stop_at, found.sentence


def test_the_fix_does_not_apply_to_retries_on_the_same_model_and_says_so():
    for retries in (1, 4):
        stop, sentence = said([retry(10.0 * n, n) for n in range(1, retries + 1)])
        assert stop is None
        assert "does not apply" in sentence
        assert "no decision of the failover policy" in sentence


def test_the_fix_would_have_stopped_at_the_first_step_to_another_profile():
    stop, sentence = said([retry(50.0, 1), retry(101.0, 2), rotated(153.0, NAMES[0])])
    assert stop == 3
    assert "would have stopped here (attempt 3)" in sentence


def test_a_retry_after_an_answer_of_the_provider_is_no_case_for_the_fix():
    stop, sentence = said([retry(5.0, 1, "server_error")])
    assert (stop, sentence) == (None, "the fix of openclaw#62351 would not have interfered")


def test_a_recorded_hang_of_the_whole_chain_is_what_the_worst_case_said():
    log = RECORDINGS / "2026.9.6-hang-whole-chain" / "gateway.log"
    (past,) = replay([str(log)]).runs
    attempts = past.run.attempts
    found = left(run_of(), 50.0)
    assert [a.provider for a in attempts] == [a.provider for a in found.attempts]
    assert [a.decision for a in attempts] == [
        *("retry_same_model", "retry_same_model", "rotate_profile", "fallback_model") * 2,
        *("retry_same_model", "retry_same_model", "fallback_model"),
    ]
    assert (
        past.run.last_activity - past.run.facts[0].at
        <= sum(budget.seconds or 0.0 for budget in found.budgets) + found.pause_s + STARTS_S
    )
    assert finding(attempts, past.run.last_activity, finished=True).would_stop_at == 3


def test_an_answer_of_500_that_2026_9_1_files_under_timeout_is_no_hang():
    told = replay([str(RECORDINGS / "2026.9.1-error500" / "gateway.log")])
    (past,) = told.runs
    assert [attempt.reason for attempt in past.run.attempts] == ["provider_error"] * 12
    assert past.run.timeouts == 0


def test_on_2026_9_1_a_retry_and_its_decision_are_one_attempt_and_the_breaker_ends_the_run():
    told = replay([str(RECORDINGS / "2026.9.1-hang" / "gateway.log")])
    decisions = [*["retry_same_model"] * 3, "rotate_profile", "idle_breaker"]
    assert {(p.session_key, p.run.outcome) for p in told.runs} == {
        (f"agent:{agent}:main", RunOutcome.FAILED) for agent in ("main", "silas", "ezra", "juno")
    }
    assert all([attempt.decision for attempt in past.run.attempts] == decisions for past in told.runs)
    assert all(past.run.timeouts == 5 and past.run.failure for past in told.runs)


def test_a_retry_keeps_its_profile_whichever_line_names_it():
    def profiles(*events: Event) -> list[str | None]:
        told = rotation_of(run_of(*events), chain(8.0), None, 40.0, BY_HASH, NEW)
        return [attempt.profile for attempt in told.attempts]

    def decided(at: float, decision: str, name: str) -> FailoverDecision:
        told = {"provider": "atlas", "model": "large", "profile_hash": profile_hash(name)}
        return FailoverDecision(at, "r1", "assistant", decision, "timeout", timed_out=True, **told)

    retries = [SameModelRetry(8.0 * n, n, 8, "atlas/large", "timeout", "r1", delay_ms=500) for n in (1, 2)]
    assert profiles(retries[0]) == [None, None]  # either of two may be the one that does not cool down
    first = decided(8.6, "retry_same_model", "atlas:alpha")
    assert profiles(retries[0], first, retries[1]) == ["atlas:alpha"] * 3
    last = decided(24.0, "rotate_profile", "atlas:alpha")
    assert profiles(*retries, last) == ["atlas:alpha"] * 3
    assert profiles(*retries, last, AttemptStarted(24.1, "r1"))[3] == "atlas:beta"


def test_a_run_that_the_breaker_stopped_is_no_success_though_its_candidate_counts_as_one():
    retried = SameModelRetry(40.0, 4, 8, "borealis/medium", "timeout", "r1", delay_ms=500, trace_id="t1")
    braked = RotationCap(
        50.0, "[idle-timeout-circuit-breaker-tripped] cap=5", "agent:silas:main", trace_id="t1"
    )
    succeeded = ModelFallbackDecision(50.1, "r1", "candidate_succeeded", 2, 3, candidate="borealis/medium")
    run = run_of(retried, braked, succeeded)
    assert (run.outcome, len(run.attempts)) == (RunOutcome.FAILED, 2)


def test_a_release_that_makes_three_retries_is_not_forecast_to_make_eight():
    def total(idle_s: float, *events: Event) -> int | None:
        return rotation_of(run_of(*events), chain(idle_s), None, 1.0, BY_HASH, Version(2026, 9, 1)).total

    assert total(8.0) == 5
    assert total(20.0) == 5
    told = SameModelRetry(8.0, 1, 3, "atlas/large", "rate_limit", "r1", delay_ms=500)
    assert total(8.0, told) == 1 + 3 + 1 + 5
