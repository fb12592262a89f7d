"""No time that no line tells: order and differences hold without a date, and a date comes from a line that tells it."""

from __future__ import annotations

import json
import tempfile
import time
import tracemalloc
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockdeck.backend.model.moments import Telling, clock_text, is_dated, iso, telling_of
from lockdeck.backend.openclaw.log.stream import EventStream, LineCounts
from lockdeck.backend.watch.logs.replay import Replay, replay
from lockdeck.tui.cli.replaying.as_json import replay_json
from tests.unit.openclaw.wrappers import (
    HANG,
    SPREADS,
    TIMED,
    WRAPS,
    Line,
    clocked,
    console,
    recorded,
    rendered,
    saved,
    terminal,
    tslog,
    undated,
)

SCENARIOS = (HANG, "2026.9.6-hang-whole-chain")
UNTIMED = sorted(set(WRAPS) - TIMED)
YEARLESS = {name for name in UNTIMED if name.startswith(("journal", "syslog"))} | {"ts"}
LINES = recorded(HANG)
WHOLE = {line.iso("seconds")[:19] for line in LINES}
"""The times of the recorded lines, to the second."""


def events(raw: bytes) -> list:
    stream, counts = EventStream(), LineCounts()
    return [*stream.feed(raw, counts), *stream.finish(counts)]


def history(raw: bytes) -> Replay:
    with tempfile.TemporaryDirectory() as folder:
        return replay([saved(Path(folder), raw)])


def runs(past: Replay) -> list:
    """Return what is told of the runs apart from times."""
    return sorted(
        (
            one.run.run_id,
            [(attempt.index, attempt.reason, attempt.decision) for attempt in one.run.attempts],
            [decision.event.decision for decision in one.decisions],
        )
        for one in past.runs
    )


def lengths(past: Replay) -> dict[str, list]:
    """Return how long the occupations of each run and their attempts took, in seconds."""
    spans: dict[str, list] = {}
    for one in sorted(past.occupations, key=lambda one: one.since):
        spans.setdefault(one.run_id, []).extend(attempt.duration_s(one.until) for attempt in one.attempts)
        spans[one.run_id].append(None if one.ms is None else one.ms / 1000)
    return spans


@cache
def plain(scenario: str) -> Replay:
    return history(rendered(recorded(scenario), console))


def absolute_times(value: object) -> list[str]:
    """Return every whole time in an answer."""
    if isinstance(value, dict):
        return [time for entry in value.values() for time in absolute_times(entry)]
    if isinstance(value, list):
        return [time for entry in value for time in absolute_times(entry)]
    return [value] if isinstance(value, str) and value[:4].isdigit() and value.endswith("Z") else []


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("form", [clocked, terminal, undated])
@pytest.mark.parametrize("name", UNTIMED)
def test_without_a_date_runs_and_differences_are_those_of_the_dated_log(name, form, scenario):
    if form is undated and name not in YEARLESS:
        return
    past, dated = history(rendered(recorded(scenario), form, WRAPS[name])), plain(scenario)
    telling = Telling.MONTH_DAY if name in YEARLESS else Telling.CLOCK
    assert {telling_of(one.run.last_activity) for one in past.runs} == {telling}
    assert runs(past) == runs(dated)
    for run_id, expected in lengths(dated).items():
        assert lengths(past)[run_id] == pytest.approx(expected, abs=1.01)
    assert absolute_times(json.loads(json.dumps(replay_json(past)["occupations"]))) == []
    assert past.totals.unread == 0


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("name", [name for name in UNTIMED if name not in YEARLESS | {"ts -i"}])
def test_without_any_time_runs_keep_their_order_and_nothing_is_measured(name, scenario):
    past = history(rendered(recorded(scenario), undated, WRAPS[name]))
    assert {telling_of(one.run.last_activity) for one in past.runs} == {Telling.ORDER}
    assert runs(past) == runs(plain(scenario))
    assert {length for spans in lengths(past).values() for length in spans} == {None}
    assert {one.held_ms for one in past.occupations} == {None}
    assert absolute_times(replay_json(past)["runs"]) == []


