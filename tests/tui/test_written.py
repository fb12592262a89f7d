"""What was written about a session: its log as sentences and as lines, its transcript as a shape."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from lockdeck.tui.app import LockdeckApp
from lockdeck.tui.dialogs.reader import ReaderDialog
from lockdeck.tui.screens.written.log import LogScreen
from lockdeck.tui.screens.written.transcript import TranscriptScreen
from tests.tui.samples import NOW, incident
from tests.tui.stage import HeldSource, at_rest, dashboard, frame, show, wait_for
from tests.tui.written import SAID, TOKEN, Written, telling

SIZE = (120, 40)


@pytest.fixture
def written(tmp_path: Path) -> Written:
    return Written(tmp_path)


def deck(written: Written) -> LockdeckApp:
    source = HeldSource()
    source.records = written  # type: ignore[attr-defined]
    return dashboard(source)


async def open_log(pilot: object, *keys: str) -> LogScreen:
    await pilot.press("L", *keys)  # type: ignore[attr-defined]
    await at_rest(pilot)
    screen = pilot.app.screen  # type: ignore[attr-defined]
    assert isinstance(screen, LogScreen)
    await wait_for(pilot, lambda: screen._read is not None)
    return screen


async def test_a_sentence_leads_to_the_line_it_was_read_in(written: Written) -> None:
    app = deck(written)
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, telling(written))
        screen = await open_log(pilot, "g")
        assert "profile copilot:1 timed out" in frame(app)
        assert "Trying next account" not in frame(app)
        await pilot.press("enter")
        await at_rest(pilot)
        row = screen.table.cursor_item
        assert "Profile copilot:1 timed out. Trying next account..." in row.text
        assert row.raw.sentence == "profile copilot:1 timed out"
        assert "lines as OpenClaw wrote them" in frame(app)


async def test_lines_that_lockdeck_does_not_know_are_shown_made_safe_and_without_credentials(
    written: Written,
) -> None:
    app = deck(written)
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, telling(written))
        await open_log(pilot, "r", "G")
        assert "nothing lockdeck knows" in frame(app)
        assert TOKEN not in frame(app)
        assert "***" in frame(app)
        assert "\x1b" not in frame(app)


async def test_lines_of_another_session_are_not_shown(written: Written) -> None:
    written.add(NOW - 2, "of a neighbour", f"{written.session.key}2")
    app = deck(written)
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, telling(written))
        await open_log(pilot, "r", "G")
        assert "of a neighbour" not in frame(app)


async def test_a_new_line_comes_by_itself_and_the_end_is_followed_unless_one_has_scrolled_up(
    written: Written,
) -> None:
    app = deck(written)
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, telling(written))
        screen = await open_log(pilot, "r", "G")
        written.add(NOW, "the newest of all")
        screen.tick()
        await wait_for(pilot, lambda: "the newest of all" in frame(app))
        assert "the newest of all" in screen.table.cursor_item.text
        await pilot.press("g")
        written.add(NOW, "newer still")
        screen.tick()
        await wait_for(pilot, lambda: len(screen.items) == len(written.moments) + 3)
        assert screen.table.cursor_key == screen.table.order[0]


async def test_a_search_goes_from_line_to_line_and_hides_none(written: Written) -> None:
    app = deck(written)
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, telling(written, sentences=("all models failed",)))
        screen = await open_log(pilot, "g", "slash", *"copilot", "enter")
        count = len(written.moments)
        assert f"{count} matches of copilot" in frame(app)
        assert len(screen.table.order) == count + 1
        seen = []
        for key in ["n"] * count + ["N"]:
            await pilot.press(key)
            seen.append(screen.table.order.index(screen.table.cursor_key))
        assert seen == [*range(1, count), 0, count - 1]
        await pilot.press("slash", *"zzz", "enter", "n")
        assert "0 matches of zzz" in frame(app)
        assert len(screen.table.order) == count + 1


async def test_an_attempt_leads_to_its_line_in_sentences_and_in_lines(written: Written) -> None:
    app = deck(written)
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, telling(written))
        screen = await open_log(pilot, "g")
        await pilot.press("right_square_bracket")
        assert screen.table.cursor_item.text == "profile copilot:2 timed out"
        await pilot.press("left_square_bracket")
        assert screen.table.cursor_item.text == "profile copilot:1 timed out"
        await pilot.press("r", "right_square_bracket")
        assert "Profile copilot:2 timed out." in screen.table.cursor_item.text


async def test_what_is_left_of_a_log_that_was_rotated_away_says_so(written: Written) -> None:
    app = deck(written)
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, telling(written))
        screen = await open_log(pilot, "r", "G")
        written.log_path.rename(written.log_path.with_suffix(".1.log"))
        written.add(NOW, "in the next file")
        screen.tick()
        await wait_for(pilot, lambda: "in the next file" in frame(app))
        assert "rotated away" in frame(app)
        await pilot.press("g")
        assert "rotated away" in frame(app).split("\n")[-8:][0] or screen.table.cursor_item.raw.gone


async def test_a_transcript_is_its_shape_and_what_a_record_says_comes_only_by_a_key(written: Written) -> None:
    app = deck(written)
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, telling(written))
        await pilot.press("T")
        await wait_for(pilot, lambda: "aborted" in frame(app))
        for word in ("user", "assistant", "toolResult", "read_file", "toolUse", "The last 5 records"):
            assert word in frame(app)
        assert SAID not in frame(app)
        await pilot.press("g", "j", "x")
        await wait_for(pilot, lambda: isinstance(app.screen, ReaderDialog))
        assert SAID in frame(app)
        await pilot.press("escape")
        assert SAID not in frame(app)


async def test_what_a_record_says_is_not_shown_in_a_browser(
    written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEXTUAL_DRIVER", "textual.drivers.web_driver:WebDriver")
    app = deck(written)
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, telling(written))
        await pilot.press("T")
        await wait_for(pilot, lambda: "aborted" in frame(app))
        screen = app.screen
        await pilot.press("g", "j", "x")
        assert any("not shown in a browser" in note.message for note in app._notifications)
        assert app.screen is screen
        assert SAID not in frame(app)


async def test_log_and_transcript_lead_to_each_other_and_back_to_where_they_were_opened(
    written: Written,
) -> None:
    app = deck(written)
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, telling(written))
        beneath = app.screen
        await pilot.press("L", "T")
        assert isinstance(app.screen, TranscriptScreen)
        await pilot.press("L", "T", "q")
        assert app.screen is beneath


@pytest.mark.parametrize(
    ("era", "sentence"), [("sqlite", "a mere reader of it"), ("files", "the store names none")]
)
async def test_a_transcript_that_is_not_read_says_why(written: Written, era: str, sentence: str) -> None:
    snapshot = telling(written)
    sessions = tuple(replace(view, transcript=None) for view in snapshot.sessions)
    roots = tuple(replace(root, era=era) for root in snapshot.roots)
    app = deck(written)
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, replace(snapshot, sessions=sessions, roots=roots))
        await pilot.press("T")
        await wait_for(pilot, lambda: sentence in " ".join(frame(app).split()))


async def test_where_nothing_can_be_read_the_screens_say_so() -> None:
    app = dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, incident())
        for keys in (("L", "r"), ("T",)):
            await pilot.press(*keys)
            assert "Nothing can be read from here" in frame(app)


async def test_a_reading_that_fails_is_told_and_tried_again(
    written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = deck(written)
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, telling(written))
        with monkeypatch.context() as patched:
            patched.setattr(Written, "log", lambda _self: 1 / 0)
            await pilot.press("L")
            await wait_for(pilot, lambda: "ZeroDivisionError" in frame(app))
        app.screen.tick()
        await wait_for(pilot, lambda: "ZeroDivisionError" not in frame(app))
