"""Gateway events folded into runs."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from lockdeck.backend.model.runs.events import (
    AgentEnd,
    AllModelsFailed,
    AttemptStarted,
    AuthProfileFailure,
    CompactionTimeout,
    Event,
    FailoverDecision,
    GatewayRefused,
    LaneTaskError,
    LockTimeout,
    ModelFallbackDecision,
    ProfileTimedOut,
    PromptError,
    RotationCap,
    RunAborted,
    RunEnded,
    RunTimeout,
    StuckSession,
)
from lockdeck.backend.model.runs.fold import Limits, RunBook, fold_all
from lockdeck.backend.model.runs.joins import (
    key_of,
    runs_by_key,
    runs_without_session,
    session_keys,
    unjoined,
)
from lockdeck.backend.model.runs.life import RunOutcome
from lockdeck.backend.model.runs.profiles import profile_hash
from lockdeck.backend.model.runs.run import all_lives
from tests.folders import RECORDINGS
from tests.reading import read_events

LOCK = LockTimeout("/r/agents/silas/sessions/s.jsonl.lock", 10_000, 37121)


def decision(
    at: float, what: str = "rotate_profile", profile: str = "atlas:alpha", **more
) -> FailoverDecision:
    told = {"reason": "timeout", "timed_out": True, "aborted": True, **more}
    return FailoverDecision(at, "r1", "assistant", what, profile_hash=profile_hash(profile), **told)


def candidate(
    at: float, attempt: int, name: str, following: str | None, what: str = "candidate_failed", **more
):
    told = {"reason": "timeout", "total": 3, **more}
    return ModelFallbackDecision(at, "r1", what, attempt, candidate=name, next_candidate=following, **told)


HANG: list[Event] = [
    RunTimeout(20.0, "r1", "s1", 20_000),
    ProfileTimedOut(20.01, "atlas:alpha", False),
    decision(20.02, provider="atlas", model="atlas-large"),
    RunTimeout(41.0, "r1", "s1", 20_000),
    ProfileTimedOut(41.01, "atlas:beta", False),
    decision(41.02, "fallback_model", "atlas:beta", provider="atlas", model="atlas-large"),
    LaneTaskError(41.03, "session:agent:silas:main", "agent:silas:main", 41_000, "FailoverError: aborted"),
    candidate(41.04, 1, "atlas/atlas-large", "borealis/borealis-medium"),
    RunTimeout(62.0, "r1", "s1", 20_000),
    decision(62.02, "rotate_profile", "borealis:alpha", provider="atlas", model="atlas-large"),
    RunTimeout(83.0, "r1", "s1", 20_000),
    decision(83.02, "fallback_model", "borealis:beta", provider="borealis", model="borealis-medium"),
    candidate(83.04, 2, "borealis/borealis-medium", "cygnus/cygnus-small"),
    RunTimeout(104.0, "r1", "s1", 20_000),
    decision(104.02, "fallback_model", "cygnus:solo", provider="borealis", model="borealis-medium"),
    candidate(104.04, 3, "cygnus/cygnus-small", None),
    AllModelsFailed(104.05, 3, "All models failed (3)", "r1"),
]

DECISIONS = [event for event in HANG if isinstance(event, FailoverDecision)]


def only(*events: Event):
    (run,) = fold_all(RunBook(), events).runs.values()
    return run


def test_a_hang_through_two_two_and_one_profiles_makes_five_attempts():
    run = only(*HANG)
    assert [a.decision for a in run.attempts] == [
        "rotate_profile", "fallback_model", "rotate_profile", "fallback_model", "fallback_model",
    ]  # fmt: skip
    assert run.timeouts == 5
    assert [(a.started_at, a.ended_at) for a in run.attempts][:2] == [(0.0, 20.02), (21.0, 41.02)]
    assert (run.ended_at, run.outcome) == (104.05, RunOutcome.FAILED)
    assert run.session_id == "s1"
    assert run.session_key is None


def test_the_candidate_names_the_model_where_the_decision_lags_behind():
    models = [f"{a.provider}/{a.model}" for a in only(*HANG).attempts]
    assert models == ["atlas/atlas-large"] * 2 + ["borealis/borealis-medium"] * 2 + ["cygnus/cygnus-small"]


def test_after_a_fallback_the_line_before_names_the_model_while_the_candidate_goes_on():
    attempts = only(*HANG[:10]).attempts
    assert (attempts[2].provider, attempts[2].model) == ("borealis", "borealis-medium")
    skipped = candidate(42.0, 2, "borealis/borealis-medium", "cygnus/cygnus-small", "skip_candidate")
    attempts = only(*HANG[:8], skipped, decision(62.0, "fallback_model", "cygnus:solo")).attempts
    assert (attempts[2].provider, attempts[2].model) == ("cygnus", "cygnus-small")


def test_order_and_repetition_change_nothing():
    expected = fold_all(RunBook(), HANG)
    for seed in range(20):
        shuffled = HANG * 2
        random.Random(seed).shuffle(shuffled)
        assert fold_all(RunBook(), shuffled) == expected
    one_by_one = RunBook()
    for event in reversed(HANG):
        one_by_one = fold_all(one_by_one, [event])
    assert one_by_one == expected


def test_one_decision_told_by_two_sinks_is_one_attempt():
    spoken = [replace(event, at=event.at + 0.001, provider=None) for event in HANG if event in DECISIONS]
    for run in (only(*HANG, *spoken), only(*spoken, *HANG)):
        assert [(a.index, a.decision, a.by_timeout) for a in run.attempts] == [
            (a.index, a.decision, a.by_timeout) for a in only(*HANG).attempts
        ]
        assert len(run.decisions) == 5
        assert (run.ended_at, run.outcome) == (104.05, RunOutcome.FAILED)


@pytest.mark.parametrize("later_s", [-0.001, 0.0, 0.001])
@pytest.mark.parametrize(
    ("whole", "spoken"),
    [
        ({"reason": "timeout", "timed_out": False, "status": 500}, {"reason": "timeout", "timed_out": True}),
        (
            {"reason": "rate_limit", "timed_out": True, "fallback_configured": True},
            {"reason": "rate_limit", "timed_out": False},
        ),
    ],
)
def test_of_a_decision_that_log_and_console_tell_the_log_is_believed(later_s, whole, spoken):
    told = AgentEnd(19.0, "r1", "rate_limit", status=429), decision(20.0, **whole)
    alone, both = only(*told), only(*told, decision(20.0 + later_s, **spoken))
    assert [(a.reason, a.timed_out) for a in both.attempts] == [
        (a.reason, a.timed_out) for a in alone.attempts
    ]
    assert both.decisions == alone.decisions


def test_models_that_fail_at_once_are_attempts_each_also_where_the_console_alone_tells():
    run = only(*(decision(20.0 + n * 0.4, "fallback_model", timed_out=False) for n in range(3)))
    assert (len(run.attempts), len(run.decisions)) == (3, 3)


def test_a_run_that_a_trace_leaves_is_read_anew():
    named = fold_all(RunBook(), [AgentEnd(1.0, "z", None, trace_id="t"), RotationCap(2.0, "x", trace_id="t")])
    assert [type(fact) for fact in named.runs["z"].facts] == [AgentEnd, RotationCap]
    others = [AgentEnd(3.0, "a", None, trace_id="t"), AgentEnd(4.0, "b", None, trace_id="t")]
    assert fold_all(named, others) == fold_all(fold_all(named, others[:1]), others[1:])
    assert [type(fact) for fact in fold_all(named, others).runs["z"].facts] == [AgentEnd]


def test_models_of_one_provider_that_fail_at_once_on_the_same_profile_are_attempts_each():
    told = [
        decision(20.0, "fallback_model", reason="auth", timed_out=False),
        candidate(20.001, 1, "atlas/large", "atlas/small", reason="auth"),
        decision(20.4, "fallback_model", reason="auth", timed_out=False),
        candidate(20.401, 2, "atlas/small", None, reason="auth"),
    ]
    run = only(*told)
    assert [(a.model, a.reason) for a in run.attempts] == [("large", "auth"), ("small", "auth")]
    assert len(run.decisions) == 2


def test_log_and_transcript_tell_of_one_attempt():
    run = only(*HANG[:3], PromptError(19.9, "r1", "s1", "atlas", "atlas-large", "timed out"))
    assert len(run.attempts) == 1
    late = only(*HANG[:3], PromptError(21.0, "r1", "s1", "atlas", "atlas-large", "timed out"))
    assert len(late.attempts) == 1


def test_timeouts_without_decisions_are_attempts_and_promise_another():
    hang = [RunTimeout(20.0 + 21.0 * n, "r1", "s1", 20_000) for n in range(3)]
    run = only(*hang)
    assert [(a.started_at, a.ended_at, a.by_timeout) for a in run.attempts] == [
        (0.0, 20.0, True), (21.0, 41.0, True), (42.0, 62.0, True),
    ]  # fmt: skip
    assert run.promised_at == 62.0
    assert run.undecided


def test_a_timeout_that_two_sinks_tell_or_that_transcript_and_log_tell_is_one_attempt():
    twice = RunTimeout(20.0, "r1", "s1", 20_000), RunTimeout(20.03, "r1", "s1", 20_000)
    note = PromptError(20.2, "r1", "s1", "atlas", "m", "timed out")
    assert len(only(*twice, note).attempts) == 1
    assert len(only(replace(note, at=19.8), *twice).attempts) == 1


def test_a_timeout_after_which_the_prompt_is_tried_again_ends_no_attempt():
    again = CompactionTimeout(20.1, "r1", "s1", "attempting compaction", tries=2)
    run = only(RunTimeout(20.0, "r1", "s1", 20_000), again)
    assert (run.attempts, run.promised_at) == ((), None)


def test_the_end_of_a_run_is_no_promise_of_another_attempt():
    run = only(RunTimeout(20.0, "r1", "s1", 20_000), RunEnded(20.1, "r1", ok=False))
    assert (len(run.attempts), run.promised_at, run.outcome) == (1, None, RunOutcome.FAILED)


def test_a_transcript_alone_tells_of_its_attempts():
    run = only(
        *[PromptError(60.0 * n, "r1", "s1", "atlas", "m", "LLM request timed out.") for n in (1, 2, 3)]
    )
    assert [a.by_timeout for a in run.attempts] == [True, True, True]


def test_an_idle_timeout_has_no_run_timeout_line_and_still_ends_the_attempt():
    run = only(
        AttemptStarted(1.0, "r1"), decision(61.0), AttemptStarted(61.5, "r1"), decision(121.5, profile="b")
    )
    assert [(a.started_at, a.ended_at, a.by_timeout) for a in run.attempts] == [
        (1.0, 61.0, True),
        (61.5, 121.5, True),
    ]


def test_inner_tries_of_a_rate_limited_attempt_are_no_attempts():
    run = only(
        *[AgentEnd(float(n), "r1", "rate_limit", "atlas", "atlas-large", 429) for n in range(1, 5)],
        RunTimeout(20.0, "r1", "s1", 20_000),
        decision(20.02, reason="rate_limit"),
    )
    assert [(a.reason, a.timed_out, a.by_timeout) for a in run.attempts] == [("rate_limit", True, False)]


def test_a_server_error_that_openclaw_files_under_timeout_is_no_timeout():
    run = only(decision(20.0, timed_out=False, aborted=False))
    assert (run.attempts[0].reason, run.attempts[0].logged_reason) == ("provider_error", "timeout")
    assert run.timeouts == 0


def test_an_attempt_that_died_of_a_lock_timeout_has_only_a_failed_candidate():
    run = only(
        candidate(10.0, 1, "atlas/atlas-large", "borealis/borealis-medium", lock_timeout=LOCK),
        RunTimeout(35.0, "r1", "s1", 20_000),
        decision(35.1, profile="borealis:alpha"),
        candidate(47.0, 2, "borealis/borealis-medium", "cygnus/cygnus-small", lock_timeout=LOCK),
    )
    assert [a.reason for a in run.attempts] == ["lock", "timeout", "lock"]
    assert [a.provider for a in run.attempts] == ["atlas", "borealis", "borealis"]
    assert run.timeouts == 1
    assert run.lock_timeouts == (LOCK,)


def test_a_rotation_promises_a_follow_up_until_the_next_attempt_or_the_end():
    assert only(*HANG[:3]).promised_at == 20.02
    assert only(*HANG[:3], AttemptStarted(21.0, "r1")).promised_at is None
    assert only(*HANG[:8]).promised_at == 41.04
    assert only(*HANG).promised_at is None


def test_a_success_after_a_fallback_ends_the_run_well():
    done = candidate(70.0, 2, "borealis/borealis-medium", None, "candidate_succeeded", reason=None)
    run = only(*HANG[:8], done)
    assert (run.outcome, len(run.attempts)) == (RunOutcome.OK, 3)


def test_an_abort_that_openclaw_takes_for_a_timeout_does_not_end_the_run():
    aborted = RunAborted(10.0, "r1", "s1", True, "aborting run")
    assert only(aborted).outcome is RunOutcome.ABORTED
    assert only(aborted, decision(10.2)).outcome is None


def test_an_error_told_per_attempt_does_not_end_a_run_that_rotates():
    run = only(AttemptStarted(0.0, "r1"), decision(20.0), RunEnded(20.1, "r1", False))
    assert (run.ended_at, run.promised_at) == (None, 20.0)


def test_a_run_id_used_again_after_the_end_is_a_new_life():
    again = [RunTimeout(504.0, "r1", "s1", 20_000), decision(504.1)]
    book = fold_all(RunBook(), [*HANG, *again])
    assert len(book.runs["r1"].attempts) == 1
    assert book.runs["r1"].outcome is None
    lives = all_lives(book.runs["r1"])
    assert [(len(life.attempts), len(life.decisions)) for life in lives] == [(5, 5), (1, 1)]
    assert [life.facts[0].at for life in lives] == [20.0, 504.0]
    assert lives[0].facts + lives[1].facts == book.runs["r1"].facts


def test_a_run_that_begins_two_seconds_after_the_end_is_a_new_life_and_a_late_line_is_none():
    again = [replace(event, at=event.at + 86.0) for event in HANG if hasattr(event, "run_id")]
    lives = all_lives(fold_all(RunBook(), [*HANG, *again]).runs["r1"])
    assert [len(life.attempts) for life in lives] == [5, 5]
    assert [life.outcome for life in lives] == [RunOutcome.FAILED, RunOutcome.FAILED]
    late = [AgentEnd(106.0, "r1", "timeout"), PromptError(107.0, "r1", "s1", error="timed out")]
    assert len(all_lives(fold_all(RunBook(), [*HANG, *late]).runs["r1"])) == 1


def test_a_run_is_tied_to_a_session_only_by_ids():
    book = fold_all(RunBook(), [event for event in HANG if not isinstance(event, LaneTaskError)])
    assert runs_by_key(book, {}) == {}
    assert [run.run_id for run in runs_without_session(book, {})] == ["r1"]
    assert list(runs_by_key(book, {"s1": "agent:silas:main"})) == ["agent:silas:main"]
    told = fold_all(book, [StuckSession(50.0, "stuck", "s1", "agent:silas:main")])
    assert list(runs_by_key(told, {})) == ["agent:silas:main"]
    started = fold_all(book, [AttemptStarted(1.0, "r1", None, "agent:ezra:main")])
    assert key_of(started.runs["r1"], {"s1": "agent:silas:main"}) == "agent:ezra:main"
    assert session_keys(told, {"s1": "agent:x:main"}) == {"s1": "agent:x:main"}


def test_a_run_that_failed_on_a_lock_is_tied_to_the_session_whose_lane_failed_on_it():
    lane = LaneTaskError(9.0, "session:k", "k", 10_000, "locked", LOCK)
    failed = candidate(9.1, 1, "a/b", None, lock_timeout=LOCK)
    assert runs_by_key(fold_all(RunBook(), [lane, failed]), {}).keys() == {"k"}
    other = LaneTaskError(19.0, "session:l", "l", 10_000, "locked", LOCK)
    assert runs_by_key(fold_all(RunBook(), [lane, other, failed]), {}) == {}
    elsewhere = LaneTaskError(9.0, "session:k", "k", 10_000, "locked", LockTimeout("/else.lock", 10_000))
    assert runs_by_key(fold_all(RunBook(), [elsewhere, failed]), {}) == {}


def test_a_run_is_tied_to_a_session_by_a_trace_that_only_this_session_has():
    run = decision(20.0, trace_id="t1")
    lane = LaneTaskError(20.1, "session:k1", "k1", 1, "x", trace_id="t1")
    other = LaneTaskError(20.2, "session:k2", "k2", 1, "x", trace_id="t1")
    assert list(runs_by_key(fold_all(RunBook(), [run, lane]), {})) == ["k1"]
    assert runs_by_key(fold_all(RunBook(), [run, lane, other]), {}) == {}


def test_a_profile_timeout_belongs_to_the_decision_that_follows_within_two_seconds():
    book = fold_all(RunBook(), HANG[:3])
    assert unjoined(book) == ()
    assert book.profiles == {profile_hash("atlas:alpha"): "atlas:alpha"}
    late = [ProfileTimedOut(30.0, "atlas:alpha", False), decision(33.0)]
    assert [e.at for e in unjoined(fold_all(RunBook(), late))] == [30.0]
    twice = [ProfileTimedOut(1.0, "p", False), ProfileTimedOut(1.1, "p", False), decision(1.2, profile="p")]
    assert len(unjoined(fold_all(RunBook(), twice))) == 1


def test_the_hash_of_a_profile_is_the_one_openclaw_logs():
    assert profile_hash("atlas:alpha") == "sha256:cfcfc3d3ac52"


def test_a_flood_of_runs_and_lines_stays_bounded_keeps_the_newest_and_says_from_when_on_it_is_whole():
    limits = Limits(runs=100, facts=50, notices=70, waiting=60, traces=40, refused_starts=30)
    floods: list[tuple[list[Event], Callable[[RunBook], int], int]] = [
        ([AttemptStarted(float(n), f"r{n}") for n in range(300)], lambda book: len(book.runs), 100),
        ([AgentEnd(float(n), "r", "rate_limit") for n in range(300)], lambda b: len(b.runs["r"].facts), 50),
        ([ProfileTimedOut(float(n), f"p{n}", False) for n in range(300)], lambda b: len(unjoined(b)), 60),
        ([StuckSession(float(n), "stuck", "s", "k") for n in range(300)], lambda b: len(b.notices), 70),
        ([GatewayRefused(float(n), n) for n in range(300)], lambda b: len(b.refused_starts), 30),
        ([decision(float(n), trace_id=f"t{n}") for n in range(300)], lambda b: len(b.traces), 40),
    ]
    for told, count, limit in floods:
        book = fold_all(RunBook(limits=limits), told)
        assert (count(book), book.forgotten_at) == (limit, 299.0 - limit)
        again = told * 2
        random.Random(1).shuffle(again)
        for event in again:
            book = fold_all(book, [event])
        assert (count(book), book.forgotten_at) == (limit, 299.0 - limit)
    assert fold_all(RunBook(limits=limits), HANG).forgotten_at is None


def test_the_most_attempts_that_openclaw_makes_are_all_kept_with_six_lines_each():
    told = [
        replace(line, at=60.0 * n + line.at)
        for n in range(160)
        for line in (
            AttemptStarted(0.0, "r1"), AgentEnd(18.0, "r1", None), AgentEnd(19.0, "r1", None), RunTimeout(20.0, "r1", "s1", 20_000),
            AuthProfileFailure(20.01, "r1", None, None, "timeout"), decision(20.02),
        )
    ]  # fmt: skip
    run = only(*told)
    assert [len(run.attempts), run.attempts[-1].index, len(run.facts)] == [160, 160, 960]


def test_an_event_without_a_finite_time_is_left_out():
    assert fold_all(RunBook(), [AttemptStarted(float("nan"), "r")]) == RunBook()


LOGS = sorted(RECORDINGS.glob("2026.4.5-*/gateway.log"))


@pytest.mark.parametrize("file", LOGS, ids=lambda p: p.parent.name)
def test_a_recording_gives_the_runs_that_were_counted(file: Path):
    expected = json.loads((file.parent / "expected.json").read_text())
    book = fold_all(RunBook(), read_events(file))
    deciding = [r for r in book.runs.values() if any(isinstance(f, FailoverDecision) for f in r.facts)]
    assert len(deciding) == expected["runs_with_decisions"]


def folded(scenario: str) -> RunBook:
    file = RECORDINGS / scenario / "gateway.log"
    return fold_all(RunBook(), read_events(file))


def test_the_recorded_hang_is_four_runs_of_five_timed_out_attempts():
    book = folded("2026.4.5-incident-hang")
    assert [(len(r.attempts), r.timeouts, r.outcome) for r in book.runs.values()] == [(5, 5, "failed")] * 4
    assert {f"{a.provider}/{a.model}" for r in book.runs.values() for a in r.attempts[4:]} == {
        "cygnus/cygnus-small"
    }
    assert unjoined(book) == ()


def test_recorded_rate_limits_and_server_errors_are_not_taken_for_hangs():
    limited, broken = folded("2026.4.5-incident-error429"), folded("2026.4.5-incident-error500")
    assert [r.timeouts for r in limited.runs.values()] == [0, 0, 0, 0]
    assert {a.reason for r in limited.runs.values() for a in r.attempts} == {"rate_limit"}
    assert max(r.timeouts for r in broken.runs.values()) <= 1
    assert sorted(len(r.attempts) for r in broken.runs.values()) == [3, 5, 5, 5]


def test_the_recorded_local_probe_lost_two_candidates_to_the_lock():
    book = folded("2026.4.5-incident-hang-with-local-probe")
    (run,) = book.runs.values()
    assert [a.reason for a in run.attempts] == ["lock", "timeout", "lock"]
    assert {t.pid for t in run.lock_timeouts} == {20673}


ids = st.sampled_from(["r1", "r2", "r3"])
times = st.floats(-1e6, 2e9) | st.sampled_from([1.0, 2.0, 2.5])
profiles = st.none() | st.sampled_from([profile_hash("p"), profile_hash("q")])
names = st.none() | st.sampled_from(["atlas/a", "borealis/b", "odd", ""])
whys = st.sampled_from([None, "timeout", "rate_limit"])
events = st.one_of(
    st.builds(AttemptStarted, times, ids, st.sampled_from([None, "s1"]), st.sampled_from([None, "k1"])),
    st.builds(RunTimeout, times, ids, st.sampled_from([None, "s1", "s2"]), st.none() | st.integers(-5, 60_000)),
    st.builds(
        FailoverDecision, times, ids, st.just("assistant"),
        st.sampled_from(["rotate_profile", "fallback_model", "surface_error", "odd"]),
        reason=whys, profile_hash=profiles, timed_out=st.booleans(),
    ),
    st.builds(
        ModelFallbackDecision, times, st.none() | ids,
        st.sampled_from(["candidate_failed", "candidate_succeeded", "skip_candidate"]),
        st.none() | st.integers(-1, 5), st.none() | st.integers(-1, 5), candidate=names, next_candidate=names,
        lock_timeout=st.none() | st.just(LOCK),
    ),
    st.builds(PromptError, times, st.none() | ids, st.just("s1"), error=st.sampled_from([None, "timed out"])),
    st.builds(ProfileTimedOut, times, st.sampled_from(["p", "q", "\ud800"]), st.booleans()),
    st.builds(RunEnded, times, ids, st.booleans(), st.booleans()),
    st.builds(RunAborted, times, st.none() | ids, st.just("s1"), st.booleans(), st.just("x")),
    st.builds(AllModelsFailed, times, st.none(), st.just("x"), st.none() | ids),
    st.builds(StuckSession, times, st.just("stuck"), st.just("s1"), st.sampled_from(["k1", "k2"])),
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(events, max_size=30), st.randoms(use_true_random=False))
def test_any_events_in_any_order_and_twice_give_the_same_sane_book(told: list[Event], chance: random.Random):
    expected = fold_all(RunBook(), told)
    again = told * 2
    chance.shuffle(again)
    book = RunBook()
    for event in again:
        book = fold_all(book, [event])
    assert book == expected
    assert unjoined(book) == unjoined(expected)
    for run in book.runs.values():
        assert [a.index for a in run.attempts] == list(range(1, len(run.attempts) + 1))
        assert all((a.duration_s(0.0) or 0.0) >= 0 for a in run.attempts)
        assert all(a.ended_at is not None for a in run.attempts)