def shifted(lines: list[Line], ahead: timedelta) -> list[Line]:
    return [
        Line(line.at + ahead, line.raw, line.level, line.subsystem, line.message, line.meta) for line in lines
    ]


@pytest.mark.parametrize("minutes", range(0, 1440, 90))
def test_a_midnight_passes_where_the_clock_falls_back_by_hours(minutes):
    lines = shifted(LINES, timedelta(minutes=minutes))
    for form, wraps in ((clocked, ()), (undated, (WRAPS["syslog 3164"],))):
        past = history(rendered(lines, form, *wraps))
        for run_id, expected in lengths(plain(HANG)).items():
            assert lengths(past)[run_id] == pytest.approx(expected, abs=1.01)


def at_clock(clock: str, run: str = "r") -> bytes:
    return f"{clock} [agent] embedded run timeout: runId={run} sessionId=s timeoutMs=1\n".encode()


def differences(raw: bytes) -> list[float]:
    first, *others = (event.at for event in events(raw))
    return [at - first for at in others]


def test_a_line_that_does_not_concern_us_tells_that_a_midnight_has_passed():
    between = b"23:00:00 [gateway] ready\n11:00:00 [gateway] ready\n"
    assert differences(at_clock("10:00:00") + at_clock("10:20:00")) == [1200]
    for wrap in (WRAPS["compose"], WRAPS["grep -n"], WRAPS["coloured"]):
        lines = (at_clock("10:00:00") + between * 2 + at_clock("10:20:00")).decode().splitlines()
        raw = "".join(f"{wrap(LINES[0], line)}\n" for line in lines).encode()
        assert differences(raw) == [87_600 + 86_400]


