"""Times as people write them, and spans between them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockdeck.backend.model.timespan import Timespan, read_time

NOW = datetime(2026, 4, 9, 12, 30, tzinfo=UTC).timestamp()
ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.floats(-1e9, 4e9)


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("90m", "2026-04-09T11:00:00"),
        ("2h", "2026-04-09T10:30:00"),
        ("1h30m ago", "2026-04-09T11:00:00"),
        ("1.5h", "2026-04-09T11:00:00"),
        ("1d", "2026-04-08T12:30:00"),
        ("09:15", "2026-04-09T09:15:00"),
        ("09:15:30", "2026-04-09T09:15:30"),
        ("12:31", "2026-04-08T12:31:00"),
        ("2026-04-09", "2026-04-09T00:00:00"),
        ("2026-04-09T10:00", "2026-04-09T10:00:00"),
        ("2026-04-09 10:00", "2026-04-09T10:00:00"),
        ("2026-04-09T10:00+02:00", "2026-04-09T08:00:00"),
        ("2026-04-09T10:00:00.250Z", "2026-04-09T10:00:00.250"),
    ],
)
def test_a_time_is_read_as_people_write_it(text, when):
    assert read_time(text, NOW, UTC) == datetime.fromisoformat(when).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    "text", ["", "10", "25:00", "10:60", "yesterday", "2h30", "h", "-2h", "2026-13-01", "٣h"]
)
def test_what_is_no_time_is_none(text):
    assert read_time(text, NOW, UTC) is None


@given(st.text(max_size=30), MOMENTS)
def test_any_text_is_a_time_or_none(text, now):
    assert isinstance(read_time(text, now, UTC), float | None)


@given(MOMENTS, ZONES)
def test_an_iso_time_comes_back_in_every_zone(at, zone):
    moment = datetime.fromtimestamp(at, zone)
    assert read_time(moment.isoformat(), NOW) == moment.timestamp()
    assert read_time(moment.replace(tzinfo=None).isoformat(), NOW, zone) == moment.timestamp()


@given(st.integers(0, 23), st.integers(0, 59), st.floats(0, 4e9), ZONES)
def test_a_time_of_day_is_the_last_one(hour, minute, now, zone):
    at = read_time(f"{hour}:{minute:02}", now, zone)
    assert at is not None
    assert now - 86400 < at <= now
    there = datetime.fromtimestamp(at, zone)
    assert (there.hour, there.minute) == (hour, minute)


@given(st.none() | MOMENTS, st.none() | MOMENTS, MOMENTS, st.floats(0, 1e6))
def test_a_span_meets_what_shares_a_moment_with_it(since, until, begin, length):
    end = begin + length
    lower = begin if since is None else max(since, begin)
    upper = end if until is None else min(until, end)
    if since is None or until is None or since <= until:
        assert Timespan(since, until).meets(begin, end) == (lower <= upper)
