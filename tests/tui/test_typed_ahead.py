"""Keys in one burst, cut at any byte, confirm nothing that could not be read when they were typed."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot
from textual.widgets import Button

from lockdeck.backend.actions.journal import Journal
from lockdeck.tui.dialogs.ask import AskDialog
from lockdeck.tui.dialogs.cancel import CancelDialog
from lockdeck.tui.operations import ActionContext
from lockdeck.tui.screens.session import SessionScreen
from tests.tui.keyboard import Keyboard, bytes_of
from tests.tui.machine.world import World
from tests.tui.stage import at_rest, dashboard, show, wait_for

ASKED = {
    "a lock": ("R", "right", "enter"),
    "a lock by the next button": ("R", "tab", "enter"),
    "marked locks": ("space", "space", "R", "2", "enter"),
    "a run": ("c", "right", "enter"),
    "a run by another rung": ("c", "down", *"reset", "enter"),
    "a run after a look at another": ("c", "down", "up", "right", "enter"),
    "all of a cause": ("C", "3", "enter"),
}


def asks(app: object) -> bool:
    screen = app.screen  # type: ignore[attr-defined]
    return isinstance(screen, AskDialog) and screen.painted_at is not None


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    world = World()
    world.stand_in(monkeypatch)
    return world


@pytest.fixture
def context(tmp_path) -> ActionContext:
    return ActionContext(journal=Journal(str(tmp_path / "journal.jsonl")), env={}, watch_s=0.0)


async def type_cut(pilot: Pilot[int], raw: bytes, cut: int) -> None:
    keyboard = Keyboard(pilot.app)
    keyboard.send(raw[:cut])
    keyboard.send(raw[cut:])
    await at_rest(pilot)


@pytest.mark.parametrize("what", ASKED)
async def test_a_burst_confirms_nothing_wherever_it_is_cut(
    what: str, world: World, context: ActionContext
) -> None:
    raw = bytes_of(ASKED[what])
    app = dashboard(action_context=context)
    async with app.run_test(size=(100, 30)) as pilot:
        await show(pilot, world.snapshot())
        for cut in range(len(raw)):
            await type_cut(pilot, raw, cut)
            await wait_for(pilot, lambda: asks(app))
            await pilot.press("escape", "u")
    assert world.reached == []
    assert world.cancelled == []


async def test_an_escape_says_no_also_where_enter_comes_with_it(world: World, context: ActionContext) -> None:
    app = dashboard(action_context=context)
    async with app.run_test(size=(100, 30)) as pilot:
        await show(pilot, world.snapshot())
        for key in ("R", "c"):
            await pilot.press(key)
            await wait_for(pilot, lambda: asks(app))
            await pilot.press("right")
            Keyboard(app).send(bytes_of(("escape", "enter")))
            # enter was for the row beneath
            await wait_for(pilot, lambda: isinstance(app.screen, SessionScreen))
            await pilot.press("q")
    assert world.reached == []
    assert world.cancelled == []


async def test_a_burst_that_chooses_another_rung_does_not_confirm_it_unseen(
    world: World, context: ActionContext
) -> None:
    raw = bytes_of(("down", *"reset", "enter"))
    app = dashboard(action_context=context)
    async with app.run_test(size=(100, 30)) as pilot:
        await show(pilot, world.snapshot())
        await pilot.press("c")
        for cut in range(len(raw)):
            await wait_for(pilot, lambda: asks(app))
            await type_cut(pilot, raw, cut)
            await wait_for(pilot, lambda: asks(app))
            assert isinstance(app.screen, CancelDialog)
            assert "Reset" in str(app.screen.query_one("#ask-yes", Button).label)
            await pilot.press("up")
        assert world.cancelled == []
        await wait_for(pilot, lambda: asks(app))
        await pilot.press("down")
        await wait_for(pilot, lambda: asks(app))
        await pilot.press(*"reset", "enter")
        await wait_for(pilot, lambda: bool(world.cancelled))
        assert [allowed for _key, allowed in world.cancelled] == [{"reset"}]
