"""Text to select: whole values, no decoration, and the mouse is the terminal's while it is shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from lockdeck.backend.system.text import safe
from lockdeck.tui.app import LockdeckApp
from lockdeck.tui.screens.fleet import FleetScreen
from lockdeck.tui.screens.plaintext import PlainTextScreen
from lockdeck.tui.screens.selection_lines import rows_of_targets, story_rows
from lockdeck.tui.terminal.mouse import KEEP, REPORT
from lockdeck.tui.view.lines import Span
from lockdeck.tui.view.names import row_key
from lockdeck.tui.widgets.plainview import PlainView, break_row
from tests.tui.acting import Yard
from tests.tui.samples import hostile, incident, quiet
from tests.tui.stage import dashboard, frame, show, wait_for

SIZE = (140, 60)


def listen(app: LockdeckApp, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    sent: list[str] = []
    monkeypatch.setattr(app, "send_to_terminal", sent.append)
    return sent


async def test_the_selected_row_is_shown_in_rows_of_their_own() -> None:
    app = dashboard()
    async with app.run_test(size=SIZE) as pilot:
        snapshot = incident()
        await show(pilot, snapshot)
        view = next(view for view in snapshot.sessions if view.key == app.screen.selected_key[3])
        await pilot.press("Y")
        await pilot.pause()
        assert isinstance(app.screen, PlainTextScreen)
        rows = frame(app).split("\n")
        assert view.lock is not None
        for value in (
            *(view.key, view.session_id, view.root, view.lock.record.path, view.lock.release_id),
            *("held", *view.reasons, *view.lock.judgement.reasons),
        ):
            assert value in rows
        assert any(f"pid {view.lock.judgement.holder.pid}" in row for row in rows)
        assert not set("│┃▌─━") & set(frame(app))


async def test_the_mouse_is_the_terminals_until_the_text_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    app = dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, incident())
        sent = listen(app, monkeypatch)
        await pilot.press("Y")
        assert sent[0] == KEEP
        assert app._driver._mouse is False
        await pilot.press("escape")
        assert isinstance(app.screen, FleetScreen)
        assert sent[-1] == REPORT
        assert app._driver._mouse is True


async def test_a_mouse_that_was_off_stays_off_after_text(monkeypatch: pytest.MonkeyPatch) -> None:
    app = dashboard(mouse=False)
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, incident())
        sent = listen(app, monkeypatch)
        await pilot.press("Y", "escape")
        assert REPORT not in sent
        await pilot.press("m")
        assert sent[-1] == REPORT
        await pilot.press("m")
        assert sent[-1] == KEEP


async def test_a_value_longer_than_the_screen_is_written_in_one_go(monkeypatch: pytest.MonkeyPatch) -> None:
    app = dashboard()
    async with app.run_test(size=(50, 20)) as pilot:
        await show(pilot, incident())
        await pilot.press("l", "down")
        path = app.screen.selected_key[3]
        assert len(path) > 50
        sent = listen(app, monkeypatch)
        await pilot.press("Y")
        await wait_for(pilot, lambda: any(path in text for text in sent))
        (whole,) = [text for text in sent if path in text]
        y = frame(app).split("\n").index(path[:50])
        assert whole.startswith(f"\x1b[{y + 1};1H\x1b[?7h")
        assert whole.endswith("\x1b[?7l")
        assert frame(app).split("\n")[y + 1] == path[50:]


async def test_text_longer_than_the_screen_can_be_scrolled() -> None:
    app = dashboard()
    async with app.run_test(size=(60, 12)) as pilot:
        await show(pilot, incident())
        await pilot.press("Y")
        top = frame(app)
        assert "session key" in top
        await pilot.press("end")
        await pilot.pause()
        assert "session key" not in frame(app)
        await pilot.press("home")
        await pilot.pause()
        assert frame(app) == top


async def test_what_happens_beneath_does_not_repaint_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    app = dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, incident())
        await pilot.press("Y")
        await pilot.pause()
        painted: list[int] = []
        render = PlainView.render_line
        monkeypatch.setattr(PlainView, "render_line", lambda self, y: painted.append(y) or render(self, y))
        await show(pilot, quiet())
        app._tick()
        await pilot.pause()
        assert painted == []
        await pilot.press("escape")
        await pilot.pause()
        assert "No sessions and no locks" in frame(app)


async def test_the_session_screen_gives_every_sentence() -> None:
    app = dashboard()
    async with app.run_test(size=(300, 100)) as pilot:
        await show(pilot, incident())
        await pilot.press("enter", "Y")
        rows = frame(app).split("\n")
        view = next(view for view in incident().sessions if view.agent == "silas")
        assert view.rotation is not None
        assert view.rotation.policy is not None
        for sentence in (*view.reasons, view.rotation.policy.sentence, *view.blocked.sentences):
            assert sentence in rows
        assert any(row.endswith(view.log[0].sentence) for row in rows)
        assert "what lockdeck would do" in rows


async def test_marked_rows_are_all_shown() -> None:
    app = dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, incident())
        await pilot.press("space", "space", "Y")
        assert frame(app).count("session key") == 2


async def test_events_and_journal_give_the_selected_line(tmp_path: Path) -> None:
    yard = Yard(tmp_path)
    yard.journal.append("refused", path="/r/a.jsonl.lock", releaseId="aa", sentences=["the verdict is held"])
    app = yard.dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, quiet())
        await show(pilot, incident())
        await pilot.press("e", "Y")
        assert "severity" in frame(app)
        assert app.deck.log[0][1].sentence in frame(app)
        await pilot.press("escape", "J")
        await wait_for(pilot, lambda: "refused" in frame(app))
        await pilot.press("Y")
        assert "releaseId  aa" in frame(app).split("\n")


async def test_with_nothing_selected_it_says_so() -> None:
    app = dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, quiet())
        await pilot.press("Y")
        assert isinstance(app.screen, FleetScreen)
        assert any("nothing is selected" in str(note.message) for note in app._notifications)


async def test_the_toast_after_a_copy_names_the_other_way() -> None:
    app = dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, incident())
        await pilot.press("y")
        (toast,) = app._notifications
        assert "Y shows the text to select" in str(toast.message)
        await pilot.press("Y")
        assert not app._notifications


def test_hostile_text_is_made_safe_and_said_to_be_inexact() -> None:
    from lockdeck.tui.targets import targets_of

    snapshot = hostile()
    keys = [row_key(view) for view in snapshot.sessions]
    rows = rows_of_targets(targets_of(keys, snapshot), lambda _target: ())
    for view in snapshot.sessions:
        rows += story_rows(view, view.lock, snapshot.roots[0], ())
    assert all(row.text == safe(row.text, len(row.text) + 1) for row in rows)
    assert any("control characters were replaced" in row.text for row in rows)


@given(st.text(max_size=200), st.integers(2, 40))
def test_a_broken_row_fits_and_loses_nothing(text: str, width: int) -> None:
    row = Span(safe(text, 1000))
    pieces = break_row(row, width)
    assert "".join(piece.text for piece in pieces) == row.text
    assert all(cell_len(piece.text) <= width for piece in pieces)
