"""Blocked callers and holds of an agent over the last minutes."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from backend.model.fleet import FleetSnapshot, SessionView
from backend.model.runs import Blocked, Hold, Occupation
from tests.tui.samples import NOW, ROOT, incident, session
from tests.tui.stage import dashboard, frame, show
from tui.pulse import BUCKETS, Beat, Pulse, advance, recent, spark
from tui.symbols import ASCII, UNICODE

SILAS = (ROOT, "silas")


def occupied(holds: int, since: float = NOW, callers: int = 0) -> SessionView:
    last = Hold("x", 396, since + holds)
    return session(
        "silas",
        "main",
        occupation=Occupation("/x.lock", since, holds, (last,)),
        blocked=Blocked(callers, NOW),
    )


def at(moment: float, *views: SessionView) -> FleetSnapshot:
    return replace(incident(), generated_at=moment, sessions=views, locks=())


def lived(*snapshots: FleetSnapshot) -> tuple[Beat, ...]:
    pulse, before = Pulse(), None
    for snapshot in snapshots:
        pulse, before = advance(pulse, before, snapshot), snapshot
    return recent(pulse, SILAS, snapshots[-1].generated_at)


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
