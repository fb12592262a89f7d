"""Blocked callers and holds of an agent over the last minutes."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from lockdeck.backend.model.changes import changes
from lockdeck.backend.model.fleet import FleetSnapshot, SessionView, State
from lockdeck.backend.model.runs.records import Blocked, Hold, Occupation
from lockdeck.tui.app import LockdeckApp
from lockdeck.tui.preferences.records import Preferences
from lockdeck.tui.view.lines import plain
from lockdeck.tui.view.sparkline import (
    BUCKETS,
    MINUTES,
    Beat,
    Pulse,
    advance,
    callers_line,
    holds_line,
    recent,
    spark,
    trend,
)
from lockdeck.tui.view.symbols import ASCII, UNICODE
from lockdeck.tui.widgets.table import Table
from tests.tui.samples import NOW, ROOT, incident, session
from tests.tui.stage import dashboard, frame, show

SILAS = ("", ROOT, "silas", "agent:silas:main")


def occupied(holds: int, since: float = NOW, callers: int = 0) -> SessionView:
    last = Hold("x", 396, since + holds)
    return session(
        "silas",
        "main",
        state=State.RUNNING,  # idle ones are folded
        occupation=Occupation("/x.lock", since, holds, (last,)),
        blocked=Blocked(callers, NOW),
    )


def at(moment: float, *views: SessionView) -> FleetSnapshot:
    return replace(incident(), generated_at=moment, sessions=views, locks=())


def step(pulse: Pulse, before: FleetSnapshot, after: FleetSnapshot) -> Pulse:
    return advance(pulse, changes(before, after), after.generated_at)


def lived(*snapshots: FleetSnapshot) -> tuple[Beat, ...]:
    pulse = Pulse()
    for before, snapshot in pairwise(snapshots):
        pulse = step(pulse, before, snapshot)
    return recent(pulse, SessionView(ROOT, "silas", "agent:silas:main", None), snapshots[-1].generated_at)


def test_only_what_is_new_is_counted() -> None:
    beats = lived(at(NOW, occupied(3, callers=2)), at(NOW + 1, occupied(5, callers=3)))
    assert beats[-1] == Beat(holds=2, callers=1)
    assert sum(beat.holds for beat in beats) == 2


def test_a_new_occupation_counts_all_its_holds() -> None:
    idle = session("silas", "main")
    assert lived(at(NOW, idle), at(NOW + 1, occupied(2)))[-1].holds == 2
    assert lived(at(NOW, occupied(9)), at(NOW + 60, occupied(1, since=NOW + 50)))[-1].holds == 1


def test_beats_move_to_the_left_and_leave_after_five_minutes() -> None:
    first, second = at(NOW, occupied(1)), at(NOW + 1, occupied(2))
    assert lived(first, second, at(NOW + 101, occupied(2)))[-11].holds == 1
    assert not any(beat.holds for beat in lived(first, second, at(NOW + 400, occupied(2))))


def test_an_agent_s_beats_are_those_of_its_sessions_also_of_one_that_left() -> None:
    def two(holds: int) -> tuple[SessionView, SessionView]:
        other = replace(occupied(holds), key="agent:silas:other")
        return occupied(holds), other

    beats = lived(at(NOW, *two(1)), at(NOW + 1, *two(3)), at(NOW + 2, two(3)[0]))
    assert beats[-1].holds == 4


def test_what_is_older_than_five_minutes_is_forgotten_with_its_session() -> None:
    first, second = at(NOW, occupied(1)), at(NOW + 1, occupied(2))
    pulse = step(Pulse(), first, second)
    assert set(pulse.beats) == {SILAS}
    assert step(pulse, second, at(NOW + 2)).beats == pulse.beats
    assert step(pulse, second, at(NOW + 320)).beats == {}


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 3), st.integers(0, 3)), max_size=30))
def test_no_more_than_five_minutes_are_ever_kept(steps: list[tuple[int, int, int]]) -> None:
    pulse, before, moment, holds, callers = Pulse(), at(NOW, occupied(1)), NOW, 1, 0
    for gap, more, blocked in steps:
        moment, holds, callers = moment + gap, holds + more, callers + blocked
        after = at(moment, occupied(holds, callers=callers))
        pulse, before = step(pulse, before, after), after
        kept = pulse.beats.get(SILAS, {})
        assert len(kept) <= BUCKETS
        assert all(moment // 10 - BUCKETS < bucket <= moment // 10 for bucket in kept)
        drawn = trend(pulse, SILAS, moment)
        assert len(drawn) in (0, MINUTES)
        assert sum(beat.holds for beat in drawn) <= sum(beat.holds for beat in kept.values())


def test_a_row_s_minutes_are_those_of_the_clock() -> None:
    minute = NOW // 60 * 60
    first, second = at(minute, occupied(1)), at(minute + 5, occupied(4, callers=1))
    pulse = step(Pulse(), first, second)
    assert trend(pulse, SILAS, minute + 6)[-1] == Beat(3, 1)
    assert trend(pulse, SILAS, minute + 59) == trend(pulse, SILAS, minute + 6)
    assert trend(pulse, SILAS, minute + 60)[-2:] == (Beat(3, 1), Beat())
    assert trend(pulse, SILAS, minute + 60 * MINUTES) == ()
    assert trend(pulse, (ROOT, "silas", "other"), minute) == ()


def test_one_hold_a_minute_looks_small() -> None:
    assert plain(holds_line([Beat(1), Beat(), Beat(4), Beat(2), Beat(0, 9)], UNICODE)) == "▂ █▄ "
    assert plain(callers_line([Beat(0, 1), Beat(0, 8)], ASCII)) == ".#"
    assert holds_line([Beat(0, 1)], UNICODE) == ()


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=BUCKETS))
def test_a_spark_has_one_cell_for_each_value_and_is_blank_only_for_nothing(values: list[int]) -> None:
    for symbols in (UNICODE, ASCII):
        drawn = spark(values, symbols)
        assert len(drawn) == len(values)
        assert [cell == " " for cell in drawn] == [value == 0 for value in values]
        if any(values):
            assert drawn[values.index(max(values))] == symbols.spark[-1]


async def test_the_session_screen_shows_its_agents_last_minutes() -> None:
    app = dashboard()
    async with app.run_test(size=(120, 80)) as pilot:
        await show(pilot, at(NOW, occupied(1)))
        await show(pilot, at(NOW + 0.5, occupied(4, callers=2)))
        await pilot.press("enter")
        await pilot.pause()
        shown = frame(app)
        assert "Agent silas in the last 5 minutes" in shown
        assert "█  0.6 a minute" in shown
        assert "█  2" in shown


SPARKS = Preferences(
    columns={"fleet": ("state", "agent", "session", "occupied", "churn", "callers", "trend")}
)


def spark_of(app: LockdeckApp, title: str) -> str:
    rows = frame(app).split("\n")
    x = next(row for row in rows if "CHURN" in row).index(title)
    return next(row for row in rows if "silas" in row)[x : x + MINUTES]


@pytest.mark.parametrize("size", [(120, 24), (140, 45)])
async def test_the_fleet_shows_the_last_minutes_of_a_session(size: tuple[int, int]) -> None:
    app = dashboard(now=NOW // 60 * 60 + 30, preferences=SPARKS)
    async with app.run_test(size=size) as pilot:
        await show(pilot, at(NOW // 60 * 60 - 50, occupied(1)))
        await show(pilot, at(NOW // 60 * 60 - 40, occupied(9, callers=1)))
        await show(pilot, at(NOW // 60 * 60 + 20, occupied(11, callers=5)))
        assert spark_of(app, "CHURN") == "   █▂"
        assert spark_of(app, "TREND") == "   ▂█"


async def test_a_narrow_fleet_has_no_sparks_and_a_plain_one_has_ascii() -> None:
    app = dashboard(env={"TERM": "linux"}, preferences=SPARKS)
    async with app.run_test(size=(120, 24)) as pilot:
        await show(pilot, at(NOW, occupied(1)))
        await show(pilot, at(NOW + 0.5, occupied(9, callers=1)))
        assert spark_of(app, "CHURN") == "    #"
        await pilot.resize_terminal(50, 24)
        await pilot.pause()
        assert "CHURN" not in frame(app)


async def test_a_row_is_not_painted_again_for_its_spark_before_a_minute_is_over() -> None:
    now = [NOW // 60 * 60 + 60]
    app = dashboard(clock=lambda: now[0], preferences=SPARKS)
    async with app.run_test(size=(140, 24)) as pilot:
        idle = replace(occupied(1), occupation=None)
        await show(pilot, at(now[0], idle, replace(idle, key="agent:silas:other")))
        took = replace(
            occupied(3), occupation=replace(occupied(3).occupation, recent=(Hold("x", 396, NOW, NOW),))
        )
        await show(pilot, at(now[0] + 1, took, replace(idle, key="agent:silas:other")))
        table, painted = app.screen.query_one(Table), list[object]()
        now[0] += 10  # the occupation is over for good
        app.screen.tick()
        table.refresh = lambda *regions, **_options: painted.extend(regions)  # type: ignore[method-assign]
        for _second in range(49):
            now[0] += 1
            app.screen.tick()
        assert painted == []
        now[0] += 1
        app.screen.tick()
        assert len(painted) == 1


async def test_a_paused_picture_keeps_its_sparks() -> None:
    now = [NOW // 60 * 60 + 5]
    app = dashboard(clock=lambda: now[0], preferences=SPARKS)
    async with app.run_test(size=(140, 24)) as pilot:
        await show(pilot, at(now[0] - 1, occupied(1)))
        await show(pilot, at(now[0], occupied(5)))
        await pilot.press("p")
        now[0] += 1000
        await show(pilot, at(now[0], occupied(6)))
        app.screen.tick()
        assert spark_of(app, "CHURN") == "    █"
        await pilot.press("p")
        assert spark_of(app, "CHURN") == "    ▂"
