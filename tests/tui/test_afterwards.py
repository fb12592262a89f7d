"""What a screen has put off, or is told, is not done when the screen, or what it is made of, has gone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.screen import Screen
from textual.widgets import Static

from lockdeck.tui.afterwards import after_refresh
from lockdeck.tui.screens.rowscreen import RowScreen
from tests.tui.samples import incident
from tests.tui.stage import dashboard, show, wait_for

SIZE = (100, 30)


class Asking(Screen[None]):
    """Asks for its child after the next refresh."""

    def __init__(self, done: list[Static]) -> None:
        super().__init__()
        self.done = done

    def compose(self) -> ComposeResult:
        yield Static("child", id="child")

    def ask(self) -> None:
        after_refresh(self, lambda: self.done.append(self.query_one("#child", Static)))


def _put_off(
    screen: Screen[Any], act: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> list[Callable[[], object]]:
    """Return what a screen puts off when it does something."""
    put_off: list[Callable[[], object]] = []
    with monkeypatch.context() as patch:
        patch.setattr(screen, "call_after_refresh", put_off.append)
        act()
    return put_off


async def test_what_was_put_off_is_done_for_a_screen_that_stays() -> None:
    done: list[Static] = []
    async with App[None]().run_test() as pilot:
        screen = Asking(done)
        await pilot.app.push_screen(screen)
        screen.ask()
        await pilot.pause()
        assert done == [screen.query_one("#child")]


async def test_what_was_put_off_is_not_done_for_a_screen_that_has_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done: list[Static] = []
    async with App[None]().run_test() as pilot:
        screen = Asking(done)
        await pilot.app.push_screen(screen)
        (put_off,) = _put_off(screen, screen.ask, monkeypatch)
        await pilot.app.pop_screen()
        put_off()  # as Textual does, when it comes to it only now
    assert done == []


async def test_a_table_that_is_left_before_it_is_laid_out_brings_nothing_down(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, incident())
        await pilot.press("l")
        screen = app.screen
        assert isinstance(screen, RowScreen)
        (put_off,) = _put_off(screen, screen._show_preview, monkeypatch)
        await pilot.press("q")
        await wait_for(pilot, lambda: app.screen is not screen)
        put_off()


async def test_news_that_come_while_a_screen_has_no_widgets_any_more_end_nothing() -> None:
    app = dashboard()
    async with app.run_test(size=(100, 30)) as pilot:
        await show(pilot, incident())
        await app.screen.query("*").remove()
        app.update_screen()
        app._tick()
        assert not app.screen.is_whole
