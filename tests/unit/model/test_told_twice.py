"""An attempt is counted once, whatever lines tell of it; a run that was cancelled is no success."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockdeck.backend.model.runs.events import (
    ChainStopped,
    Event,
    FailoverDecision,
    ModelFallbackDecision,
    SameModelRetry,
)
from lockdeck.backend.model.runs.fold import RunBook, fold_all
from lockdeck.backend.model.runs.life import RunOutcome
from lockdeck.backend.model.runs.run import Run, all_lives
from lockdeck.backend.openclaw.log.stream import parse_line

TRACE = "0af7651916cd43dd8448eb211c80319c"


def run_of(events: list[Event]) -> Run:
    (run,) = fold_all(RunBook(), events).runs.values()
    return run


def retried(at: float, index: int, reason: str = "timeout") -> list[Event]:
    """What 2026.9.1 writes of one retry: the line before the pause, without a run id, and the decision behind it."""
    line = SameModelRetry(at, index, 8, "atlas/large", reason, trace_id=TRACE, delay_ms=1000 * index)
    decision = FailoverDecision(
        at=at + index + 0.02,
        run_id="r1",
        stage="assistant",
        decision="retry_same_model",
        reason=reason,
        provider="atlas",
        model="large",
        profile_hash="sha256:cfcfc3d3ac52",
        fallback_configured=True,
        timed_out=reason == "timeout",
        trace_id=TRACE,
    )
    return [line, decision]


def last(at: float, decision: str = "surface_error", *, aborted: bool = False) -> FailoverDecision:
    return FailoverDecision(
        at,
        "r1",
        "assistant",
        decision,
        None if aborted else "timeout",
        "atlas",
        "large",
        fallback_configured=True,
        timed_out=not aborted,
        aborted=True,
        trace_id=TRACE,
    )


def succeeded(at: float, attempt: int = 2) -> ModelFallbackDecision:
    return ModelFallbackDecision(at, "r1", "candidate_succeeded", attempt, 3, candidate="atlas/large")


@pytest.mark.parametrize("reason", ["timeout", "rate_limit"])
@given(retries=st.integers(0, 6), order=st.randoms(use_true_random=False))
def test_a_retry_that_two_lines_tell_is_one_attempt_in_any_order_and_however_often(reason, retries, order):
    events = [event for index in range(retries) for event in retried(60.0 * index, index + 1, reason)]
    events.append(last(60.0 * retries))
    events += order.sample(events, order.randrange(len(events)))
    order.shuffle(events)
    run = run_of(events)
    assert [attempt.decision for attempt in run.attempts] == ["retry_same_model"] * retries + [
        "surface_error"
    ]
    assert len(run.decisions) == retries + 1
    assert {attempt.profile_hash for attempt in run.attempts[:-1]} <= {"sha256:cfcfc3d3ac52"}
    assert {attempt.reason for attempt in run.attempts[:-1]} <= {reason}
    assert run.outcome is RunOutcome.FAILED


def test_a_retry_that_only_its_decision_tells_is_an_attempt():
    run = run_of([retried(0.0, 1)[1], retried(60.0, 2)[1], last(120.0)])
    assert [attempt.decision for attempt in run.attempts] == 2 * ["retry_same_model"] + ["surface_error"]


def test_two_wordings_of_one_retry_are_one_attempt():
    short = SameModelRetry(10.0, None, None, "atlas/large", "timeout", "r1")
    counted = SameModelRetry(10.01, 1, 8, "atlas/large", "timeout", "r1", delay_ms=900)
    for events in ([short, counted], [short, counted, short, counted]):
        run = run_of(events)
        assert len(run.attempts) == 1
        assert run.retry is not None
        assert (run.retry.index, run.retry.total) == (1, 8)


def test_two_retries_are_two_attempts():
    one = SameModelRetry(10.0, 1, 3, "atlas/large", "rate_limit", "r1", delay_ms=500)
    two = SameModelRetry(10.9, 2, 3, "atlas/large", "rate_limit", "r1", delay_ms=900)
    assert len(run_of([one, two]).attempts) == 2


@pytest.mark.parametrize("model", ["atlas/atlas-large", "ollama/llama3:8b"])
def test_the_wording_of_2026_7_35_and_2026_8_2_is_a_retry_for_its_rate_limit(model):
    line = f"2026-11-22T09:49:27.525Z [agent] rate-limit same-model retry 2/3 for {model}: delayMs=1500"
    event = parse_line(line.encode())
    assert isinstance(event, SameModelRetry)
    assert (event.index, event.total, event.model, event.reason, event.delay_ms) == (
        2,
        3,
        model,
        "rate_limit",
        1500,
    )


@pytest.mark.parametrize("later_s", [0.01, 0.9, 7.0])
@pytest.mark.parametrize("attempt", [1, 2])
def test_a_run_that_was_cancelled_in_mid_rotation_is_aborted_although_its_candidate_counts_as_a_success(
    later_s, attempt
):
    events = [last(60.0, "rotate_profile"), last(90.0, aborted=True), succeeded(90.0 + later_s, attempt)]
    run = run_of(events)
    (life,) = all_lives(run)
    assert [a.decision for a in life.attempts] == ["rotate_profile", "surface_error"]
    assert (life.outcome, life.ended_at) == (RunOutcome.ABORTED, 90.0)


def test_a_run_that_ran_into_its_last_timeout_has_failed_although_its_candidate_counts_as_a_success():
    run = run_of([last(60.0, "rotate_profile"), last(90.0), succeeded(90.01)])
    assert (len(run.attempts), run.outcome) == (2, RunOutcome.FAILED)


def test_a_candidate_that_succeeds_after_another_has_failed_is_an_attempt_that_went_well():
    run = run_of([last(60.0, "fallback_model"), succeeded(90.0)])
    assert [a.decision for a in run.attempts] == ["fallback_model", "candidate_succeeded"]
    assert run.outcome is RunOutcome.OK


def test_the_word_of_a_stopped_chain_stands_above_the_decision_before_it():
    stopped = ChainStopped(90.02, "r1", None, "caller_signal_aborted")
    assert run_of([last(90.0), stopped, succeeded(90.03)]).outcome is RunOutcome.ABORTED
