"""The judge of the live matrix: what counts as a false green, a timeout behind a run, and a flip."""

from __future__ import annotations

import pytest

from tests.live.matrix.judgement import Answer, false_greens, flips, timeouts_behind
from tests.live.provider import Mode, ProviderRequest


def request(number: int, began_at: float, ended_at: float | None, mode: Mode = Mode.HANG) -> ProviderRequest:
    return ProviderRequest(number, "atlas", "large", "key", mode, "main", began_at, ended_at)


HANG = [request(1, 0, 10), request(2, 11, 20), request(3, 21, None)]


@pytest.mark.parametrize(("state", "code"), [("idle", 1), ("failed", 1), ("running", 0), ("stuck", 0)])
def test_an_answer_that_hides_a_third_attempt_is_a_false_green(state: str, code: int) -> None:
    assert list(false_greens([Answer(25, 25.3, {"main": state}, code)], HANG))


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
    assert not list(false_greens([answer], HANG)), why


def test_timeouts_are_those_in_a_row_since_the_last_request_that_was_answered() -> None:
    assert timeouts_behind("main", 30, HANG) == 2
    assert timeouts_behind("main", 30, [*HANG[:2], request(4, 22, 23, Mode.OK), request(5, 24, 25)]) == 1


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
