"""What has no date stays apart from what has one: no moment of a scale is of now, none of two scales is compared."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockdeck.backend.model.moments import (
    DAY_S,
    MOST_DAYS,
    MOST_STREAMS,
    Telling,
    clock_text,
    is_dated,
    iso,
    on_scale,
    same_scale,
    seconds_between,
    span_written,
    telling_of,
    written,
)

SCALES = [telling for telling in Telling if telling is not Telling.DATE]
moments = st.builds(
    on_scale,
    st.sampled_from(SCALES),
    st.integers(0, MOST_STREAMS - 1),
    st.floats(-DAY_S * MOST_DAYS + 1, DAY_S * MOST_DAYS - 1),
)


@given(moments)
def test_a_moment_without_a_date_is_on_no_calendar_and_long_before_now(moment):
    assert not is_dated(moment)
    assert iso(moment) is None
    assert moment < -1e11


@given(st.sampled_from(SCALES), st.integers(0, MOST_STREAMS - 1), st.integers(0, 86_399))
def test_a_clock_is_written_as_the_log_writes_it(telling, stream, seconds):
    moment = on_scale(telling, stream, 40 * DAY_S + seconds + 0.25)
    clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    text = {Telling.CLOCK: clock, Telling.MONTH_DAY: f"Feb 10 {clock}", Telling.ORDER: None}[telling]
    assert (telling_of(moment), clock_text(moment)) == (telling, text)
    assert written(moment) == (text or "time not told")


@given(moments, moments | st.floats(0, 2e9))
def test_nothing_is_measured_between_two_scales(one, other):
    lasted = seconds_between(one, other)
    assert (lasted is None) == (not same_scale(one, other) or telling_of(one) is Telling.ORDER)


def test_differences_of_clocks_are_exact_to_the_millisecond():
    for stream in (0, MOST_STREAMS - 1):
        start = on_scale(Telling.CLOCK, stream, 3600.004)
        assert seconds_between(start, on_scale(Telling.CLOCK, stream, 4200.01)) == pytest.approx(
            600.006, abs=5e-4
        )


def test_a_span_says_what_its_log_does_not_tell():
    clocks = [on_scale(Telling.CLOCK, 3, 9 * 3600 + minutes * 60) for minutes in (0, 20)]
    days = [on_scale(Telling.MONTH_DAY, 3, 59 * DAY_S + minutes * 60) for minutes in (0, 20)]
    lines = [on_scale(Telling.ORDER, 3, 1.0)] * 2
    assert span_written(*clocks) == "from 09:00:00 to 09:20:00 (no date in this log)"
    assert span_written(*days) == "from Feb 29 00:00:00 to Feb 29 00:20:00 (no year in this log)"
    assert span_written(*lines) == "(time not told)"
    assert span_written(0.0, 60.0) == "(1970-01-01T00:00:00.000Z to 1970-01-01T00:01:00.000Z)"
