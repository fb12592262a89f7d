"""Two logs of one gateway whose clocks are apart tell each attempt once; parts of one log are never taken for that."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockdeck.backend.model.runs.events import Event, FailoverDecision
from lockdeck.backend.model.runs.fold import RunBook, fold_all
from lockdeck.backend.model.runs.past.offsets import shift_to
from lockdeck.backend.openclaw.log.stream import parse_line
from lockdeck.backend.watch.logs.replay import Replay, replay
from tests.folders import RECORDINGS
from tests.unit.openclaw.wrappers import (
    WRAPS,
    Line,
    clocked,
    console,
    lines_of,
    rendered,
    tslog,
    undated,
)

SCENARIOS = ["2026.4.5-incident-hang", "2026.4.5-incident-error429", "2026.7.35-hang", "2026.9.1-error500"]
LOGS = {path.parent.name: lines_of(path) for path in sorted(RECORDINGS.glob("*/gateway.log"))}
OFFSETS = {"5 s": 5.0, "1 h": 3600.0, "a zone to the east": 19_800.0, "a zone to the west": -36_000.0}


def later(lines: list[Line], seconds: float) -> list[Line]:
    moved = timedelta(seconds=seconds)
    return [Line(x.at + moved, x.raw, x.level, x.subsystem, x.message, x.meta) for x in lines]


def zoneless(line: Line) -> str:
    return f"{line.strf('%Y-%m-%d %H:%M:%S.%f')} {undated(line)}"


def in_syslog(lines: list[Line]) -> bytes:
    return rendered(lines, undated, WRAPS["syslog 3164"])


def in_clocks(lines: list[Line]) -> bytes:
    return rendered(lines, clocked)


def saved(folder: Path, name: str, raw: bytes) -> str:
    (folder / name).write_bytes(raw)
    return str(folder / name)


def attempts(history: Replay) -> list[object]:
    return [(p.run.run_id, p.session_key, p.run.outcome, p.run.attempts) for p in history.runs]


def spans(history: Replay) -> list[object]:
    return [
        (past.run_id, past.session_key, past.since, past.until, past.attempts) for past in history.occupations
    ]


@pytest.mark.parametrize("offset", OFFSETS)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_console_whose_clock_is_another_tells_no_attempt_again(tmp_path: Path, scenario: str, offset: str):
    log = saved(tmp_path, "a.log", rendered(LOGS[scenario], tslog))
    shown = saved(tmp_path, "b.log", rendered(later(LOGS[scenario], OFFSETS[offset]), console))
    alone = replay([log])
    for both in (replay([log, shown]), replay([shown, log])):
        assert attempts(both) == attempts(alone)
        assert both.occupations == alone.occupations
        assert len(both.sources) == 1


def test_a_console_in_local_times_of_another_zone_tells_no_attempt_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    lines = LOGS["2026.4.5-incident-hang"]
    log = saved(tmp_path, "a.log", rendered(lines, tslog))
    # The container wrote at +05:45, and this host is elsewhere.
    shown = saved(tmp_path, "b.log", rendered(later(lines, 20_700.0), zoneless))
    assert attempts(replay([log, shown])) == attempts(replay([log]))


@pytest.mark.parametrize("form", [in_clocks, in_syslog])
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_console_without_dates_tells_no_attempt_again(
    tmp_path: Path, scenario: str, form: Callable[[list[Line]], bytes]
):
    log = saved(tmp_path, "a.log", rendered(LOGS[scenario], tslog))
    shown = saved(tmp_path, "b.log", form(later(LOGS[scenario], 7200.0)))
    alone = replay([log])
    for both in (replay([log, shown]), replay([shown, log])):
        assert attempts(both) == attempts(alone)
        # The end of a log is told less exactly in whole seconds.
        assert spans(both) == spans(alone)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_console_without_any_time_tells_no_attempt_again(tmp_path: Path, scenario: str):
    log = saved(tmp_path, "a.log", rendered(LOGS[scenario], tslog))
    shown = saved(tmp_path, "b.log", rendered(LOGS[scenario], undated))
    for both in (replay([log, shown]), replay([shown, log])):
        assert attempts(both) == attempts(replay([log]))


def test_two_consoles_and_the_log_are_told_by_the_clock_of_the_records(tmp_path: Path):
    lines = LOGS["2026.4.5-incident-hang"]
    names = [
        saved(tmp_path, "a.log", rendered(later(lines, 30.0), console)),
        saved(tmp_path, "b.log", rendered(later(lines, -3600.0), console)),
        saved(tmp_path, "c.log", rendered(lines, tslog)),
    ]
    alone = replay(names[2:])
    for order in (names, names[::-1], [names[2], *names[:2]]):
        assert attempts(replay(order)) == attempts(alone)


def test_that_a_clock_is_another_is_said(tmp_path: Path):
    lines = LOGS["2026.4.5-incident-hang"]
    log = saved(tmp_path, "a.log", rendered(lines, tslog))
    for seconds, words in ((30.0, "30 s ahead of"), (-30.0, "30 s behind"), (1.9, "")):
        shown = saved(tmp_path, "b.log", rendered(later(lines, seconds), console))
        problems = " ".join(replay([log, shown]).problems)
        assert (f"the clock of {shown} is {words} that of {log}" in problems) is bool(words)
    shown = saved(tmp_path, "b.log", rendered(lines, clocked))
    assert f"{shown} tells the runs of {log} without a date" in " ".join(replay([log, shown]).problems)


def test_the_end_of_a_log_whose_clock_is_another_stands_by_the_same_clock_as_its_runs(tmp_path: Path):
    lines = LOGS["2026.4.5-incident-hang"]
    half = lines[: len(lines) // 2]
    log = saved(tmp_path, "a.log", rendered(half, tslog))
    shown = saved(tmp_path, "b.log", rendered(later(half, 86_400.0), console))
    assert replay([log, shown]).occupations == replay([log]).occupations


def test_a_run_of_a_local_agent_may_come_again_and_is_no_second_telling(tmp_path: Path):
    lines = LOGS["2026.4.5-incident-hang-with-local-probe"]
    log = saved(tmp_path, "a.log", rendered(lines, tslog))
    again = saved(tmp_path, "b.log", rendered(later(lines, 3600.0), console))
    local = [p.run for p in replay([log]).runs if p.run.run_id == p.run.session_id]
    assert local
    both = [p.run for p in replay([log, again]).runs if p.run.run_id in {run.run_id for run in local}]
    assert sum(len(run.attempts) for run in both) == 2 * sum(len(run.attempts) for run in local)


def test_a_single_decision_that_both_tell_may_be_another():
    def book(at: float, *hashes: str) -> RunBook:
        decisions = [
            FailoverDecision(at + place, "r1", "assistant", "rotate_profile", "timeout", profile_hash=name)
            for place, name in enumerate(hashes)
        ]
        return fold_all(
            RunBook(), [*decisions, FailoverDecision(1000.0, "r1", "assistant", "retry_same_model")]
        )

    assert shift_to(book(0.0, "sha256:1"), book(30.0, "sha256:1")) is None
    shift = shift_to(book(0.0, "sha256:1", "sha256:2"), book(30.0, "sha256:1", "sha256:2"))
    assert shift is not None
    assert shift.seconds == 30.0


def events_of(lines: list[Line], form: Callable[[Line], str]) -> list[Event]:
    read = (parse_line(form(line).encode()) for line in lines)
    return [event for event in read if isinstance(event, Event)]


TOLD = {name: (events_of(lines, tslog), events_of(lines, console)) for name, lines in LOGS.items()}


@settings(deadline=None)
@given(st.sampled_from(sorted(TOLD)), st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1), st.booleans())
def test_parts_of_one_log_have_one_clock_however_it_is_divided(name, mine, yours, shown):
    records, words = TOLD[name]
    one = [event for place, event in enumerate(records) if mine >> place % 64 & 1]
    two = [event for place, event in enumerate(words if shown else records) if yours >> place % 64 & 1]
    assert shift_to(fold_all(RunBook(), one), fold_all(RunBook(), two)) is None


@settings(deadline=None)
@given(
    st.sampled_from(sorted(TOLD)),
    st.tuples(st.integers(0, 120), st.integers(1, 160)),
    st.tuples(st.integers(0, 120), st.integers(1, 160)),
    st.sampled_from([0.0, *OFFSETS.values()]),
)
def test_the_offset_that_is_found_between_two_pieces_is_the_true_one(name, mine, yours, offset):
    records = TOLD[name][0]
    words = events_of(later(LOGS[name], offset), console)
    one = fold_all(RunBook(), records[mine[0] : sum(mine)])
    two = fold_all(RunBook(), words[yours[0] : sum(yours)])
    shift = shift_to(one, two)
    assert shift is None or abs(shift.seconds - offset) < 0.1
