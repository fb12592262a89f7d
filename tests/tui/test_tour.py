"""The tour of the demo: it says so, leads through six steps, and each is done when the person has done it."""

from __future__ import annotations

from pathlib import Path

import pytest

from lockdeck.tui.screens.journal import JournalScreen
from lockdeck.tui.tour.tour import CANCELLED, RELEASED, STEPS, Tour
from tests.tui.acting import SIZE, Yard
from tests.tui.samples import incident
from tests.tui.stage import dashboard, frame, show, wait_for
from tests.tui.test_release import ended, press_release


@pytest.mark.parametrize("size", [(160, 50), (80, 24)])
async def test_each_step_names_its_key_and_can_be_skipped_to_the_end(size: tuple[int, int]) -> None:
    app = dashboard(tour=Tour())
    async with app.run_test(size=size) as pilot:
        await show(pilot, incident())
        for number in range(1, len(STEPS) + 1):
            shown = frame(app)
            assert "DEMO" in shown
            assert f" {number}/6 " in shown
            assert "+ next" in shown
            await pilot.press("plus")
        assert "The story is told" in frame(app)
        await pilot.press("plus")
        assert "The story is told" not in frame(app)


async def test_the_steps_are_hidden_and_shown_by_one_key() -> None:
    app = dashboard(tour=Tour())
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, incident())
        await pilot.press("minus")
        assert "1/6" not in frame(app)
        assert "DEMO" in frame(app)
        await pilot.press("minus")
        assert "1/6" in frame(app)


async def test_a_real_fleet_has_no_tour_and_its_keys_do_nothing() -> None:
    app = dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, incident())
        await pilot.press("plus", "minus")
        assert "DEMO" not in frame(app)
        assert "/6 " not in frame(app)


async def test_a_step_is_done_by_the_person_and_the_next_one_is_asked_for(tmp_path: Path) -> None:
    yard, tour = Yard(tmp_path), Tour()
    yard.dead("one")
    app = yard.dashboard(tour=tour)
    async with app.run_test(size=SIZE) as pilot:
        await yard.shown(pilot)
        await pilot.press("plus", "enter")
        assert "3/6" in frame(app)
        await pilot.press("escape", "plus")
        await press_release(pilot)
        assert tour.step is not None
        assert tour.step.deed == RELEASED  # asking is not yet doing
        await pilot.press("right", "enter")
        await wait_for(pilot, lambda: ended(app))
        await pilot.press("escape")
        assert "5/6" in frame(app)
        await pilot.press("plus", "J")
        await wait_for(pilot, lambda: isinstance(app.screen, JournalScreen) and "told" in frame(app))


def test_other_deeds_than_the_one_asked_for_change_nothing() -> None:
    tour = Tour()
    for deed in ("open", "release", "journal"):
        tour.did(deed)
    assert tour.at == 0
    for step in STEPS:
        tour.did(step.deed)
    assert tour.step is None


@pytest.mark.parametrize(
    ("deeds", "following"),
    [
        ((CANCELLED,), RELEASED),
        ((RELEASED,), CANCELLED),
        ((RELEASED, CANCELLED), "release"),
        ((CANCELLED, "release", RELEASED, "release"), "journal"),
    ],
)
def test_the_story_follows_who_goes_straight_to_a_deed(deeds: tuple[str, ...], following: str) -> None:
    tour = Tour()
    for deed in deeds:
        tour.did(deed)
    assert tour.step is not None
    assert tour.step.deed == following


def test_a_lock_that_was_released_before_its_step_is_not_asked_for_again() -> None:
    tour = Tour()
    tour.did(RELEASED)
    tour.go_on()
    assert tour.step is not None
    assert tour.step.deed == "release"
