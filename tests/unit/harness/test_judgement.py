"""The judge of the live matrix: what counts as a false green, a timeout behind a run, and a flip."""

from __future__ import annotations

import pytest

from tests.live.matrix.judgement import (
    Answer,
    attempts_logged,
    false_greens,
    false_reds,
    flips,
    given_up_at,
    timeouts_behind,
)
from tests.live.provider import Mode, ProviderRequest


def request(number: int, began_at: float, ended_at: float | None, mode: Mode = Mode.HANG) -> ProviderRequest:
    return ProviderRequest(number, "atlas", "large", "key", mode, "main", began_at, ended_at)


HANG = [request(1, 0, 10), request(2, 11, 20), request(3, 21, None)]


@pytest.mark.parametrize(("state", "code"), [("idle", 1), ("failed", 1), ("running", 0), ("stuck", 0)])
def test_an_answer_that_hides_a_third_attempt_is_a_false_green(state: str, code: int) -> None:
    assert list(false_greens([Answer(25, 25.3, {"main": state}, code)], HANG, retries=True))


@pytest.mark.parametrize("unseen", [False, True])
def test_a_session_without_a_row_is_hidden_unless_the_answer_says_that_some_are(unseen: bool) -> None:
    assert bool(list(false_greens([Answer(5, 5.3, {}, 1, unseen)], HANG, retries=True))) is not unseen


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Answer(25, 25.3, {"main": "stuck"}, 1), "it says so"),
        (Answer(5, 5.3, {"main": "running"}, 0), "nothing has timed out yet"),
        (Answer(10.5, 10.8, {"main": "idle"}, 0), "no request is open"),
        (Answer(21.2, 21.5, {"main": "idle"}, 1), "the request has just begun"),
    ],
)
def test_an_answer_that_what_is_open_supports_is_none(answer: Answer, why: str) -> None:
    assert not list(false_greens([answer], HANG, retries=True)), why


@pytest.mark.parametrize(
    "line",
    [
        '{"1": {"event": "embedded_run_failover_decision", "runId": "r1"}}',
        "embedded run timeout: runId=r1 sessionId=s",
    ],
)
def test_an_attempt_that_never_reached_the_provider_is_counted_by_openclaws_own_line(line: str) -> None:
    log = "\n".join((line, line.replace("r1", "r2"), '{"1": "something else", "runId": "r1"}', line))
    assert attempts_logged("r1", log) == 2


def test_timeouts_are_those_in_a_row_since_the_last_request_that_was_answered() -> None:
    assert timeouts_behind("main", 30, HANG, retries=True) == 2
    answered = [*HANG[:2], request(4, 22, 23, Mode.OK), request(5, 24, 25)]
    assert timeouts_behind("main", 30, answered, retries=True) == 1


@pytest.mark.parametrize(
    ("asked", "state", "wrong"),
    [
        (1, "running", False),
        (1, "rotating", True),
        (1, "failed", True),
        (2, "rotating", False),
        (2, "stuck", True),
        (3, "stuck", False),
    ],
)
def test_a_slow_stream_is_no_worse_than_the_attempts_that_were_given_up(
    asked: int, state: str, wrong: bool
) -> None:
    slow = [request(1, 0, 10, Mode.SLOW), request(2, 11, 20, Mode.SLOW), request(3, 21, None, Mode.SLOW)]
    answer = Answer(25, 25.3, {"main": state}, 1)
    assert bool(list(false_reds([answer], slow[:asked], retries=True))) is wrong


def test_what_was_given_up_later_is_no_reason_yet() -> None:
    slow = [request(1, 0, 10, Mode.SLOW), request(2, 11, None, Mode.SLOW)]
    assert list(false_reds([Answer(5, 5.3, {"main": "rotating"}, 0)], slow, retries=True))


def test_what_openclaw_itself_gave_up_needs_no_request_that_left() -> None:
    line = (
        '{"0":"{\\"subsystem\\":\\"agent\\"}","1":{"event":"embedded_run_failover_decision","runId":"r1",'
        '"decision":"%s"},"time":"1970-01-01T00:00:%02dZ"}\n'
    )
    log = (
        line % ("rotate_profile", 10)
        + line % ("surface_error", 20)
        + line.replace("r1", "r2") % ("rotate_profile", 2)
    )
    logged = {"main": given_up_at("r1", log)}
    assert logged == {"main": [10.0]}
    slow = [request(1, 11, None, Mode.SLOW)]
    judged = [
        list(false_reds([Answer(at, at + 0.3, {"main": state}, 1)], slow, retries=True, logged=logged))
        for at, state in ((5, "rotating"), (12, "rotating"), (12, "stuck"))
    ]
    assert [bool(told) for told in judged] == [True, False, True]


def test_a_timeout_gives_up_an_attempt_where_no_release_tells_decisions() -> None:
    log = '{"1":"embedded run timeout: runId=r1 sessionId=s timeoutMs=8000","time":"1970-01-01T00:00:07Z"}\n'
    assert given_up_at("r1", log) == [7.0]


@pytest.mark.parametrize(
    ("states", "count"),
    [
        (["idle", "running", "rotating", "stuck", "failed"], 0),
        (["idle", "running", "rotating", "stuck", "running", "stuck", "idle"], 1),
        (["running", "stuck", "idle", "stuck", "unknown", "stuck"], 2),
        (["running", "stuck", "rotating", "failed"], 0),
    ],
)
def test_a_flip_is_better_and_then_worse_again(states: list[str], count: int) -> None:
    assert flips(states) == count
