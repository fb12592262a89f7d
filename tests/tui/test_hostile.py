"""Text from an attacker is data, in every field and on every screen."""

from __future__ import annotations

import re
import sys

import pytest
from textual import events
from textual.widgets import Input

from lockdeck.backend.model.changes import changes
from lockdeck.backend.system.text import safe
from lockdeck.tui.screens.fleet import FleetScreen
from lockdeck.tui.table.column import CellContext
from lockdeck.tui.table.tables import EVENTS
from lockdeck.tui.view.events import event_lines
from lockdeck.tui.view.lines import plain
from lockdeck.tui.view.symbols import UNICODE
from lockdeck.tui.widgets.table import Table
from lockdeck.tui.widgets.text import FIT_TO_SHOW
from tests.tui.samples import NOW, PAYLOADS, hostile, quiet
from tests.tui.stage import UTF8, dashboard, frame, show, wait_for

WAYS = {
    "fleet": (),
    "session": ("enter",),
    "locks": ("l",),
    "a lock": ("l", "end", "enter"),
    "events": ("e",),
    "filter": ("slash", "x", "enter"),
    "theme": ("t",),
    "text": ("Y",),
    "text of a session": ("enter", "Y"),
    "text of a lock": ("l", "end", "Y"),
    "text of an event": ("e", "Y"),
}


@pytest.mark.parametrize("theme", ["dark", "monochrome"])
@pytest.mark.parametrize("way", WAYS)
async def test_no_field_reaches_the_terminal_as_it_is(way: str, theme: str) -> None:
    app = dashboard(theme=theme)
    async with app.run_test(size=(160, 60), notifications=True) as pilot:
        await show(pilot, quiet())
        await show(pilot, hostile())
        await pilot.press(*WAYS[way])
        await pilot.pause()
        shown = frame(app)
        assert all(row == safe(row, 1000) for row in shown.split("\n"))
        assert any(word in shown for word in ("leaked", "stuck", "verdict", "severity"))


async def test_markup_is_shown_and_links_do_nothing() -> None:
    app = dashboard(env=UTF8)
    async with app.run_test(size=(160, 60)) as pilot:
        await show(pilot, hostile())
        rows = frame(app).split("\n")
        y = next(at for at, row in enumerate(rows) if "leaked" in row and "[@click=app.quit]" in row)
        table = app.screen.query_one(Table)
        for x in range(2, 120, 26):
            await pilot.click(offset=(x, y))
            if not isinstance(app.screen, FleetScreen):
                await pilot.press("escape")
        assert app.is_running
        assert app.return_code is None
        assert table.cursor_key is not None
        assert "[@click=app.quit]x[/]" in frame(app)


async def test_copying_a_hostile_key_cannot_break_out_of_the_toast() -> None:
    app = dashboard()
    async with app.run_test(size=(160, 60), notifications=True) as pilot:
        await show(pilot, hostile())
        for _row in PAYLOADS:
            await pilot.press("y", "down")
            await pilot.pause()
            assert app.clipboard == safe(app.clipboard, 10_000)
        assert app.is_running


def test_sentences_about_changes_are_made_safe_where_they_are_shown() -> None:
    context = CellContext(NOW, UNICODE)
    for change in event_lines(changes(quiet(), hostile()), NOW):
        for column in EVENTS.columns:
            cell = column.cell(change, context)
            assert plain(cell) == safe(plain(cell), 10_000)


def test_a_field_takes_exactly_what_is_shown_as_it_is() -> None:
    fit = re.compile(FIT_TO_SHOW)
    for code in range(sys.maxunicode + 1):
        character = chr(code)
        assert (fit.fullmatch(character) is not None) == (safe(character) == character), hex(code)


@pytest.mark.parametrize("field", ["slash", "colon"])
@pytest.mark.parametrize("payload", [payload for payload in PAYLOADS if safe(payload) != payload])
async def test_no_field_takes_a_pasted_payload(payload: str, field: str) -> None:
    app = dashboard(env=UTF8)
    async with app.run_test(size=(160, 60)) as pilot:
        await show(pilot, quiet())
        await pilot.press(field)
        await wait_for(pilot, lambda: isinstance(app.focused, Input))
        app.focused.post_message(events.Paste(f"x{payload}"))
        app.focused.post_message(events.Key("ctrl+x", payload[0]))
        await pilot.pause()
        value = app.focused.value
        assert value == safe(value)
        await pilot.press(*"lock")
        assert app.focused.value.endswith("lock")
