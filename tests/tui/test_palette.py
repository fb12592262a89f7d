"""The palette finds commands, sessions and locks by a part of their name, and leads to them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from textual.command import CommandList
from textual.pilot import Pilot

from lockdeck.backend.model.fleet import FleetSnapshot
from lockdeck.tui.screens.fleet import FleetScreen
from lockdeck.tui.screens.locks import LocksScreen
from lockdeck.tui.screens.rowprovider import MOST_ROWS
from lockdeck.tui.screens.session import SessionScreen
from lockdeck.tui.table.filter import parse
from lockdeck.tui.table.finding import as_filter, find_rows
from lockdeck.tui.table.rows import urgency
from lockdeck.tui.table.tables import FLEET
from tests.tui.samples import ROOT, hostile, incident, large
from tests.tui.stage import dashboard, show, wait_for

SIZE = (120, 40)


def names(snapshot: FleetSnapshot, text: str, most: int = 1000) -> list[tuple[str, str]]:
    """Return kind and name of the rows that are found."""
    return [(match.key[0], match.key[3]) for match in find_rows(snapshot, text, most).matches]


def test_a_row_is_found_by_agent_key_state_in_words_and_a_lock_by_its_path() -> None:
    snapshot = incident()
    silas, other = [view for view in snapshot.sessions if view.agent == "silas"]
    assert names(snapshot, "SILAS") == [("session", silas.key), ("session", other.key)]
    assert ("session", silas.key) in names(snapshot, "stuck discord")
    assert names(snapshot, silas.key) == [("session", silas.key)]
    assert silas.lock is not None
    assert names(snapshot, silas.lock.record.path) == [("lock", silas.lock.record.path)]
    assert names(snapshot, "silas rotating") == []
    assert names(snapshot, "  ") == []


def test_the_most_urgent_stand_first_and_the_rest_are_counted() -> None:
    snapshot = large(10_000)
    findings = find_rows(snapshot, "agent", 15)
    ranks = [urgency(match.row) for match in findings.matches]
    assert ranks == sorted(ranks)
    assert len(ranks) == 15
    everyone = find_rows(snapshot, "agent", 100_000)
    assert len(everyone.matches) == 15 + findings.more
    assert everyone.matches[:15] == findings.matches


@given(st.text(max_size=20))
def test_the_filter_for_a_text_is_one_and_lets_through_what_was_found(text: str) -> None:
    query = parse(as_filter(text), FLEET.fields)
    for snapshot in (incident(), hostile()):
        for match in find_rows(snapshot, text, 1000).matches:
            shown = match.key[0] == "session" or match.row in snapshot.locks
            assert query.matches(match.row) or not shown or '"' in text


async def asked(pilot: Pilot[int], text: str, found: Callable[[list[str]], bool]) -> list[str]:
    """Type into the palette, wait for what is looked for, return what is offered."""
    await pilot.press("colon", *text)
    await wait_for(pilot, lambda: found(offered(pilot)))
    return offered(pilot)


def offered(pilot: Pilot[int]) -> list[str]:
    lists = pilot.app.screen.query(CommandList)
    return [str(option.prompt) for option in lists.first().options] if lists else []


async def test_enter_on_a_session_opens_its_screen() -> None:
    app = dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, incident())
        shown = await asked(pilot, "silas", lambda rows: any("silas" in row for row in rows))
        assert "stuck" in shown[0]
        assert "agent:silas:" in shown[0]
        await pilot.press("enter")
        await wait_for(pilot, lambda: isinstance(app.screen, SessionScreen))
        assert app.screen.selected_row.agent == "silas"


async def test_enter_on_a_lock_selects_it_on_the_locks() -> None:
    app = dashboard()
    async with app.run_test(size=SIZE) as pilot:
        snapshot = incident()
        await show(pilot, snapshot)
        (dead,) = [lock for lock in snapshot.locks if lock.record.path.endswith("/juno-0007.jsonl.lock")]
        path = dead.record.path
        await pilot.press("e")
        shown = await asked(pilot, "0007", lambda rows: any(path in row for row in rows))
        assert "dead lock  lock juno-0007.jsonl.lock" in shown[0]
        await pilot.press("enter")
        await wait_for(pilot, lambda: isinstance(app.screen, LocksScreen))
        assert app.screen.selected_key == ("lock", "", ROOT, path)
        assert len(app.screen_stack) == 2


@pytest.mark.parametrize("from_screen", ["fleet", "events"])
async def test_too_many_rows_are_counted_and_lead_to_the_fleet_with_just_those(from_screen: str) -> None:
    app = dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, large(10_000))
        if from_screen == "events":
            await pilot.press("e")
        count = len(find_rows(app.deck.displayed, "agent1", 100_000).matches)
        shown = await asked(pilot, "agent1", lambda rows: any("more row" in row for row in rows))
        assert len(shown) == MOST_ROWS + 1
        assert shown[-1].startswith(f"and {count - MOST_ROWS} more rows")
        await pilot.press(*["down"] * MOST_ROWS, "enter")
        await wait_for(pilot, lambda: isinstance(app.screen, FleetScreen))
        assert app.screen.filter_text == "agent1"
        assert len(app.screen.table.order) == count


async def test_a_command_that_is_named_stands_above_rows_and_one_that_is_alike_below() -> None:
    app = dashboard()
    async with app.run_test(size=SIZE) as pilot:
        snapshot = incident()
        await show(pilot, replace(snapshot, sessions=(*snapshot.sessions, *large(3).sessions)))
        shown = await asked(pilot, "locks", lambda rows: any(row.startswith("Locks") for row in rows))
        assert shown[0].startswith("Locks")
        await pilot.press("escape")
        shown = await asked(pilot, "main", lambda rows: any("agent:main" in row for row in rows))
        kinds = ["agent:" in row or "lock " in row for row in shown]
        assert kinds == sorted(kinds, reverse=True)


async def test_what_a_session_is_called_reaches_the_palette_as_data() -> None:
    app = dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, hostile())
        shown = await asked(pilot, "leaked", lambda rows: any("agent:" in row for row in rows))
        assert not any("\x1b" in row for row in shown)
        assert any("[@click=app.quit]" in row for row in shown)
        assert not any(
            "@click" in str(span.style)
            for row in app.screen.query_one(CommandList).options
            for span in row.prompt.spans
        )
