"""Whatever key of a command is pressed, there is a question, an effect or a sentence; never silence."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot
from textual.widgets import Button

from lockdeck.backend.actions.release.records import Refusal, ReleasePlan
from lockdeck.backend.model.fleet import Severity
from lockdeck.tui.app import LockdeckApp
from lockdeck.tui.commands import COMMANDS
from lockdeck.tui.dialogs.ask import AskDialog
from lockdeck.tui.dialogs.cancel import CancelDialog
from lockdeck.tui.dialogs.release import ReleaseDialog
from lockdeck.tui.operations import Offer
from lockdeck.tui.preferences.records import Preferences
from lockdeck.tui.screens.base import DeckScreen
from lockdeck.tui.screens.registry import SCREENS
from lockdeck.tui.targets import Target, targets_of
from lockdeck.tui.view.events import EventLine
from tests.tui.samples import NOW, incident, quiet
from tests.tui.stage import dashboard, frame, show, wait_for

SIZE = (140, 60)
WAYS = {
    "fleet": (),
    "session": ("enter",),
    "locks": ("l",),
    "events": ("e",),
    "journal": ("J",),
    "hosts": ("H",),
    "log": ("L",),
    "transcript": ("T",),
}
SORT_FREEZE_PAUSE = ("greater_than_sign", "f", "p")
DIALOGS = {"c": CancelDialog, "R": ReleaseDialog}


@pytest.fixture(autouse=True)
def _nothing_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every dialog refuse at once, without a look at files or gateways."""

    def refused(target: Target, _hands: object) -> Offer:
        return Offer(target, ReleasePlan(target.row.name, None, NOW, refusal=Refusal(("refused",))))

    monkeypatch.setattr("lockdeck.tui.acting.local.offer_cancel", lambda _aim, _hands: None)
    monkeypatch.setattr("lockdeck.tui.acting.local.offer_release", refused)


def sentences(app: LockdeckApp) -> list[str]:
    return [str(note.message) for note in app._notifications]


async def mark_and_hide(pilot: Pilot[int], marks: int) -> tuple[tuple[str, str, str], ...]:
    """Mark rows that have a session and a lock, and hide them by a filter; return what was marked."""
    screen = pilot.app.screen
    marked = 0
    for key in tuple(screen.table.order):
        row = screen.items[key]
        screen.table.move_to(screen.table.order.index(key))
        if marked < marks and (getattr(row, "lock", None) or ".jsonl.lock" in key[3]):
            await pilot.press("space")
            marked += 1
    assert marked == marks
    await pilot.press("slash", *"zzz", "enter")
    await wait_for(pilot, lambda: not screen.table.order)
    return screen.target_keys


def asked(app: LockdeckApp) -> bool:
    screen = app.screen
    if not isinstance(screen, AskDialog) or screen.painted_at is None:
        return False
    return "Close" in str(screen.query_one("#ask-no", Button).label) or screen.query_one("#ask-yes").display


@pytest.mark.parametrize("marks", [1, 2])
@pytest.mark.parametrize("key", ["c", "R"])
@pytest.mark.parametrize("way", ["fleet", "locks"])
async def test_marks_that_a_filter_hides_are_named_and_asked_about(way: str, key: str, marks: int) -> None:
    app = dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, incident())
        await pilot.press(*WAYS[way], *SORT_FREEZE_PAUSE)
        marked = await mark_and_hide(pilot, marks)
        await pilot.press(key)
        assert isinstance(app.screen, DIALOGS[key])
        await wait_for(pilot, lambda: asked(app))
        picture = frame(app)
        left_out = [key for key in marked if key not in {target.row for target in app.screen._targets}]
        assert ("Left out, because it" in picture) is bool(left_out)
        assert "hidden by the filter zzz:" in picture
        for target in targets_of(marked, app.deck.displayed):
            assert f"- {target.title}" in picture


async def test_a_marked_row_that_is_seen_is_not_called_hidden() -> None:
    app = dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, incident())
        await pilot.press("space", "c")
        await wait_for(pilot, lambda: asked(app))
        assert "hidden by the filter" not in frame(app)


async def test_what_is_marked_counts_and_not_what_the_cursor_stands_on() -> None:
    app = dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, incident())
        keys = app.screen.table.order
        bare = next(key for key in keys if not getattr(app.screen.items[key], "lock", True))
        app.screen.table.move_to(keys.index(bare))
        await pilot.press("space", "home")
        assert app.screen.check_action("command", ("release",)) is None
        assert app.screen.check_action("command", ("holder",)) is True


@pytest.mark.parametrize("key", ["c", "R"])
@pytest.mark.parametrize("way", ["fleet", "locks"])
async def test_with_read_only_the_key_of_an_action_says_why_it_does_nothing(way: str, key: str) -> None:
    app = dashboard(read_only=True)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await show(pilot, incident())
        await pilot.press(*WAYS[way])
        await mark_and_hide(pilot, 1)
        await pilot.press(key)
        assert "read-only" in sentences(app)[-1], sentences(app)


async def without_effect(pilot: Pilot[int], screen: DeckScreen) -> list[str]:
    """Press every key whose command does not work now; return those commands after which nothing was said."""
    silent = []
    for name in screen.COMMAND_IDS:
        if not screen.check_action("command", (name,)):
            for key in COMMANDS[name].keys:
                before = [note.identity for note in pilot.app._notifications]
                await pilot.press(key)
                after = [note.identity for note in pilot.app._notifications]
                if after == before or pilot.app.screen is not screen:
                    silent.append(key)
    return silent


WITHOUT_ROWS = ("log", "transcript")
"""On these all commands work always: none is about a row."""


@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize("way", SCREENS)
async def test_a_command_that_does_not_work_now_says_why(way: str, read_only: bool) -> None:
    app = dashboard(read_only=read_only)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await show(pilot, incident())
        await pilot.press(*WAYS[way])
        screen = app.screen
        await show(pilot, quiet())
        some_do_not_work = any(not screen.check_action("command", (name,)) for name in screen.COMMAND_IDS)
        assert some_do_not_work is (way not in WITHOUT_ROWS)
        assert await without_effect(pilot, screen) == []


async def test_a_change_that_is_about_no_row_says_so_where_it_can_not_be_opened() -> None:
    app = dashboard()
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await show(pilot, incident())
        app.deck.note(EventLine(NOW, Severity.NOTICE, "recovery", "put right"))
        await pilot.press("e", "enter")
        assert sentences(app) == ["this change is about no row of the fleet"]


async def test_a_key_of_ones_own_says_why_too() -> None:
    app = dashboard(preferences=Preferences(keymap={"cancel": "x"}))
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await show(pilot, quiet())
        await pilot.press("c")
        assert sentences(app) == []
        await pilot.press("x")
        assert sentences(app) == ["no row is selected"]


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        (("u",), "no row is marked"),
        (("h", "h"), "these are the locks of pid 396"),
    ],
)
async def test_a_command_with_nothing_to_do_says_so(keys: tuple[str, ...], sentence: str) -> None:
    app = dashboard()
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await show(pilot, incident())
        await pilot.press(*keys)
        assert sentences(app)[-1] == sentence


async def test_sorting_by_the_only_column_there_is_says_so() -> None:
    app = dashboard(preferences=Preferences(columns={"fleet": ("agent",)}))
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await show(pilot, incident())
        await pilot.press("greater_than_sign", "greater_than_sign")
        assert sentences(app) == ["no other column that is shown can be sorted by"]
