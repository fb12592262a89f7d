"""The keys that hands expect work in every list and on every page of text."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from textual.containers import VerticalScroll
from textual.pilot import Pilot

from lockdeck.backend.actions.journal import Journal
from lockdeck.backend.model.fleet import Severity
from lockdeck.tui.dialogs.columns import ColumnsDialog
from lockdeck.tui.operations import ActionContext
from lockdeck.tui.screens.rowscreen import RowScreen
from lockdeck.tui.screens.tablescreen import TableScreen
from lockdeck.tui.view.events import EventLine
from tests.tui.samples import NOW, ROOT, held, incident, large
from tests.tui.stage import dashboard, frame, show, wait_for

COUNT = 60
LISTS = {"fleet": (), "locks": ("l",), "events": ("e",), "journal": ("J",)}
"""The keys that lead to each list."""
SIZE = (120, 30)


async def open_list(pilot: Pilot[int], keys: tuple[str, ...], journal: Journal) -> TableScreen:
    """Open a list with COUNT rows."""
    app = pilot.app
    for number in range(COUNT):
        journal.append("refused", lock=f"/x/{number}.jsonl.lock", reasons=[f"n{number}"])
        app.deck.note(EventLine(NOW, Severity.NOTICE, "lockdeck", f"event {number}"))
    fleet = large(COUNT)
    sessions = tuple(
        replace(view, severity=Severity.WARNING, lock=held(view.agent, f"s{at}", 60.0))
        for at, view in enumerate(fleet.sessions)
    )
    locks = tuple(view.lock for view in sessions if view.lock is not None)
    await show(pilot, replace(fleet, sessions=sessions, locks=locks))
    await pilot.press(*keys)
    screen = app.screen
    assert isinstance(screen, TableScreen)
    await wait_for(pilot, lambda: len(screen.table.order) == COUNT)
    return screen


@pytest.fixture
def journal(tmp_path) -> Journal:
    return Journal(str(tmp_path / "journal.jsonl"))


@pytest.mark.parametrize("name", LISTS)
async def test_in_every_list_the_cursor_goes_by_rows_halves_and_ends(name: str, journal: Journal) -> None:
    app = dashboard(action_context=ActionContext(journal=journal))
    async with app.run_test(size=SIZE) as pilot:
        table = (await open_list(pilot, LISTS[name], journal)).table

        async def after(*keys: str) -> int:
            await pilot.press(*keys)
            return table.order.index(table.cursor_key)

        assert await after("j") == await after("up", "down") == 1
        assert await after("k") == 0
        half = await after("ctrl+d")
        assert 1 < half < COUNT - 1
        assert await after("ctrl+d") == 2 * half
        assert await after("ctrl+u", "ctrl+u") == 0
        assert await after("G") == await after("end") == COUNT - 1
        assert await after("g") == await after("home") == 0


@pytest.mark.parametrize("name", LISTS)
async def test_in_every_list_a_filter_is_counted_gone_through_and_taken_off(
    name: str, journal: Journal
) -> None:
    word = {"locks": "s1", "journal": "n1"}.get(name, "7")
    app = dashboard(action_context=ActionContext(journal=journal))
    async with app.run_test(size=SIZE) as pilot:
        screen = await open_list(pilot, LISTS[name], journal)
        assert f"{COUNT} of {COUNT}" in frame(app)
        await pilot.press("n")
        assert any("there is no filter" in note.message for note in app._notifications)
        await pilot.press("slash", *word, "enter")
        rows = screen.table.order
        assert 1 < len(rows) < COUNT
        assert f"{len(rows)} of {COUNT}" in frame(app)
        await pilot.press("n")
        assert screen.table.cursor_key == rows[1]
        await pilot.press("N", "N")
        assert screen.table.cursor_key == rows[-1]
        await pilot.press("n")
        assert screen.table.cursor_key == rows[0]
        await pilot.press("escape")
        assert app.screen is screen
        assert len(screen.table.order) == COUNT


@pytest.mark.parametrize("key", ["asterisk", "ctrl+a"])
@pytest.mark.parametrize("name", [name for name in LISTS if name in ("fleet", "locks")])
async def test_where_rows_can_be_marked_all_that_are_shown_are_at_once_and_escape_peels(
    name: str, key: str, journal: Journal
) -> None:
    app = dashboard(action_context=ActionContext(journal=journal))
    async with app.run_test(size=SIZE) as pilot:
        screen = await open_list(pilot, LISTS[name], journal)
        assert isinstance(screen, RowScreen)
        await pilot.press("slash", *("s1" if name == "locks" else "7"), "enter", key)
        count = len(screen.table.order)
        assert f"{count} MARKED" in frame(app)
        assert len(screen.target_keys) == count
        await pilot.press("escape")
        assert screen.filter_text == ""
        assert f"{count} MARKED" in frame(app)
        await pilot.press("escape")
        assert "MARKED" not in frame(app)
        assert app.screen is screen


PAGES = {
    "help": ("question_mark",),
    "session": ("enter",),
    "cause": ("a",),
    "columns": ("v",),
    "notes": ("exclamation_mark",),
}


@pytest.mark.parametrize("name", PAGES)
async def test_every_page_of_text_scrolls_by_the_same_keys(name: str, journal: Journal) -> None:
    app = dashboard(action_context=ActionContext(journal=journal))
    async with app.run_test(size=(60, 12)) as pilot:
        notes = tuple(f"{ROOT}: note {number}" for number in range(40))
        await show(pilot, replace(incident(), notes=notes))
        await pilot.press(*PAGES[name])
        screen = app.screen

        def place() -> float:
            if isinstance(screen, ColumnsDialog):
                return screen._choice.cursor
            return screen.query(VerticalScroll).first().scroll_y

        async def after(*keys: str) -> float:
            await pilot.press(*keys)
            await pilot.pause()
            return place()

        assert await after("j") == 1
        assert await after("k") == 0
        assert await after("ctrl+d") > 1
        assert await after("ctrl+u") == 0
        last = await after("G")
        assert last > 1
        assert await after("j") == last
        assert await after("g") == 0
