"""What still comes when the dashboard is being left does no harm."""

from __future__ import annotations

from tests.tui.stage import dashboard


async def test_a_tick_after_the_last_screen_has_gone_shows_nothing() -> None:
    app = dashboard()
    async with app.run_test():
        pass
    assert app.screen_stack == []
    app._tick()
    app.update_screen()


async def test_a_search_of_the_palette_that_begins_too_late_just_ends() -> None:
    app = dashboard()
    async with app.run_test() as pilot:
        await pilot.press("colon")
        palette = app.screen
        await palette.query("*").remove()
        palette._gather_commands("j")
        await app.pop_screen()
