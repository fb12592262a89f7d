"""Release from the dashboard: real locks, the dialog before, the result after."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from textual import events
from textual.widgets import Button, Input

from lockdeck.backend.settings.records import RootSettings, Settings
from lockdeck.tui.acting.local import LocalActs
from lockdeck.tui.app import LockdeckApp
from lockdeck.tui.dialogs.release import ReleaseDialog
from lockdeck.tui.dialogs.result import ResultDialog
from lockdeck.tui.screens.events import EventsScreen
from lockdeck.tui.screens.fleet import FleetScreen
from tests.tui.acting import SIZE, Yard, release_id
from tests.tui.stage import frame, show, wait_for
from tests.unit.releasing import end


@pytest.fixture
def yard(tmp_path: Path) -> Yard:
    return Yard(tmp_path)


def asked(app: LockdeckApp) -> bool:
    """Whether the dialog has made up its mind: it asks, or it refuses."""
    if not isinstance(app.screen, ReleaseDialog) or app.screen.painted_at is None:
        return False
    closes = "Close" in str(app.screen.query_one("#ask-no", Button).label)
    return closes or bool(app.screen.query_one("#ask-yes").region.area)


def ended(app: LockdeckApp) -> bool:
    return isinstance(app.screen, ResultDialog) and not app.jobs.job(app.screen.number).running


@contextlib.contextmanager
def gateway_of(yard: Yard) -> Iterator[subprocess.Popen[str]]:
    """A process that has just started, and looks like a gateway of the root."""
    words = ["openclaw-gateway", "-I", "-S", "-c", "print('ready', flush=True); input()"]
    env = {"OPENCLAW_STATE_DIR": yard.path, "HOME": str(yard.folder)}
    with subprocess.Popen(
        words, executable=sys.executable, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        try:
            yield process
        finally:
            end(process)


async def press_release(pilot, key: str = "R") -> None:
    await pilot.press(key)
    await wait_for(pilot, lambda: asked(pilot.app))


async def test_one_press_on_the_proof_releases_a_dead_lock_for_real(yard: Yard) -> None:
    yard.dead("one")
    app = yard.dashboard()
    async with app.run_test(size=SIZE) as pilot:
        snapshot = await yard.shown(pilot)
        await press_release(pilot)
        wanted = release_id(snapshot, "one")
        shown = frame(app)
        for words in (wanted, "one.jsonl.lock", "pid 4194305", "2026-04-05 03:00:00", "agent:main:one"):
            assert words in shown
        for words in ("last written", "† dead", "Why it is safe", "What will be done"):
            assert words in shown
        await pilot.press("right", "enter")
        await wait_for(pilot, lambda: ended(app))
        assert "released" in frame(app)
    assert not yard.lock_of("one").exists()
    assert yard.kinds() == ["release-begin", "released"]


async def test_what_why_and_how_stand_above_the_fold_of_the_smallest_usual_terminal(yard: Yard) -> None:
    yard.dead("one")
    app = yard.dashboard()
    async with app.run_test(size=(80, 24)) as pilot:
        await yard.shown(pilot)
        await press_release(pilot)
        shown = frame(app)
        for words in (
            "agent:main:one",
            "release id",
            "Why it is safe",
            "What will be done",
            "keep the lock file",
        ):
            assert words in shown, shown


async def test_cancel_has_the_focus_so_enter_does_nothing(yard: Yard) -> None:
    yard.dead("one")
    app = yard.dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await yard.shown(pilot)
        await press_release(pilot)
        assert app.focused is app.screen.query_one("#ask-no")
        await pilot.press("enter")
        assert isinstance(app.screen, FleetScreen)
    assert yard.lock_of("one").exists()
    assert yard.kinds() == []


async def test_escape_dismisses_with_none(yard: Yard) -> None:
    yard.dead("one")
    app = yard.dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await yard.shown(pilot)
        heard: list[object] = []
        from lockdeck.tui.targets import targets_of

        targets = targets_of([app.screen.selected_key], app.deck.displayed)
        app.push_screen(ReleaseDialog(targets, LocalActs(app.action_context)), heard.append)
        await wait_for(pilot, lambda: asked(app))
        await pilot.press(*"ab", "escape")
        await wait_for(pilot, lambda: bool(heard))
        assert heard == [None]
    assert yard.lock_of("one").exists()


async def test_a_burst_that_ends_in_enter_never_releases(yard: Yard) -> None:
    yard.dead("one")
    app = yard.dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await yard.shown(pilot)
        early = [events.Key(key, None) for key in ("right", "enter", "tab", "enter", "y")]
        await press_release(pilot)
        for event in early:  # typed before the question was painted, handed on after it
            app.post_message(event)
        await pilot.pause()
        assert isinstance(app.screen, ReleaseDialog)
        assert app.focused is app.screen.query_one("#ask-no")
    assert yard.lock_of("one").exists()
    assert yard.kinds() == []


async def test_the_button_counts_down_while_a_process_of_this_root_is_young(yard: Yard) -> None:
    yard.dead("one")
    app = yard.dashboard()
    with gateway_of(yard) as young:
        async with app.run_test(size=SIZE) as pilot:
            await yard.shown(pilot)
            await press_release(pilot)
            button = app.screen.query_one("#ask-yes", Button)
            assert button.disabled
            await wait_for(pilot, lambda: "Release in " in str(button.label))
            await pilot.press("right", "tab")
            assert app.focused is app.screen.query_one("#ask-no")
            assert f"pid {young.pid}" in frame(app)
            assert "When the button is ready" in frame(app)
            end(young)
            await wait_for(pilot, lambda: not button.disabled)
            assert str(button.label) == "Release"
            assert "Right arrow and enter do it" in frame(app)
            await pilot.press("right", "enter")
            await wait_for(pilot, lambda: ended(app))
            assert "released" in frame(app)
    assert not yard.lock_of("one").exists()


async def test_marked_locks_wait_for_a_young_process_too_and_keep_what_was_typed_meanwhile(
    yard: Yard,
) -> None:
    yard.dead("one", "two")
    app = yard.dashboard()
    with gateway_of(yard) as young:
        async with app.run_test(size=SIZE) as pilot:
            await yard.shown(pilot)
            await pilot.press("asterisk")
            await press_release(pilot)
            button = app.screen.query_one("#ask-yes", Button)
            await wait_for(pilot, lambda: "Release in " in str(button.label))
            assert f"pid {young.pid}" in frame(app)
            await pilot.press("2", "enter")
            assert isinstance(app.screen, ReleaseDialog)
            assert button.disabled
            end(young)
            await wait_for(pilot, lambda: not button.disabled)
            assert str(button.label) == "Release 2 locks"
            await pilot.press("enter")
            await wait_for(pilot, lambda: ended(app))
            assert "2 of 2 done" in frame(app)
    assert not yard.lock_of("one").exists()
    assert not yard.lock_of("two").exists()


async def test_a_lock_that_is_only_let_go_of_asks_for_its_path(yard: Yard) -> None:
    yard.session("one")
    holder = yard.hold()
    try:
        holder.stdin.write("close\n")
        holder.stdin.flush()
        assert holder.stdout.readline() == "closed\n"
        app = yard.dashboard()
        async with app.run_test(size=SIZE) as pilot:
            await yard.shown(pilot)
            await press_release(pilot)
            path = str(yard.lock_of("one"))
            assert "on your own word" in frame(app)
            await pilot.press(*path[:-1], "enter")
            assert isinstance(app.screen, ReleaseDialog)
            assert "nothing was done" in frame(app)
            await pilot.press(path[-1], "enter")
            await wait_for(pilot, lambda: ended(app))
            assert "released" in frame(app)
    finally:
        end(holder)
    assert not yard.lock_of("one").exists()


async def test_a_lock_replaced_under_the_open_dialog_is_refused_and_stands(yard: Yard) -> None:
    yard.dead("one")
    app = yard.dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await yard.shown(pilot)
        await press_release(pilot)
        raw = yard.replace_lock("one")
        await pilot.press("right", "enter")
        await wait_for(pilot, lambda: ended(app))
        assert "refused" in frame(app)
        assert "changed" in frame(app)
    assert yard.lock_of("one").read_bytes() == raw
    assert yard.kinds() == ["refused"]


async def test_a_lock_replaced_before_the_key_was_pressed_is_refused_at_once(yard: Yard) -> None:
    yard.dead("one")
    app = yard.dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await yard.shown(pilot)
        yard.replace_lock("one")
        await press_release(pilot)
        assert "this is another hold than the one named" in frame(app)
        assert not app.screen.query_one("#ask-yes").display
    assert yard.kinds() == []


async def test_a_lock_that_went_under_the_open_dialog_is_refused(yard: Yard) -> None:
    yard.dead("one")
    app = yard.dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await yard.shown(pilot)
        await press_release(pilot)
        yard.lock_of("one").unlink()
        await yard.shown(pilot)
        await pilot.press("right", "enter")
        await wait_for(pilot, lambda: ended(app))
        assert "refused" in frame(app)


async def test_rows_that_move_under_the_open_dialog_do_not_matter(yard: Yard) -> None:
    yard.dead("aaa", "bbb", "ccc")
    app = yard.dashboard()
    async with app.run_test(size=SIZE) as pilot:
        snapshot = await yard.shown(pilot)
        await pilot.press("down")
        aimed = app.screen.selected_key[3].rpartition(":")[2]
        wanted = release_id(snapshot, aimed)
        await press_release(pilot)
        others = [name for name in ("aaa", "bbb", "ccc") if name != aimed]
        yard.lock_of(others[0]).unlink()
        fewer = tuple(view for view in yard.look().sessions if not view.key.endswith(others[0]))[::-1]
        await show(pilot, replace(yard.look(), sessions=fewer))
        assert wanted in frame(app)
        await pilot.press("right", "enter")
        await wait_for(pilot, lambda: ended(app))
    assert not yard.lock_of(aimed).exists()
    assert yard.lock_of(others[1]).exists()


async def test_a_held_lock_is_refused_at_once_with_what_may_be_done_instead(yard: Yard) -> None:
    yard.session("one")
    holder = yard.hold()
    app = yard.dashboard()
    try:
        async with app.run_test(size=SIZE) as pilot:
            await yard.shown(pilot)
            await press_release(pilot)
            shown = frame(app)
            assert "Not released: refused" in shown
            assert "this lock counts as held: only one whose process has provably ended" in shown.replace(
                "\n", " "
            )
            assert f"pid {holder.pid}" in shown
            assert "What may be done instead" in shown
            assert "Cancel the run" in shown
            assert not app.screen.query_one(Input).display
            await pilot.press("enter")
            assert isinstance(app.screen, FleetScreen)
    finally:
        end(holder)
    assert yard.kinds() == []


async def test_the_key_works_on_the_locks_and_on_the_session_screen(yard: Yard) -> None:
    yard.dead("one")
    app = yard.dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await yard.shown(pilot)
        for way in ("l", "enter"):
            await pilot.press(way)
            await press_release(pilot)
            assert "Release this lock" in frame(app)
            await pilot.press("escape", "escape")


async def test_read_only_takes_the_dangerous_keys_away(yard: Yard) -> None:
    yard.dead("one")
    app = yard.dashboard(read_only=True)
    async with app.run_test(size=SIZE) as pilot:
        await yard.shown(pilot)
        for screen in ((), ("l",), ("escape", "enter")):
            await pilot.press(*screen)
            assert "READ-ONLY" in frame(app)
            assert app.screen.check_action("command", ("release",)) is False
            assert app.screen.check_action("command", ("cancel",)) is False
            before = app.screen
            await pilot.press("R", "c")
            assert app.screen is before


async def test_a_root_that_is_read_only_by_the_configuration_is_refused(yard: Yard) -> None:
    yard.dead("one")
    roots = (RootSettings(yard.path, read_only=True, own_namespace=True),)
    app = yard.dashboard(action_context={"settings": Settings(roots=roots)})
    async with app.run_test(size=SIZE) as pilot:
        await yard.shown(pilot)
        await press_release(pilot)
        assert "read_only" in frame(app)
        assert not app.screen.query_one("#ask-yes").display


async def test_who_takes_the_lock_next_is_added_to_the_result(yard: Yard) -> None:
    yard.dead("one")
    app = yard.dashboard(action_context={"watch_s": 0.2})
    async with app.run_test(size=SIZE) as pilot:
        await yard.shown(pilot)
        await press_release(pilot)
        await pilot.press("right", "enter")
        await wait_for(pilot, lambda: "nobody took the lock within" in frame(app))
    assert yard.kinds() == ["release-begin", "released", "watched"]


async def test_a_result_that_comes_after_the_dialog_was_closed_is_in_the_events(yard: Yard) -> None:
    yard.dead("one")
    app = yard.dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await yard.shown(pilot)
        await press_release(pilot)
        await pilot.press("right", "enter", "escape")
        await wait_for(pilot, lambda: any("released" in change.sentence for _, change in app.deck.log))
        await wait_for(pilot, lambda: isinstance(app.screen, FleetScreen))
        await pilot.press("e")
        assert isinstance(app.screen, EventsScreen)
        assert "release released: released" in frame(app)


async def test_an_error_while_looking_is_told_in_the_dialog(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: object, **_more: object) -> None:
        raise OSError("[/device] is gone\x1b[2J")

    monkeypatch.setattr("lockdeck.tui.acting.local.plan_release", broken)
    yard.dead("one")
    app = yard.dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await yard.shown(pilot)
        await press_release(pilot)
        assert "could not look: OSError: [/device] is gone␛[2J" in frame(app)


async def test_an_error_of_our_own_ends_the_job_as_failed(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: object, **_more: object) -> None:
        raise ValueError("not expected")

    monkeypatch.setattr("lockdeck.tui.acting.local.release", broken)
    yard.dead("one")
    app = yard.dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await yard.shown(pilot)
        await press_release(pilot)
        await pilot.press("right", "enter")
        await wait_for(pilot, lambda: ended(app))
        assert "lockdeck itself failed: ValueError: not expected" in frame(app)
    assert yard.lock_of("one").exists()


async def test_what_was_recovered_at_the_start_is_in_the_events(yard: Yard) -> None:
    yard.dead("one")
    yard.journal.append("release-begin", action="0123456789ab", path=str(yard.lock_of("one")))
    app = yard.dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await wait_for(pilot, lambda: bool(app.deck.log))
        await yard.shown(pilot)
        await pilot.press("e")
        assert "recovery" in frame(app)
        ((_, change),) = app.deck.log
        assert "an interrupted release had changed nothing" in change.sentence
    assert yard.kinds() == ["release-begin", "recovered"]


async def test_a_read_only_dashboard_recovers_nothing(yard: Yard) -> None:
    yard.journal.append("release-begin", action="0123456789ab", path=str(yard.lock_of("one")))
    app = yard.dashboard(read_only=True)
    async with app.run_test(size=SIZE) as pilot:
        await yard.shown(pilot)
    assert yard.kinds() == ["release-begin"]
