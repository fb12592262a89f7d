"""Callers that were refused without any lock file in their way."""

from __future__ import annotations

import random

import pytest

from lockdeck.backend.model.runs.events import (
    CallerRefusal,
    Event,
    LaneTaskError,
    ModelFallbackDecision,
    TurnRefused,
    refusal_in,
)
from lockdeck.backend.model.runs.fold import RunBook, fold_all
from lockdeck.backend.model.runs.history import occupations_from_runs
from lockdeck.backend.model.runs.joins import runs_by_key, session_keys
from lockdeck.backend.model.runs.records import NOBODY_BLOCKED
from lockdeck.backend.model.runs.rotation import kept_out_sentence
from lockdeck.backend.model.sessions.refusals import Refusals, refusals_by_key, refusals_since, with_refused

KEY = "agent:main:main"
AT = 1_800_000_000.0
CLAIM = "Session s1 already has an active turn claim"


def lanes(at: float, error: str = CLAIM) -> list[Event]:
    """The two lines of one refused caller: lane main, then the session's lane."""
    return [
        LaneTaskError(at, "main", None, 7, error),
        LaneTaskError(at + 0.001, f"session:{KEY}", KEY, 7, error),
    ]


def refused_run(at: float, run_id: str, candidates: int = 6) -> list[Event]:
    """A run that walks its candidates, each refused 0.2 s after the one before."""
    lines: list[Event] = []
    for number in range(candidates):
        then = at + 0.2 * number
        lines += lanes(then)
        lines.append(
            ModelFallbackDecision(
                then + 0.01,
                run_id,
                "candidate_failed",
                number + 1,
                candidates,
                candidate=f"p/m{number}",
                reason="unknown",
                session_key=KEY,
                refusal=CallerRefusal.CLAIMED,
            )
        )
    return lines


def refused(events: list[Event], since: float = 0.0) -> Refusals | None:
    book = fold_all(RunBook(), events)
    told = refusals_by_key(book, session_keys(book, {}), runs_by_key(book, {}))
    assert set(told) <= {KEY}
    return refusals_since(told.get(KEY, ()), since)


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        (f"ActiveTurnClaimError: {CLAIM}", CallerRefusal.CLAIMED),
        ('Session "agent:a:b" changed while starting work. Retry.', CallerRefusal.CHANGED),
        ("Error: writer claim changed", CallerRefusal.CHANGED),
        ("restart recovery claim changed before agent adoption", CallerRefusal.CHANGED),
        (
            "GatewayDrainingError: Gateway is draining for restart; new tasks are not accepted",
            CallerRefusal.DRAINING,
        ),
        ("Error: timeout waiting for session store lock: /r/sessions.json", CallerRefusal.STORE_LOCK),
        ("Error: timeout acquiring session store lock: /r/sessions.json.lock", CallerRefusal.STORE_LOCK),
        ("FailoverError: Request was aborted.", None),
    ],
)
def test_an_error_is_a_refusal_by_openclaws_own_words(text, refusal):
    assert refusal_in(text) is refusal


def test_a_refused_caller_counts_once_however_many_lines_it_leaves():
    replies = [TurnRefused(AT + 0.02, "s1", None, CLAIM), TurnRefused(AT + 0.04, "s1", None, CLAIM)]
    assert refused([*lanes(AT), *replies]) == Refusals(1, AT, AT + 0.02, CallerRefusal.CLAIMED)


def test_a_refused_run_is_one_caller_however_many_of_its_candidates_were():
    found = refused([*refused_run(AT, "r1"), *refused_run(AT + 40.0, "r2")])
    assert found is not None
    assert (found.callers, found.candidates) == (2, 12)
    assert found.sentences(AT + 61.01) == (
        "2 callers refused, the last 20 s ago: the session has a turn already",
        "12 candidates failed on one claim: these are no failures of a model",
    )


def test_a_refused_run_without_a_name_is_one_caller_by_the_time_of_its_tasks():
    unnamed = [line for line in refused_run(AT, "r1") if isinstance(line, LaneTaskError)]
    found = refused(unnamed)
    assert found is not None
    assert found.callers == 1


def test_a_refused_candidate_is_no_failure_of_its_model_and_occupies_nothing():
    book = fold_all(RunBook(), refused_run(AT, "r1"))
    run = book.runs["r1"]
    assert {attempt.reason for attempt in run.attempts} == {"claim"}
    assert kept_out_sentence(run) == "6 candidates failed on one claim: these are no failures of a model"
    assert occupations_from_runs(book) == ()


def test_callers_refused_before_a_time_are_left_out():
    told = [*lanes(AT), *lanes(AT + 60.0)]
    found = refused(told, since=AT + 30.0)
    assert found is not None
    assert (found.callers, found.first) == (1, AT + 60.0)
    assert refused(told, since=AT + 90.0) is None


def test_refused_callers_and_waiting_messages_are_blocked():
    found = refused([*lanes(AT), *lanes(AT + 60.0)])
    blocked = with_refused(NOBODY_BLOCKED, found, queued=2)
    assert (blocked.count, blocked.last) == (4, AT + 60.001)
    assert blocked.sentences == (
        "2 callers refused: the session has a turn already",
        "2 messages waiting in the queue",
    )


def test_the_order_in_which_lines_come_changes_no_count():
    told = [*refused_run(AT, "r1"), *lanes(AT + 20.0), *refused_run(AT + 40.0, "r2")]
    expected = refused(told)
    assert expected is not None
    assert expected.callers == 3
    for seed in range(5):
        shuffled = told * 2
        random.Random(seed).shuffle(shuffled)
        assert refused(shuffled) == expected
