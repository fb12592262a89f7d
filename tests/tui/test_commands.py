"""Each command, through the keys a person presses."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from lockdeck.backend.model.fleet import FleetSnapshot, Severity, State
from lockdeck.tui.bindings import bindings_of
from lockdeck.tui.commands import COMMANDS, Command, Danger, Needs
from lockdeck.tui.preferences.records import Preferences
from lockdeck.tui.screens import base
from lockdeck.tui.screens.events import EventsScreen
from lockdeck.tui.screens.fleet import FleetScreen
from lockdeck.tui.screens.help import HelpScreen
from lockdeck.tui.screens.locks import LocksScreen
from lockdeck.tui.screens.registry import SCREENS
from lockdeck.tui.screens.session import SessionScreen
from lockdeck.tui.terminal.clipboard import CLIPBOARD_BYTES, copy_text
from lockdeck.tui.view.header import header, stale_after
from lockdeck.tui.view.names import RowKey
from tests.tui.samples import NOW, incident, quiet
from tests.tui.stage import UTF8, HeldSource, dashboard, frame, show

SILAS = RowKey("session", "", "/home/ops/.openclaw", "agent:silas:discord:channel:119834421")
SIZE = (140, 45)


def without(snapshot: FleetSnapshot, key: str) -> FleetSnapshot:
    return replace(snapshot, sessions=tuple(view for view in snapshot.sessions if view.key != key), locks=())


def worsened(snapshot: FleetSnapshot, key: str, at: float = NOW) -> FleetSnapshot:
    """Return the snapshot with one session become the most urgent of all."""
    views = tuple(
        replace(view, state=State.STUCK, severity=Severity.CRITICAL, since=NOW - 9999)
        if view.key == key
        else view
        for view in snapshot.sessions
    )
    return replace(snapshot, sessions=views, generated_at=at)


async def test_enter_opens_the_session_and_escape_leads_back() -> None:
    app = dashboard()
    async with app.run_test(size=(140, 80)) as pilot:
        await show(pilot, incident())
        await pilot.press("enter")
        assert isinstance(app.screen, SessionScreen)
        shown = frame(app)
        for words in (
            "agent:silas:discord",
            "timeout → the next account",
            "free by",
            "has the lock file open",
            "never release",
            "a caller gave up on the lock",
            "openclaw#62351",
            "3 gaps",
        ):
            assert words in shown
        await pilot.press("escape")
        assert isinstance(app.screen, FleetScreen)


async def test_the_session_screen_follows_its_session_and_keeps_the_last_picture() -> None:
    app = dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, incident())
        await pilot.press("enter")
        await show(pilot, worsened(incident(), SILAS[3]))
        assert "for 2h 46m, since" in frame(app)
        await show(pilot, without(incident(), SILAS[3]))
        assert "gone from the fleet" in frame(app)
        assert "agent:silas:discord" in frame(app)
        await show(pilot, incident())
        assert "gone from the fleet" not in frame(app)


async def test_enter_on_a_lock_of_its_own_shows_its_evidence() -> None:
    app = dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, incident())
        await pilot.press("l", "down", "enter")
        assert "the pid was reused" in frame(app)
        assert "Release: the pid belongs to another process" in frame(app)


async def test_the_cursor_follows_the_session_while_the_fleet_is_sorted_anew() -> None:
    app = dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, incident())
        assert app.screen.selected_key == SILAS
        await pilot.press("down", "up")
        await show(pilot, worsened(incident(), "agent:main:main"))
        assert app.screen.table.order[0][3] == "agent:main:main"
        assert app.screen.selected_key == SILAS


async def test_the_cursor_stays_on_the_most_urgent_row_until_a_person_chooses_one() -> None:
    app = dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, incident())
        await show(pilot, worsened(incident(), "agent:main:main"))
        assert app.screen.selected_key[3] == "agent:main:main"
        await show(pilot, incident())
        assert app.screen.selected_key == SILAS
        await pilot.press("y")
        await show(pilot, worsened(incident(), "agent:main:main"))
        assert app.screen.selected_key == SILAS


async def test_f_keeps_the_order_but_not_the_contents() -> None:
    app = dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, incident())
        order = tuple(app.screen.table.order)
        await pilot.press("f")
        await show(pilot, worsened(incident(), "agent:main:main"))
        assert tuple(app.screen.table.order) == order
        assert "ORDER FROZEN" in frame(app)
        assert frame(app).count("✖ stuck") == 3
        await pilot.press("f")
        assert app.screen.table.order[0][3] == "agent:main:main"


async def test_p_keeps_the_picture_and_counts_what_it_hides() -> None:
    app = dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, incident())
        before = frame(app).split("\n")[3:]
        await pilot.press("p")
        await show(pilot, worsened(incident(), "agent:main:main"))
        assert frame(app).split("\n")[3:] == before
        assert "PAUSED, 1 changes hidden" in frame(app)
        await pilot.press("p")
        assert "PAUSED" not in frame(app)
        assert frame(app).count("✖ stuck") == 3


async def test_the_filter_is_applied_while_it_is_typed_and_cleared_by_escape() -> None:
    app = dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, incident())
        rows = len(app.screen.table.order)
        await pilot.press("slash", *"state", "colon", *"stuck")
        await pilot.pause()
        assert len(app.screen.table.order) == 2
        await pilot.press("enter")
        assert app.focused is app.screen.table
        assert "/ state:stuck" in frame(app)
        await pilot.press("slash", "escape")
        await pilot.pause()
        assert len(app.screen.table.order) == rows


async def test_an_unknown_field_is_explained_under_the_filter() -> None:
    app = dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, incident())
        await pilot.press("slash", *"stat", "colon", "x")
        await pilot.pause()
        assert "did you mean state:" in frame(app)
        assert "known: state, agent, lock, root, key, holder" in frame(app)


async def test_letters_typed_into_the_filter_are_no_commands() -> None:
    app = dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, incident())
        await pilot.press("slash", *"qfplet")
        await pilot.pause()
        assert app.is_running
        assert isinstance(app.screen, FleetScreen)
        assert not app.screen.frozen


async def test_y_copies_the_session_key_and_the_lock_path() -> None:
    app = dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, incident())
        await pilot.press("y")
        assert app.clipboard == SILAS[3]
        await pilot.press("l", "y")
        assert app.clipboard.endswith("cli-0003.jsonl.lock")


async def test_a_copy_is_capped_and_holds_no_control_character() -> None:
    app = dashboard()
    async with app.run_test() as pilot:
        copy_text(app, "x" * CLIPBOARD_BYTES)
        assert len(app.clipboard) == CLIPBOARD_BYTES
        copy_text(app, "y" * (CLIPBOARD_BYTES + 1))
        assert app.clipboard.startswith("x")
        copy_text(app, "rm\x1b[2J\n")
        assert app.clipboard == "rm␛[2J␊"
        await pilot.pause()


async def test_e_lists_changes_newest_first_and_enter_opens_what_changed() -> None:
    app = dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, incident())
        await show(pilot, worsened(incident(), "agent:main:main"))
        await show(pilot, without(worsened(incident(), "agent:main:main"), "agent:juno:heartbeat"))
        await pilot.press("e")
        assert isinstance(app.screen, EventsScreen)
        shown = frame(app)
        assert shown.index("left the fleet") < shown.index("running became stuck")
        await pilot.press("l")
        assert isinstance(app.screen, LocksScreen)
        assert len(app.screen_stack) == 2


async def test_help_lists_the_keys_of_the_screen_beneath() -> None:
    app = dashboard()
    async with app.run_test(size=(140, 80)) as pilot:
        await show(pilot, incident())
        await pilot.press("question_mark")
        assert isinstance(app.screen, HelpScreen)
        for name in FleetScreen.COMMAND_IDS:
            assert COMMANDS[name].label in frame(app)
            assert COMMANDS[name].tooltip[:20] in frame(app)
        await pilot.press("escape")
        assert isinstance(app.screen, FleetScreen)


@pytest.mark.parametrize("key", ["colon", "ctrl+p"])
async def test_the_palette_runs_a_command_by_name(key: str) -> None:
    app = dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, incident())
        await pilot.press(key, *"freeze")
        await app.workers.wait_for_complete()
        for _turn in range(50):
            if isinstance(app.screen, FleetScreen):
                break
            await pilot.press("enter")
            await pilot.pause()
        assert isinstance(app.screen, FleetScreen)
        assert app.screen.frozen


async def test_q_quits_and_stops_the_source() -> None:
    source = HeldSource()
    app = dashboard(source)
    async with app.run_test() as pilot:
        await pilot.press("q")
    assert source.ended.wait(5)
    assert (app.return_code or 0) == 0


async def test_without_a_row_the_commands_that_need_one_are_greyed() -> None:
    app = dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, quiet())
        assert app.screen.check_action("command", ("open",)) is None
        assert app.screen.check_action("command", ("quit",)) is True
        await pilot.press("enter", "y")
        assert isinstance(app.screen, FleetScreen)
        assert "No sessions and no locks" in frame(app)
        assert "/home/ops/.openclaw" in frame(app)


BURN = Command("burn", ("B",), "Burn", "Burn", "Burns", danger=Danger.HARD, needs=Needs.LOCK)


@pytest.mark.parametrize("read_only", [True, False])
async def test_read_only_removes_dangerous_commands(monkeypatch: pytest.MonkeyPatch, read_only: bool) -> None:
    monkeypatch.setitem(COMMANDS, BURN.id, BURN)
    monkeypatch.setattr(LocksScreen, "COMMAND_IDS", (*LocksScreen.COMMAND_IDS, BURN.id))
    assert bindings_of([BURN.id])[0].id == "burn"
    app = dashboard(read_only=read_only)
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, incident())
        await pilot.press("l")
        assert ("READ-ONLY" in frame(app)) is read_only
        assert app.screen.check_action("command", ("burn",)) is (not read_only)


def test_keys_of_commands_are_unique_on_each_screen() -> None:
    for screen in SCREENS.values():
        keys = [key for name in screen.COMMAND_IDS for key in COMMANDS[name].keys]
        assert len(set(keys)) == len(keys)


class Broken:
    def run(self, publish: Callable[[FleetSnapshot], None], stop: threading.Event) -> None:
        secret = "s3cr3t-TOKEN"  # noqa: F841 - must not be shown
        publish(incident())
        raise OSError("[/inotify] limit reached\x1b[2J")


async def test_a_source_that_fails_is_told_in_words_and_the_picture_stays() -> None:
    app = dashboard(Broken())
    async with app.run_test(size=SIZE) as pilot:
        for _turn in range(500):
            await pilot.pause()
            if app.deck.failure:
                break
        await pilot.pause()
        shown = frame(app)
        assert "NOT WATCHING" in shown
        assert "OSError: [/inotify] limit reached␛[2J" in shown
        assert "s3cr3t" not in shown
        assert "silas" in shown


async def test_old_news_look_old() -> None:
    app = dashboard(now=NOW + 42)
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, incident())
        assert "STALE, last news 42 s ago" in frame(app)
        assert app.screen.table.faded


async def test_news_are_old_later_where_the_source_is_configured_to_look_more_seldom() -> None:
    app = dashboard(now=NOW + 42, preferences=Preferences(stale_after_s=stale_after(15)))
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, incident())
        assert "STALE" not in frame(app)
    assert stale_after(1) == 8.0


async def test_of_a_burst_only_the_first_and_the_newest_are_shown() -> None:
    app = dashboard(update_gap_s=0.02)
    async with app.run_test(size=SIZE) as pilot:
        shown: list[FleetSnapshot] = []
        receive = app.deck.receive
        app.deck.receive = lambda snapshot: (shown.append(snapshot), receive(snapshot))  # type: ignore[assignment,return-value]
        burst = [replace(incident(), generated_at=NOW + number / 1000) for number in range(500)]
        for snapshot in burst:
            app.publish(snapshot)
        for _turn in range(500):
            await pilot.pause()
            if app.deck.latest is burst[-1]:
                break
        assert app.deck.latest is burst[-1]
        assert len(shown) <= 3


async def test_a_small_terminal_says_what_it_needs() -> None:
    app = dashboard()
    async with app.run_test(size=(39, 20)) as pilot:
        await show(pilot, incident())
        assert "40 columns and 10 lines" in frame(app)
        await pilot.resize_terminal(60, 9)
        await pilot.pause()
        assert "40 columns and 10 lines" in frame(app)
        await pilot.resize_terminal(60, 20)
        await pilot.pause()
        assert "40 columns" not in frame(app)
        assert "stuck" in frame(app)


async def test_a_plain_terminal_gets_plain_characters() -> None:
    app = dashboard(env=UTF8 | {"LANG": "C"})
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, incident())
        assert frame(app).isascii()
        await pilot.press("enter")
        assert frame(app).isascii()


@pytest.mark.parametrize("keys", [(), ("space",), ("f",)])
async def test_a_snapshot_makes_the_header_once(
    monkeypatch: pytest.MonkeyPatch, keys: tuple[str, ...]
) -> None:
    monkeypatch.setattr("lockdeck.tui.app.TICK_S", 3600.0)  # each tick makes one too
    made: list[object] = []
    app = dashboard()
    async with app.run_test(size=(120, 30)) as pilot:
        await show(pilot, incident())
        await pilot.press(*keys)
        monkeypatch.setattr(
            base, "header", lambda snapshot, *rest: made.append(snapshot) or header(snapshot, *rest)
        )
        after = replace(incident(), generated_at=NOW + 1)
        await show(pilot, after)
    assert made == [after]
