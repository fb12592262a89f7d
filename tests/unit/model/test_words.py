"""Numbers and lengths of time in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockdeck.backend.model.words import (
    UNKNOWN,
    date_and_time,
    duration,
    hour_and_minute,
    local,
    time_of_day,
    times,
)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-1, "0 s"), (0.42, "0.4 s"), (3, "3 s"), (42.4, "42 s"), (59.7, "1m 00s"), (860, "14m 20s"), (7500, "2h 05m"),
     (100_000, "1d 03h"), (3600, "1h 00m")],
)  # fmt: skip
def test_lengths_of_time_in_words(seconds: float, words: str):
    assert duration(seconds) == words


def test_numbers_with_their_nouns():
    assert times(0, "attempt") == "0 attempts"
    assert (times(1, "attempt"), times(2, "attempt"), times(2, "try", "tries")) == (
        "1 attempt",
        "2 attempts",
        "2 tries",
    )


MOMENT = 1_775_863_601.0
DAY = 86_400


def test_moments_are_written_in_the_zone_of_the_machine():
    at = local(MOMENT)
    assert at is not None
    assert at.timestamp() == MOMENT
    assert time_of_day(MOMENT) == at.strftime("%H:%M:%S")
    assert hour_and_minute(MOMENT) == at.strftime("%H:%M")
    assert date_and_time(MOMENT) == at.strftime("%Y-%m-%d %H:%M:%S")


def test_a_moment_of_another_day_has_its_date():
    assert time_of_day(MOMENT, MOMENT) == time_of_day(MOMENT)
    assert time_of_day(MOMENT, MOMENT + DAY) == date_and_time(MOMENT)


@given(st.floats())
def test_any_moment_can_be_written(moment: float):
    at = local(moment)
    assert (time_of_day(moment) == UNKNOWN) is (at is None)
    assert len(time_of_day(moment)) in (1, 8)


@pytest.mark.parametrize("moment", [1e12, 1e300, -1e300, float("nan"), float("inf")])
def test_a_moment_that_no_calendar_holds_is_unknown(moment: float):
    assert time_of_day(moment) == time_of_day(moment, MOMENT) == date_and_time(moment) == UNKNOWN
    assert hour_and_minute(moment) == "an unknown time"
