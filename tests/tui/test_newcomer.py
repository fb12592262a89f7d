"""What stopped a person who had never seen the dashboard stops nobody any more."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace
from textual.screen import ModalScreen
from textual.widgets import Button

from lockdeck.backend.model.fleet import Severity, State
from lockdeck.tui.app import LockdeckApp
from lockdeck.tui.dialogs.box import BoxDialog
from lockdeck.tui.dialogs.release import ReleaseDialog
from lockdeck.tui.jobs import Piece
from lockdeck.tui.targets import Target
from lockdeck.tui.view.names import row_key
from tests.tui.acting import SIZE, Yard
from tests.tui.samples import incident, session
from tests.tui.stage import dashboard, frame, show, wait_for
from tests.tui.test_release import gateway_of, press_release


def rows(app: LockdeckApp) -> list[str]:
    return frame(app).split("\n")


def now_rows(app: LockdeckApp) -> list[str]:
    """What the answer under the table says may be done, line by line."""
    seen = rows(app)
    start = next(y for y, row in enumerate(seen) if row.startswith(" now  "))
    return seen[start:-1]


@pytest.mark.parametrize("keys", [["enter"], ["tab", "enter"], ["right", "enter"], ["enter", "enter"]])
async def test_enter_closes_no_dialog_that_waits_and_says_so(tmp_path: Path, keys: list[str]) -> None:
    yard = Yard(tmp_path)
    yard.dead("one")
    app = yard.dashboard()
    with gateway_of(yard):
        async with app.run_test(size=SIZE) as pilot:
            await yard.shown(pilot)
            await press_release(pilot)
            button = app.screen.query_one("#ask-yes", Button)
            await wait_for(pilot, lambda: "Release in " in str(button.label))
            await pilot.press(*keys)
            await pilot.pause()
            assert isinstance(app.screen, ReleaseDialog)
            assert "Not yet, and nothing was done." in frame(app)
            await pilot.press("escape")
            assert not isinstance(app.screen, ReleaseDialog)
    assert yard.lock_of("one").exists()


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (160, 50)])
@pytest.mark.parametrize("key", ["a", "v", "exclamation_mark", "question_mark", "colon"])
async def test_under_a_dialog_stand_its_own_keys_or_none(key: str, size: tuple[int, int]) -> None:
    app = dashboard()
    async with app.run_test(size=size) as pilot:
        await show(pilot, incident())
        below = rows(app)[-1].strip()
        assert below.startswith("? Help")
        await pilot.press(key)
        await pilot.pause()
        assert isinstance(app.screen, ModalScreen)
        shown = rows(app)[-1]
        assert "Help" not in shown
        assert "Filter" not in shown
        if isinstance(app.screen, BoxDialog):
            assert "esc Close" in shown
        await pilot.press("escape")
        await pilot.pause()
        assert rows(app)[-1].strip() == below


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 35)])
async def test_a_toast_never_covers_what_may_be_done(size: tuple[int, int]) -> None:
    app = dashboard()
    async with app.run_test(size=size, notifications=True) as pilot:
        await show(pilot, incident())
        before = now_rows(app)
        app.tell(
            "\n".join(f"{number} a long sentence about something that is critical" for number in range(4))
        )
        await wait_for(pilot, lambda: "0 a long" in frame(app))
        assert now_rows(app) == before


async def test_the_answer_has_the_room_that_the_rows_leave() -> None:
    app = dashboard()
    async with app.run_test(size=(80, 24)) as pilot:
        await show(pilot, incident())
        assert "never release: a live process holds it" in " ".join(row.strip() for row in now_rows(app))
        assert app.screen.table.size.height >= app.screen.table.needed_height
        await pilot.press("i")  # three rows more
        await pilot.pause()
        assert app.screen.table.size.height >= app.screen.table.needed_height
        await pilot.resize_terminal(80, 20)
        await wait_for(pilot, lambda: len(now_rows(app)) == 1)


async def test_a_row_that_is_being_released_says_so_and_offers_nothing_until_it_is_refused() -> None:
    app = dashboard()
    async with app.run_test(size=(120, 35)) as pilot:
        await show(pilot, incident())
        (dead,) = [
            view for view in incident().sessions if view.lock and view.lock.judgement.verdict == "dead"
        ]
        target = Target(row_key(dead), dead)
        number = app.jobs.open("Release a lock", [target], releases=True).number
        app.screen.table.move_to_key(target.row)
        app.jobs.put(number, 0, Piece(target, "working"))
        app.screen.tick()
        await pilot.pause()
        assert "△ releasing" in frame(app)
        now = " ".join(row.strip() for row in now_rows(app))
        assert "wait: the release is under way" in now
        assert "R release" not in now
        app.jobs.put(number, 0, Piece(target, "refused", ended=True))
        app.screen.tick()
        await pilot.pause()
        assert "† dead lock" in frame(app)
        assert "R release" in " ".join(now_rows(app))


async def test_a_toast_that_is_shown_gives_way_to_a_dialog_and_comes_back_after_it() -> None:
    app = dashboard()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await show(pilot, incident())
        app.tell("something that was just told")
        await wait_for(pilot, lambda: "something that was just told" in frame(app))
        await pilot.press("a")
        await wait_for(pilot, lambda: "something that was just told" not in frame(app))
        assert isinstance(app.screen, BoxDialog)
        await pilot.press("escape")
        await wait_for(pilot, lambda: "something that was just told" in frame(app))


async def test_a_lock_that_has_gone_meanwhile_is_refused_as_gone_and_not_as_unreadable(
    tmp_path: Path,
) -> None:
    yard = Yard(tmp_path)
    yard.dead("one")
    app = yard.dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await yard.shown(pilot)
        yard.lock_of("one").unlink()
        await press_release(pilot)
        shown = frame(app)
        assert "this lock has gone by itself" in shown
        assert "can't be read" not in shown


async def test_a_row_whose_lock_was_released_from_here_is_not_unknown_and_offers_no_cancel() -> None:
    left = session(
        "ezra",
        "cron:nightly-digest",
        state=State.UNKNOWN,
        severity=Severity.NOTICE,
        reasons=("the store says running, but no lock, log line or event shows a run",),
    )
    target = Target(row_key(left), left)
    app = dashboard()
    async with app.run_test(size=(120, 35)) as pilot:
        await show(pilot, replace(incident(), sessions=(left,), locks=(), incidents=()))
        assert "? unknown" in frame(app)
        app.jobs.put(
            app.jobs.open("Release a lock", [target], releases=True).number,
            0,
            Piece(target, "released", ended=True),
        )
        app.screen.tick()
        await pilot.pause()
        assert "✓ released" in frame(app)
        now = " ".join(row.strip() for row in now_rows(app))
        assert "the lock is gone" in now
        assert "cancel" not in now
        await show(
            pilot, replace(incident(), sessions=(replace(left, state=State.RUNNING),), locks=(), incidents=())
        )
        assert "released" not in frame(app)
