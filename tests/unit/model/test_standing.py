"""The time that rules are handed tells until when their answers stand."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockdeck.backend.model.fleet import State
from lockdeck.backend.model.locks import Judgement, Verdict
from lockdeck.backend.model.runs.events import CallerRefusal
from lockdeck.backend.model.runs.records import Blocked, Hold, Occupation
from lockdeck.backend.model.sessions.facts import SessionFacts
from lockdeck.backend.model.sessions.refusals import Refusals
from lockdeck.backend.model.sessions.state import assess
from lockdeck.backend.model.sessions.wedges import Wedge
from lockdeck.backend.model.standing import SLACK_S, Passing, Standing
from lockdeck.backend.model.words import duration, time_of_day

NOW = 1_775_000_000.0
Rule = Callable[[float, float, float], object]
RULES: dict[str, Rule] = {
    "a length against a limit": lambda now, at, limit: now - at <= limit,
    "a limit against a length": lambda now, at, limit: limit < now - at,
    "both ends": lambda now, at, limit: 0 <= now - at <= limit,
    "the greater": lambda now, at, limit: max(0.0, now - at) > limit,
    "the lesser of the rest": lambda now, at, limit: min(limit, at - now) < 3.0,
    "a moment": lambda now, at, limit: now - limit >= at,
    "a sum": lambda now, at, limit: sum([at, limit, -now]) > 0,
    "half": lambda now, at, limit: (now - at) / 2 > limit and 3 * (now - at) < 9 * limit,
    "how far": lambda now, at, limit: abs(at - now) < limit,
    "the same": lambda now, at, limit: now - at == limit or now != at,
    "the opposite": lambda now, at, limit: -(now - at) > -limit,
    "whether any": lambda now, at, _limit: bool(now - at),
    "in words": lambda now, at, _limit: duration(now - at),
    "in words, to come": lambda now, at, _limit: duration(at - now),
    "in whole seconds": lambda now, at, limit: round(now - at) > limit,
    "in digits": lambda now, at, _limit: f"{now - at:.2f} or {now}",
    "in parts": lambda now, at, _limit: (
        int(now - at),
        (now - at) // 60,
        divmod(now, 60),
        7 % (now - at + 1e9),
    ),
    "by a calendar": lambda now, at, _limit: time_of_day(at, now),
    "in order": lambda now, at, limit: sorted([now, at + limit, at]).index(now),
}
lengths = st.floats(0, 10_000, allow_nan=False).map(lambda length: round(length, 2))


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
@given(
    ago=st.floats(-5000, 5000).map(lambda ago: round(ago, 2)),
    limit=lengths,
    share=st.floats(0, 1, exclude_max=True),
)
def test_until_its_moment_an_answer_is_the_same_whenever_it_is_asked(rule: Rule, ago, limit, share):
    standing = Standing(NOW)
    answer = rule(standing.now, NOW - ago, limit)
    assert answer == rule(NOW, NOW - ago, limit)
    until = min(standing.until, NOW + 20_000)
    later = NOW + share * (until - NOW)
    assert later >= until or rule(later, NOW - ago, limit) == answer


facts = st.builds(
    SessionFacts,
    judgement=st.sampled_from(
        [None, Judgement(Verdict.HELD, ("held",), False), Judgement(Verdict.DEAD, ("dead",), True)]
    ),
    occupation=st.builds(
        lambda since, held, gap: Occupation(
            "/x.jsonl.lock", NOW - since - held, 1, (Hold("a", 7, NOW - since - held, gap and NOW - since),)
        ),
        lengths,
        lengths,
        st.booleans(),
    )
    | st.none(),
    blocked=st.builds(lambda ago: Blocked(2, NOW - ago, ("2 callers failed",)), lengths),
    refused=st.none()
    | st.builds(
        lambda first, last: Refusals(3, NOW - first - last, NOW - last, CallerRefusal.CLAIMED),
        lengths,
        lengths,
    ),
    wedge=st.none()
    | st.builds(lambda since, last: Wedge(NOW - since - last, NOW - last, aborts=2), lengths, lengths),
    transcript_at=st.none() | lengths.map(lambda ago: NOW - ago),
    asked_at=st.none() | lengths.map(lambda ago: NOW - ago),
    process_at=st.none() | lengths.map(lambda ago: NOW - ago),
    max_hold_ms=st.none() | st.integers(0, 3_000_000),
    store_status=st.sampled_from([None, "running", "done"]),
    gateway_tells=st.booleans(),
    previous=st.none() | st.sampled_from([(State.RUNNING, NOW - 40.0), (State.STUCK, NOW - 20.0)]),
)


@given(facts, st.floats(0, 1, exclude_max=True))
def test_a_session_is_judged_the_same_until_its_next_moment(facts, share):
    standing = Standing(NOW)
    judged = assess(facts, standing.now)
    assert judged == assess(facts, NOW)
    later = NOW + share * (min(standing.until, NOW + 20_000) - NOW)
    assert later >= standing.until or assess(facts, later) == judged


def test_what_does_not_depend_on_time_stands_for_ever():
    standing = Standing(NOW)
    assert (standing.now - 5.0) - standing.now == -5.0
    assert type(standing.now - (standing.now - 5.0)) is float
    assert standing.until == math.inf


def test_what_was_not_asked_for_is_a_plain_number_and_stands_for_now():
    standing = Standing(NOW, asked=False)
    assert type(standing.now) is float
    assert standing.until == NOW


def test_a_number_that_is_taken_out_of_time_stands_no_longer():
    for take in (float, int, str, hash, round, math.floor, math.ceil):
        standing = Standing(NOW)
        assert isinstance(standing.now, Passing)
        assert take(standing.now) == take(NOW)
        assert standing.until <= NOW + 0.5 - SLACK_S
