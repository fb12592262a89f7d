"""Keys of one's own work, and key bar, help and palette show them."""

from __future__ import annotations

from lockdeck.tui.preferences.keymap import keymap
from lockdeck.tui.preferences.records import Preferences
from lockdeck.tui.screens.fleet import FleetScreen
from lockdeck.tui.screens.help import HelpScreen
from tests.tui.samples import incident
from tests.tui.stage import dashboard, frame, show, wait_for

SIZE = (140, 60)


def preferences(**keys: tuple[str, ...]) -> Preferences:
    return Preferences(keymap=keymap(keys))


async def test_a_key_of_ones_own_works_and_the_old_one_does_not() -> None:
    app = dashboard(preferences=preferences(freeze=("F",)))
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, incident())
        await pilot.press("f")
        assert not app.screen.frozen
        await pilot.press("F")
        assert app.screen.frozen


async def test_two_commands_can_change_places() -> None:
    app = dashboard(preferences=preferences(freeze=("p",), pause=("f",)))
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, incident())
        await pilot.press("p")
        assert app.screen.frozen
        assert app.deck.paused_at is None
        await pilot.press("f")
        assert app.deck.paused_at is not None


async def test_keys_of_ones_own_work_on_every_screen() -> None:
    app = dashboard(preferences=preferences(help=("f1",), back=("b",), pause=("P",)))
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, incident())
        await pilot.press("enter", "P")
        assert app.deck.paused_at is not None
        await pilot.press("f1")
        assert isinstance(app.screen, HelpScreen)
        await pilot.press("escape", "b")
        assert isinstance(app.screen, FleetScreen)


async def test_key_bar_help_and_palette_show_the_keys_that_work() -> None:
    app = dashboard(preferences=preferences(freeze=("F",), help=("?", "f1")))
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, incident())
        assert "F Freeze" in frame(app)
        assert "f Freeze" not in frame(app)
        await pilot.press("f1")
        shown = [row.split() for row in frame(app).split("\n") if "Freeze" in row]
        assert ["F", "Freeze"] in [words[1:3] for words in shown]
        await pilot.press("escape", "colon", *"freeze")
        await wait_for(pilot, lambda: "Freeze order  (F)" in frame(app))


async def test_a_command_without_a_key_is_only_in_the_palette() -> None:
    app = dashboard(preferences=preferences(freeze=(), copy=()))
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, incident())
        assert "Freeze" not in frame(app)
        await pilot.press("f", "y")
        assert not app.screen.frozen
        assert app.clipboard == ""
        await pilot.press("question_mark")
        assert "Freeze" not in frame(app)
        assert "no-key" not in frame(app)
        await pilot.press("escape", "colon", *"freeze")
        await wait_for(pilot, lambda: "Freeze order" in frame(app))
        assert "(" not in next(row for row in frame(app).split("\n") if "Freeze order" in row)
        await pilot.press("enter")
        await wait_for(pilot, lambda: isinstance(app.screen, FleetScreen) and app.screen.frozen)


async def test_the_key_of_a_command_without_one_is_free_for_another() -> None:
    app = dashboard(preferences=preferences(freeze=(), pause=("f",)))
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, incident())
        await pilot.press("f")
        assert app.deck.paused_at is not None
        assert not app.screen.frozen
