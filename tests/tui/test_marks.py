"""Marks: by identity, through sorting and filtering; bulk release by count."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from textual.widgets import Button

from lockdeck.backend.model.fleet import Severity, State
from lockdeck.tui.app import LockdeckApp
from lockdeck.tui.dialogs.release import ReleaseDialog
from lockdeck.tui.dialogs.result import ResultDialog
from lockdeck.tui.screens.fleet import FleetScreen
from lockdeck.tui.screens.locks import LocksScreen
from lockdeck.tui.table.marks import present_marks, toggled
from tests.tui.acting import SIZE, Yard
from tests.tui.samples import NOW, incident
from tests.tui.stage import UTF8, dashboard, frame, show, wait_for
from tests.unit.releasing import end

KEYS = st.tuples(st.sampled_from(["session", "lock"]), st.just("/root"), st.text(max_size=2))


@given(st.frozensets(KEYS), KEYS)
def test_marking_twice_is_not_marking(marks, key) -> None:
    assert toggled(toggled(marks, key), key) == marks
    assert (key in toggled(marks, key)) is (key not in marks)


@given(st.frozensets(KEYS), st.lists(KEYS, unique=True))
def test_marks_are_kept_for_rows_that_are_there(marks, rows) -> None:
    assert present_marks(marks, frozenset(rows)) == marks & set(rows)


def ready(app: LockdeckApp) -> bool:
    if not isinstance(app.screen, ReleaseDialog) or not app.screen.query("#ask-no"):
        return False
    closes = "Close" in str(app.screen.query_one("#ask-no", Button).label)
    return closes or bool(app.screen.query_one("#ask-yes").display)


async def test_space_marks_rows_and_goes_on_and_the_header_counts_them() -> None:
    app = dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, incident())
        first, second, third = app.screen.table.order[:3]
        await pilot.press("space", "space")
        assert app.screen.target_keys == (first, second)
        assert "2 MARKED" in frame(app)
        assert frame(app).count("✓") == 2
        assert app.screen.selected_key == third
        await pilot.press("up", "space")
        assert app.screen.target_keys == (first,)
        assert frame(app).count("✓") == 1


@pytest.mark.parametrize("key", ["u", "escape"])
async def test_u_and_escape_take_all_marks_off(key: str) -> None:
    app = dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, incident())
        await pilot.press("space", "space", key)
        assert app.screen.target_keys == (app.screen.selected_key,)
        assert "MARKED" not in frame(app)
        assert isinstance(app.screen, FleetScreen)


async def test_on_the_locks_escape_takes_marks_off_before_it_leads_back() -> None:
    app = dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, incident())
        await pilot.press("l", "space", "escape")
        assert isinstance(app.screen, LocksScreen)
        assert "MARKED" not in frame(app)
        await pilot.press("escape")
        assert isinstance(app.screen, FleetScreen)


async def test_marks_stay_with_their_rows_through_sorting_and_filtering() -> None:
    app = dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, incident())
        await pilot.press("down", "space")
        (marked,) = app.screen.target_keys
        views = tuple(
            replace(view, state=State.STUCK, severity=Severity.CRITICAL, since=NOW - 9999)
            if view.key == "agent:main:main"
            else view
            for view in incident().sessions
        )
        await show(pilot, replace(incident(), sessions=views))
        assert app.screen.target_keys == (marked,)
        await pilot.press("slash", *"whatsapp", "enter")
        await pilot.pause()
        assert app.screen.target_keys == (marked,)
        assert "1 MARKED, 1 of them filtered out" in frame(app)


async def test_the_mark_of_a_row_that_goes_is_dropped_with_a_note() -> None:
    app = dashboard()
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await show(pilot, incident())
        await pilot.press("space", "space")
        gone, stays = app.screen.target_keys
        left = tuple(view for view in incident().sessions if view.key != gone.name)
        await show(pilot, replace(incident(), sessions=left))
        assert app.screen.target_keys == (stays,)
        assert "1 MARKED" in frame(app)
        assert any("no longer marked" in str(note.message) for note in app._notifications)
        await show(pilot, incident())
        assert app.screen.target_keys == (stays,)


async def test_marks_are_seen_without_unicode() -> None:
    app = dashboard(env=UTF8 | {"LANG": "C"})
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, incident())
        await pilot.press("space")
        assert "\n*X stuck" in frame(app)
        assert frame(app).isascii()


async def test_marked_locks_are_released_after_their_count_is_typed_each_with_its_result(
    tmp_path: Path,
) -> None:
    yard = Yard(tmp_path)
    yard.dead("aaa", "bbb", "ccc")
    yard.session("one")
    holder = yard.hold()
    app = yard.dashboard()
    try:
        async with app.run_test(size=SIZE) as pilot:
            await yard.shown(pilot)
            for key in app.screen.table.order:
                if not key[3].endswith("ccc"):
                    app.screen.table.move_to(app.screen.table.order.index(key))
                    await pilot.press("space")
            await pilot.press("R")
            await wait_for(pilot, lambda: ready(app))
            shown = frame(app)
            assert "Release 2 of 3 locks" in shown
            assert "Will not be touched" in shown
            assert "this lock counts as held: only one whose process has provably" in shown
            await pilot.press("3", "enter")
            assert isinstance(app.screen, ReleaseDialog)
            await pilot.press("backspace", "2")
            raw = yard.replace_lock("bbb")
            await pilot.press("enter")
            await wait_for(
                pilot,
                lambda: isinstance(app.screen, ResultDialog) and not app.jobs.job(app.screen.number).running,
            )
            words = {piece.target.title: piece.word for piece in app.jobs.job(app.screen.number).pieces}
            assert words == {"main aaa": "released", "main bbb": "refused"}
            assert "2 of 2 done" in frame(app)
    finally:
        end(holder)
    assert not yard.lock_of("aaa").exists()
    assert yard.lock_of("bbb").read_bytes() == raw
    assert yard.lock_of("ccc").exists()
    assert yard.lock_of("one").exists()


async def test_h_shows_all_locks_of_the_holder() -> None:
    app = dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, incident())
        await pilot.press("h")
        assert isinstance(app.screen, LocksScreen)
        assert "/ holder:396" in frame(app)
        holders = {view.judgement.holder.pid for view in map(app.screen.items.get, app.screen.table.order)}
        assert holders == {396}
        assert len(app.screen.table.order) == 4