def test_midnights_pass_however_many_lines_are_between_and_cost_no_memory():
    day = b"".join(b"%02d:%02d:00 [gateway] ready\n" % (minute // 60, minute % 60) for minute in range(1440))
    quiet = b"10:00:01 [gateway] ready\n" * 3000
    raw = at_clock("09:59:00") + quiet + (day * 3)[27 * 601 :] + at_clock("10:20:00")
    assert differences(raw) == [3 * 86_400 + 1260]
    stream, counts = EventStream(), LineCounts()
    tracemalloc.start()
    try:
        for _ in range(40):
            assert len(list(stream.feed(at_clock("10:00:00") + quiet, counts))) == 1
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("clocks", "expected"),
    [
        (("10:00:05", "10:00:03", "10:00:06"), [-2, 1]),
        (("23:59:59", "00:00:01", "23:59:58", "00:00:02"), [2, -1, 3]),
        (("02:59:59", "02:00:00"), [-3599]),
        (("14:00:00", "09:00:00"), [68_400]),
    ],
)
def test_a_small_step_back_is_no_midnight(clocks, expected):
    assert differences(b"".join(map(at_clock, clocks))) == expected


def test_new_year_passes_where_the_month_falls_back():
    raw = b"".join(
        WRAPS["syslog 3164"](line, clocked(line)).encode() + b"\n"
        for line in shifted(LINES[:12], datetime(2027, 1, 1, tzinfo=UTC) - LINES[6].at)
    )
    told = [event.at for event in events(raw)]
    assert told == sorted(told)
    assert told[-1] - told[0] < 600
    assert clock_text(told[0])[:6] == "Dec 31"
    assert clock_text(told[-1])[:6] == "Jan 01"


def test_from_the_end_of_february_on_nothing_is_measured_since_the_year_is_not_told():
    lines = [
        f"{day} 12:00:00 gwhost node[8]: [agent] embedded run timeout: runId=r sessionId=s timeoutMs=1\n"
        for day in ("Feb 28", "Mar 01", "Mar 01")
    ]
    told = [telling_of(event.at) for event in events("".join(lines).encode())]
    assert told == [Telling.MONTH_DAY, Telling.ORDER, Telling.ORDER]


DATED = b"2026-05-09T10:00:00+02:00 [gateway] ready\n"


@pytest.mark.parametrize(
    ("above", "clock", "expected"),
    [
        (DATED, "10:00:07", "2026-05-09T08:00:07.000Z"),
        (DATED, "10:00:07+02:00", "2026-05-09T08:00:07.000Z"),
        (DATED, "09:00:07+00:00", "2026-05-09T09:00:07.000Z"),
        (DATED, "01:00:00Z", "2026-05-10T01:00:00.000Z"),
        (b"Log file: /tmp/openclaw/openclaw-2026-05-09.log\n", "00:30:07+02:00", "2026-05-08T22:30:07.000Z"),
        (b"Log file: /tmp/openclaw/openclaw-2026-05-09.log\n", "00:30:07", None),
        (DATED, "08:00:07", None),
        (DATED, "10:20:00", None),
        (b"[gateway] ready at 2026-05-09T10:00:00+02:00\n", "10:00:07", None),
    ],
)
def test_a_clock_has_the_date_of_a_line_above_that_shows_the_same_clock_or_where_it_tells_its_zone(
    above, clock, expected
):
    (event,) = events(above + at_clock(clock))
    assert iso(event.at) == expected


def test_a_dated_line_further_down_gives_no_date_to_those_above_and_splits_no_run():
    raw = at_clock("10:00:00") + DATED + at_clock("10:00:07")
    assert [is_dated(event.at) for event in events(raw)] == [False, False]
    assert differences(raw) == [7]


def test_the_year_is_that_of_a_dated_line_above_that_shows_the_same_day_and_clock():
    line = "May {} 10:00:07 gwhost node[8]: [agent] embedded run timeout: runId=r sessionId=s timeoutMs=1\n"
    (same,), (other,) = (events(DATED + line.format(day).encode()) for day in ("09", "10"))
    assert iso(same.at) == "2026-05-09T08:00:07.000Z"
    assert telling_of(other.at) is Telling.MONTH_DAY


def test_what_two_logs_without_a_date_tell_of_a_run_is_never_put_together(tmp_path):
    half = len(LINES) // 2
    paths = [
        saved(tmp_path, rendered(part, clocked), name)
        for part, name in ((LINES[:half], "one.txt"), (LINES[half:], "two.txt"))
    ]
    past = replay(paths)
    whole = plain(HANG)
    assert len(past.runs) > len(whole.runs)
    longest = max(length for spans in lengths(whole).values() for length in spans)
    assert max(length for spans in lengths(past).values() for length in spans if length) <= longest + 1


def test_a_log_with_a_date_and_one_without_tell_the_attempts_of_a_run_once(tmp_path):
    paths = [saved(tmp_path, rendered(LINES, form), f"{form.__name__}.log") for form in (tslog, clocked)]
    past, alone = replay(paths), replay(paths[:1])
    assert [one.run.attempts for one in past.runs] == [one.run.attempts for one in alone.runs]
    assert all(is_dated(one.run.last_activity) for one in past.runs)


forms = st.sampled_from([tslog, console, clocked, terminal, undated])
pieces = st.builds(
    lambda line, form, wraps: rendered([line], form, *wraps),
    st.sampled_from(LINES),
    forms,
    st.lists(st.sampled_from([wrap for name, wrap in WRAPS.items() if name != "ts -i"]), max_size=3),
) | st.builds(
    lambda line, wrap, form: wrap([line], form),
    st.sampled_from(LINES),
    st.sampled_from(list(SPREADS.values())),
    forms,
)
garbled = st.builds(
    lambda raw, place, junk: raw[:place] + junk + raw[place + len(junk) :],
    pieces,
    st.integers(0, 900),
    st.sampled_from([b"", b"\x00", b"}", b" ", b"\xff\xfe", b"\n", b"["]),
)


@settings(deadline=None)
@given(st.lists(pieces | garbled, max_size=10), st.lists(st.integers(0, 9000), max_size=5))
def test_every_absolute_time_stands_in_a_line_and_cuts_change_nothing(parts, cuts):
    raw = b"".join(parts)
    stream, counts, told, begin = EventStream(), LineCounts(), [], 0
    for end in [*sorted(cuts), len(raw)]:
        told += stream.feed(raw[begin:end], counts)
        begin = max(begin, end)
    told += stream.finish(counts)
    assert told == events(raw)
    assert {iso(event.at)[:19] for event in told if is_dated(event.at)} <= WHOLE


@settings(deadline=None)
@given(
    st.lists(
        st.builds(
            lambda clock: f"{clock // 3600:02}:{clock // 60 % 60:02}:{clock % 60:02}", st.integers(0, 86_399)
        ),
        max_size=60,
    )
)
def test_any_clocks_keep_an_order_within_two_hours_and_are_shown_as_written(clocks):
    told = [event.at for event in events(b"".join(map(at_clock, clocks)))]
    assert [clock_text(at) for at in told] == clocks
    assert all(later - earlier >= -7200 for earlier, later in pairwise(told))


def test_a_clock_that_falls_back_for_ever_ends_in_lines_without_a_time():
    raw = b"".join(at_clock(clock) for clock in ("23:00:00", "11:00:00")) * 3000
    told = [telling_of(event.at) for event in events(raw)]
    assert told[0] is Telling.CLOCK
    assert told[-1] is Telling.ORDER
    assert set(told) == {Telling.CLOCK, Telling.ORDER}


@pytest.mark.parametrize(
    ("above", "stamp", "expected", "zoneless"),
    [
        ("2026-05-09T12:00:00+02:00", "2026-05-09 12:00:07", "2026-05-09T10:00:07.000Z", 0),
        ("2026-05-09T12:00:00-05:30", "2026-05-09T12:00:07.5", "2026-05-09T17:30:07.500Z", 0),
        ("2026-05-09T12:00:00Z", "2026-05-09 12:00:07 UTC", "2026-05-09T12:00:07.000Z", 0),
        ("2026-05-09T12:00:00Z", "2026-05-09 12:00:07", "2026-05-09T09:00:07.000Z", 1),
    ],
)
def test_a_time_without_a_zone_is_of_the_zone_that_lines_above_tell_else_of_this_host_and_counted(
    above, stamp, expected, zoneless, monkeypatch
):
    monkeypatch.setenv("TZ", "Etc/GMT-3")
    time.tzset()
    try:
        counts = LineCounts()
        raw = at_clock(above) + at_clock(stamp)
        told = [*EventStream().feed(raw, counts)]
    finally:
        monkeypatch.undo()
        time.tzset()
    assert iso(told[1].at) == expected
    assert counts.zoneless == zoneless


@pytest.mark.parametrize(
    ("around", "clock", "expected"),
    [
        ("2026-05-09T10:00:00.5Z", "12:00:00", "2026-05-09T10:00:00.500Z"),
        ("2026-05-09T10:00:00.5Z", "12:00:00+02:00", "2026-05-09T10:00:00.500Z"),
        ("2026-05-09T00:00:04Z", "23:59:58+00:00", "2026-05-08T23:59:58.000Z"),
        ("2026-05-09T10:04:00Z", "12:00:00+02:00", "2026-05-09T10:00:00.000Z"),
    ],
)
def test_a_clock_inside_a_wrapper_with_a_whole_time_is_the_nearest_one_where_it_tells_its_zone(
    around, clock, expected
):
    (event,) = events(f"{around} ".encode() + at_clock(clock))
    assert iso(event.at) == expected
