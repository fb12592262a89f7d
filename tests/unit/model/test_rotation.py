"""Rotations: attempts made, in progress and to come."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from lockdeck.backend.model.releases.lookup import traits_of
from lockdeck.backend.model.releases.version import Version
from lockdeck.backend.model.runs.attempt_times import followed_up, gap_grace
from lockdeck.backend.model.runs.chain import Candidate, FailoverChain
from lockdeck.backend.model.runs.events import (
    AgentEnd,
    AttemptStarted,
    CompactionTimeout,
    Event,
    FailoverDecision,
    LaneTaskError,
    LaneWait,
    LockTimeout,
    ModelFallbackDecision,
    RunTimeout,
)
from lockdeck.backend.model.runs.fold import RunBook, fold_all
from lockdeck.backend.model.runs.forecast import around
from lockdeck.backend.model.runs.history import occupations_from_runs
from lockdeck.backend.model.runs.profiles import profile_hash
from lockdeck.backend.model.runs.records import NOBODY_BLOCKED, Attempt, Hold, Occupation, Rotation
from lockdeck.backend.model.runs.rotation import kept_out_sentence, rotation_of, unbroken
from lockdeck.backend.model.runs.run import Run
from lockdeck.backend.model.sessions.blocked import blocked_on, failures_by_subject, waits_by_key
from tests.folders import RECORDINGS
from tests.reading import read_events

PATH = "/r/agents/silas/sessions/s.jsonl.lock"
LOCK = LockTimeout(PATH, 10_000, 37121)
PROFILES = ("atlas:alpha", "atlas:beta", "borealis:alpha", "borealis:beta", "cygnus:solo")
NAMES = {profile_hash(name): name for name in PROFILES}
CHAIN = FailoverChain(
    (
        Candidate("atlas", "atlas-large", ("atlas:alpha", "atlas:beta")),
        Candidate("borealis", "borealis-medium", ("borealis:alpha", "borealis:beta")),
        Candidate("cygnus", "cygnus-small", ("cygnus:solo",)),
    ),
    idle_timeout_s=60.0,
)


def beside(rotation: Rotation, version: Version | None = None) -> float:
    """What each attempt takes beside its model call, by the finished ones, or by the release."""
    done = [attempt for attempt in rotation.attempts if attempt.ended_at is not None]
    return around(done, CHAIN, traits_of(version)).seconds


def decision(at: float, what: str, profile: str, **more) -> FailoverDecision:
    told = {
        "reason": "timeout",
        "timed_out": True,
        "aborted": True,
        "provider": "atlas",
        "model": "atlas-large",
        **more,
    }
    return FailoverDecision(at, "r1", "assistant", what, profile_hash=profile_hash(profile), **told)


def failed(at: float, attempt: int, name: str, following: str | None, **more) -> ModelFallbackDecision:
    told = {"reason": "timeout", "total": 3, **more}
    return ModelFallbackDecision(
        at, "r1", "candidate_failed", attempt, candidate=name, next_candidate=following, **told
    )


ROTATED = [
    decision(1060.0, "rotate_profile", "atlas:alpha"),
    decision(1121.0, "fallback_model", "atlas:beta"),
    failed(1121.1, 1, "atlas/atlas-large", "borealis/borealis-medium"),
]


def run_of(*events: Event) -> Run:
    (run,) = fold_all(RunBook(), events).runs.values()
    return run


def chain_of_holds(*spans: tuple[float, float | None]) -> Occupation:
    holds = tuple(Hold(f"h{n}", 37121, start, end) for n, (start, end) in enumerate(spans))
    return Occupation(PATH, spans[0][0], len(holds), holds)


HOLDS = chain_of_holds((1000.0, 1059.9), (1060.8, 1120.9), (1122.0, None))


def test_the_attempt_in_progress_begins_with_its_hold_and_the_rest_is_to_come():
    rotation = rotation_of(run_of(*ROTATED), CHAIN, HOLDS, 1150.0, NAMES)
    assert [(a.index, a.profile, a.started_at) for a in rotation.attempts] == [
        (1, "atlas:alpha", 1000.0), (2, "atlas:beta", 1060.8), (3, None, 1122.0),
    ]  # fmt: skip
    assert (rotation.attempts[2].provider, rotation.attempts[2].ended_at) == ("borealis", None)
    assert [a.provider for a in rotation.to_come] == ["borealis", "cygnus"]
    assert (rotation.total, rotation.timeouts, rotation.finished) == (5, 2, False)
    assert rotation.free_by == pytest.approx(1122.0 + 3 * (60 + beside(rotation)))
    limit = "the running attempt and 2 attempts to come, each at most 1m 00s (idle timeout)"
    assert (rotation.free_by_how or "").startswith(f"{limit} and about ")
    assert rotation.policy is not None
    assert rotation.policy.would_stop_at == 1
    assert rotation.policy.avoidable_ms == 60_200 + 28_000


@pytest.mark.parametrize(
    ("configured", "told_ms", "version", "longest_s"),
    [
        (None, None, None, 900.0),
        (None, None, Version(2026, 7, 35), 180.0),
        (300.0, None, None, 300.0),
        (0.0, None, None, 900.0),
        (300.0, 120_000, None, 120.0),
    ],
)
def test_a_compaction_lasts_as_long_as_its_line_the_configuration_or_the_version_says(
    configured, told_ms, version, longest_s
):
    line = CompactionTimeout(1180.0, "r1", "s1", "…; extending deadline: …", extra_ms=told_ms)
    chain = replace(CHAIN, compaction_timeout_s=configured)
    rotation = rotation_of(run_of(*ROTATED, line), chain, HOLDS, 1185.0, NAMES, version)
    assert rotation.free_by == pytest.approx(1180.0 + longest_s + 2 * (60 + beside(rotation, version)))


def test_a_compaction_before_the_occupation_puts_nothing_off():
    line = CompactionTimeout(900.0, "r1", "s1", "attempting compaction", tries=2)
    with_line = rotation_of(run_of(line, *ROTATED), CHAIN, HOLDS, 1150.0, NAMES)
    assert with_line.free_by == rotation_of(run_of(*ROTATED), CHAIN, HOLDS, 1150.0, NAMES).free_by


def test_a_decision_that_knows_of_no_fallback_goes_before_the_chain():
    alone = decision(1060.0, "rotate_profile", "atlas:alpha", fallback_configured=False)
    rotation = rotation_of(
        run_of(alone), CHAIN, chain_of_holds((1000.0, 1059.9), (1060.8, None)), 1080.0, NAMES
    )
    assert rotation.attempts[1].profile == "atlas:beta"
    assert (rotation.total, rotation.to_come) == (2, ())
    assert rotation.free_by == pytest.approx(1060.8 + 60 + beside(rotation))


def test_an_attempt_that_takes_longer_than_it_may_is_told_to():
    within = rotation_of(run_of(*ROTATED), CHAIN, HOLDS, 1122.0 + 64.0, NAMES)
    each = 60 + beside(within)
    beyond = rotation_of(run_of(*ROTATED), CHAIN, HOLDS, 1122.0 + each + 19.0, NAMES)
    assert "exceeded" not in (within.free_by_how or "")
    assert (beyond.free_by_how or "").endswith("; the running attempt has exceeded that by 19 s")
    assert beyond.free_by == pytest.approx(1122.0 + each + 19.0 + 2 * each)


def test_a_next_profile_that_the_chain_does_not_know_is_one_of_the_same_model():
    chain = replace(CHAIN, candidates=(Candidate("atlas", "atlas-large", ("atlas:alpha",)),))
    rotation = rotation_of(
        run_of(*ROTATED[:1]), chain, chain_of_holds((1000.0, 1059.9), (1060.8, None)), 1080.0
    )
    assert [(a.provider, a.model) for a in rotation.attempts] == [("atlas", "atlas-large")] * 2


def _hang_of_2026_2_9(attempts: int) -> list[Event]:
    return [RunTimeout(1060.0 + 61.0 * n, "r1", "s1", 60_000) for n in range(attempts)]


def test_timeouts_without_any_decision_make_a_rotation_of_all_models_in_order():
    holds = [(1000.0 + 61.0 * n, 1059.9 + 61.0 * n) for n in range(5)]
    left = [("atlas:beta", 4), ("borealis:alpha", 3), ("borealis:beta", 2), ("cygnus:solo", 1)]
    for done, (_profile, count) in enumerate(left, 1):
        standing = chain_of_holds(*holds[:done], (holds[done][0], None))
        rotation = rotation_of(run_of(*_hang_of_2026_2_9(done)), CHAIN, standing, 1070.0 + 61.0 * done)
        assert (rotation.timeouts, len(rotation.attempts), rotation.total) == (done, done + 1, 5)
        assert len(rotation.to_come) == count - 1
    assert rotation.attempts[0].duration_s(0.0) == pytest.approx(60.0)
    assert rotation.policy is not None
    assert rotation.policy.would_stop_at == 1


def test_where_a_run_timeout_ends_the_run_nothing_follows_it():
    rotation = rotation_of(run_of(*_hang_of_2026_2_9(1)), CHAIN, None, 1061.0, version=Version(2026, 7, 35))
    assert (rotation.total, rotation.to_come) == (1, ())


def test_a_promised_attempt_that_has_not_begun_is_still_to_come():
    rotation = rotation_of(run_of(*ROTATED), CHAIN, None, 1125.0, NAMES)
    assert len(rotation.attempts) == 2
    assert [a.index for a in rotation.to_come] == [3, 4, 5]


def test_the_hold_that_has_just_been_decided_on_is_not_the_next_attempt():
    standing = chain_of_holds((1000.0, None))
    assert len(rotation_of(run_of(ROTATED[0]), CHAIN, standing, 1060.1, NAMES).attempts) == 1


def test_a_lock_taken_long_after_the_last_decision_belongs_to_another_run():
    later = chain_of_holds((5000.0, None))
    rotation = rotation_of(run_of(*ROTATED), CHAIN, later, 5010.0, NAMES)
    assert all(a.ended_at is not None for a in rotation.attempts)
    assert not followed_up(later.recent, 1121.0)


def test_the_profile_names_the_provider_where_the_decision_lags_behind():
    lagging = decision(1180.0, "rotate_profile", "cygnus:solo", provider="borealis", model="borealis-medium")
    attempt = rotation_of(run_of(lagging), None, None, 1180.0, NAMES).attempts[0]
    assert (attempt.profile, attempt.provider, attempt.model) == ("cygnus:solo", "cygnus", None)


def test_the_last_profile_of_a_model_is_named_before_any_line_tells():
    events = [*ROTATED, decision(1182.0, "rotate_profile", "borealis:alpha")]
    holds = chain_of_holds((1122.0, 1181.9), (1183.0, None))
    assert rotation_of(run_of(*events), CHAIN, holds, 1190.0, NAMES).attempts[-1].profile == "borealis:beta"


def test_without_a_configuration_the_log_counts_the_models():
    rotation = rotation_of(run_of(*ROTATED), None, HOLDS, 1150.0, NAMES)
    assert len(rotation.to_come) == 1
    assert rotation.total is None
    assert rotation.free_by == pytest.approx(1122.0 + 2 * (60 + beside(rotation)))
    assert rotation.free_by_how is not None
    assert "configuration is not known" in rotation.free_by_how


def test_a_candidate_tried_in_spite_of_its_cooldown_is_the_present_one_and_a_skipped_one_is_gone():
    probe = ModelFallbackDecision(
        1.0,
        "r1",
        "probe_cooldown_candidate",
        1,
        3,
        candidate="atlas/atlas-large",
        next_candidate="borealis/borealis-medium",
    )
    timed_out = decision(60.0, "rotate_profile", "atlas:alpha")
    holds = chain_of_holds((0.0, 60.0), (61.0, None))
    plain = rotation_of(run_of(timed_out), CHAIN, holds, 70.0, NAMES)
    assert rotation_of(run_of(probe, timed_out), CHAIN, holds, 70.0, NAMES) == plain
    skipped = ModelFallbackDecision(0.5, "r1", "skip_candidate", 1, 3, candidate="atlas/atlas-large")
    later = decision(60.0, "rotate_profile", "borealis:alpha", provider="borealis", model="borealis-medium")
    seen = rotation_of(run_of(skipped, later), CHAIN, holds, 70.0, NAMES)
    assert [a.profile for a in (seen.attempts[-1], *seen.to_come)] == ["borealis:beta", "cygnus:solo"]


def test_a_model_chosen_for_the_session_shortens_the_chain():
    shorter = failed(1121.1, 1, "borealis/borealis-medium", "cygnus/cygnus-small", total=2)
    rotation = rotation_of(run_of(shorter), CHAIN, HOLDS, 1150.0, NAMES)
    assert rotation.total == 2
    assert rotation.to_come == ()


def test_a_finished_run_has_nothing_to_come():
    rotation = rotation_of(
        run_of(*ROTATED, failed(1200.0, 3, "cygnus/cygnus-small", None)), CHAIN, HOLDS, 1300.0
    )
    assert (rotation.finished, rotation.to_come, rotation.free_by) == (True, (), None)


def test_three_candidates_on_one_lock_are_no_model_failures():
    names = ["atlas/atlas-large", "borealis/borealis-medium", "cygnus/cygnus-small", None]
    run = run_of(
        *[failed(10.0 + n, n + 1, names[n] or "", names[n + 1], lock_timeout=LOCK) for n in range(3)]
    )
    rotation = rotation_of(run, CHAIN, None, 20.0)
    assert (rotation.lock_failures, rotation.timeouts) == (3, 0)
    assert kept_out_sentence(run) == (
        "3 candidates failed on one lock held by pid 37121: these are no failures of a model"
    )


def test_from_2026_7_1_a_run_timeout_ends_the_run():
    bounded = FailoverChain(CHAIN.candidates, idle_timeout_s=0, run_timeout_s=20.0)
    holds = chain_of_holds((1000.0, None))
    old, new = (
        rotation_of(
            run_of(AttemptStarted(1000.0, "r1")), bounded, holds, 1005.0, NAMES, Version(2026, month, 5)
        )
        for month in (4, 7)
    )
    assert (len(old.to_come), old.free_by) == (4, 1100.0 + 5 * beside(old, Version(2026, 4, 5)))
    assert (len(new.to_come), new.free_by) == (0, 1020.0 + beside(new, Version(2026, 7, 5)))


def test_a_gap_may_be_longer_where_a_decision_promised_a_follow_up():
    assert gap_grace(None) == 3.0
    assert gap_grace(run_of(ROTATED[0])) == 30.0
    assert gap_grace(run_of(ROTATED[0], AttemptStarted(1061.0, "r1"))) == 3.0
    assert gap_grace(run_of(ROTATED[0]), chain_of_holds((1000.0, 1059.9))) == 30.0
    assert gap_grace(run_of(ROTATED[0]), chain_of_holds((1000.0, 1059.9), (1060.8, 1070.0))) == 3.0


def test_attempts_are_unbroken_over_gaps_of_up_to_thirty_seconds():
    attempts = (
        Attempt(1, started_at=0.0, ended_at=60.0),
        Attempt(2, started_at=95.0, ended_at=140.0),
        Attempt(3, started_at=158.5, ended_at=211.0),
        Attempt(4, started_at=212.0),
    )
    assert [a.index for a in unbroken(attempts, 240.0)] == [2, 3, 4]
    assert unbroken(attempts[:3], 250.0) == ()


def folded(scenario: str) -> RunBook:
    return fold_all(RunBook(), read_events(RECORDINGS / scenario / "gateway.log"))


def test_the_recorded_hang_is_four_occupations_of_five_attempts():
    keys = {"9af0dae9-8ec6-489e-bfec-ba2f058a1ce9": "agent:silas:main"}
    past = occupations_from_runs(folded("2026.4.5-incident-hang"), keys)
    assert [len(occupation.attempts) for occupation in past] == [5, 5, 5, 5]
    assert [o.session_key for o in past].count("agent:silas:main") == 1
    assert all(o.held_ms == pytest.approx(100_000, abs=2500) and o.held_ms < o.ms < 135_000 for o in past)
    assert [a.profile for a in past[0].attempts] == list(PROFILES)
    assert {o.policy.would_stop_at for o in past} == {1}
    assert all(o.policy.avoidable_ms == pytest.approx(80_000, abs=2500) for o in past)


def test_attempts_that_never_got_the_lock_occupy_nothing():
    past = occupations_from_runs(folded("2026.4.5-incident-hang-with-local-probe"))
    assert [[a.index for a in occupation.attempts] for occupation in past] == [[2]]


def test_an_attempt_of_the_past_of_which_nothing_tells_the_start_has_no_duration():
    refused = decision(1060.0, "rotate_profile", "atlas:alpha", reason="auth", timed_out=False)
    (past,) = occupations_from_runs(
        fold_all(RunBook(), [refused, decision(1120.0, "surface_error", "atlas:beta")])
    )
    assert (past.since, past.attempts[0].duration_s(past.until)) == (1060.0, None)
    (heard,) = occupations_from_runs(fold_all(RunBook(), [AgentEnd(1050.0, "r1", "auth"), refused]))
    assert (heard.since, heard.held_ms) == (1050.0, 10_000)


def test_idle_timeouts_of_the_past_take_their_length_from_the_setting():
    (past,) = occupations_from_runs(fold_all(RunBook(), ROTATED), idle_s=55.0)
    assert (past.since, past.until, past.held_ms) == (1005.0, 1121.0, 110_000)


def test_attempts_far_apart_are_two_occupations():
    apart = [RunTimeout(20.0, "r1", None, 20_000), decision(20.1, "rotate_profile", "a"),
             RunTimeout(80.0, "r1", None, 20_000), decision(80.1, "rotate_profile", "b")]  # fmt: skip
    assert len(occupations_from_runs(fold_all(RunBook(), apart))) == 2


def test_one_failed_caller_is_counted_once_however_many_lines_tell_of_it():
    book = folded("2026.4.5-incident-hang-with-local-probe")
    ((path, failures),) = failures_by_subject(book).items()
    blocked = blocked_on(failures)
    assert path.endswith("7f313556-2fe6-4f45-a759-bb6ac6241cee.jsonl.lock")
    assert blocked.count == 1
    assert blocked.sentences == (
        "1 caller failed on the lock held by pid 20673",
        "2 candidates failed on one lock held by pid 20673: these are no failures of a model",
    )


def test_callers_that_failed_at_once_are_all_counted_and_older_ones_not():
    lanes = [LaneTaskError(t, "session:k", "k", 10_000, "x", LOCK) for t in (5.0, 50.0, 50.1)]
    waits = [LaneWait(60.0, "session:k", "k", 18_220)]
    book = fold_all(RunBook(), [*lanes, *waits])
    blocked = blocked_on(failures_by_subject(book)[PATH], waits_by_key(book)["k"], since=40.0)
    assert (blocked.count, blocked.last) == (3, 60.0)
    assert blocked.sentences[1] == "1 message waited in the lane, up to 18 s"
    assert blocked_on() is NOBODY_BLOCKED


spans = st.lists(st.floats(0, 3000), max_size=8).map(sorted)
told = st.lists(
    st.one_of(
        st.builds(AttemptStarted, st.floats(0, 3000), st.just("r1")),
        st.builds(
            decision, st.floats(0, 3000), st.sampled_from(["rotate_profile", "fallback_model", "surface_error"]),
            st.sampled_from(PROFILES), timed_out=st.booleans(),
        ),
        st.builds(
            failed, st.floats(0, 3000), st.integers(-2, 9), st.sampled_from(["atlas/atlas-large", "x", ""]),
            st.sampled_from(["cygnus/cygnus-small", "y", None]), total=st.none() | st.integers(-3, 9),
        ),
    ),
    min_size=1, max_size=12,
)  # fmt: skip


@given(told, spans, st.floats(-100, 4000), st.booleans())
def test_any_run_at_any_time_gives_a_sane_rotation(
    events: list[Event], times: list[float], now: float, known: bool
):
    pairs = list(zip(times[::2], times[1::2], strict=False))
    occupation = chain_of_holds(*pairs) if pairs else None
    rotation = rotation_of(run_of(*events), CHAIN if known else None, occupation, now, NAMES)
    assert rotation.free_by is None or (rotation.free_by < now) == rotation.free_by_passed
    assert rotation.policy is not None
    assert rotation.policy.avoidable_ms is None or rotation.policy.avoidable_ms >= 0
    assert [a.index for a in (*rotation.attempts, *rotation.to_come)] == list(
        range(1, len(rotation.attempts) + len(rotation.to_come) + 1)
    )
    for past in occupations_from_runs(fold_all(RunBook(), events)):
        assert past.held_ms is None or past.held_ms >= 0
        assert past.since <= past.until
