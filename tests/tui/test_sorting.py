"""Sorting by any column both ways, the wide table, and columns of one's own choice."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockdeck.tui.preferences.records import Preferences
from lockdeck.tui.table.column import Column
from lockdeck.tui.table.columns.fleet import COLUMNS
from lockdeck.tui.table.columns.locks import COLUMNS as LOCK_COLUMNS
from lockdeck.tui.table.layout import select
from lockdeck.tui.table.rows import Row, fleet_rows, lock_rows
from lockdeck.tui.table.sorting import Sort
from lockdeck.tui.view.names import row_key
from lockdeck.tui.widgets.tableheader import header_line
from tests.tui.samples import incident
from tests.tui.stage import dashboard, frame, show

SIZE = (140, 45)
BY_NAME: dict[str, Column[Row]] = {column.name: column for column in COLUMNS}
SORTABLE = [column for column in COLUMNS if column.sort is not None]
SORTABLE_LOCKS = [column for column in LOCK_COLUMNS if column.sort is not None]


def ordered(rows: Iterable[Row], sort: Sort) -> list[Row]:
    return sorted(rows, key=sort.rank)


def keys(sort: Sort) -> list[str]:
    return [row_key(row).name for row in ordered(fleet_rows(incident()).values(), sort)]


def name_of(column: Column[Row]) -> str:
    return column.name


@pytest.mark.parametrize("column", SORTABLE, ids=name_of)
@pytest.mark.parametrize("reverse", [False, True])
def test_sorting_loses_no_row_and_puts_rows_without_a_value_last(column: Column[Row], reverse: bool) -> None:
    sort, rows = Sort.of(column, reverse=reverse), fleet_rows(incident()).values()
    made = ordered(rows, sort)
    assert sorted(map(row_key, made)) == sorted(map(row_key, rows))
    has_value = [sort.by.value(row) is not None for row in made]
    assert has_value == sorted(has_value, reverse=True)


@pytest.mark.parametrize("column", SORTABLE_LOCKS, ids=name_of)
def test_the_locks_can_be_sorted_by_each_of_their_columns(column: Column[Row]) -> None:
    sort = Sort.of(column)
    values = [sort.by.value(row) for row in ordered(lock_rows(incident()).values(), sort)]
    known = [value for value in values if value is not None]
    assert known == sorted(known)


def test_the_longest_occupied_comes_first_and_last_when_reversed() -> None:
    silas, ezra = "agent:silas:discord:channel:119834421", "agent:ezra:discord:channel:119834907"
    order, reverse = keys(Sort.of(BY_NAME["occupied"])), keys(Sort.of(BY_NAME["occupied"]).opposite())
    assert order.index(silas) < order.index(ezra)
    assert reverse.index(silas) > reverse.index(ezra)


def test_equal_rows_stay_most_urgent_first_both_ways() -> None:
    for sort in (Sort.of(BY_NAME["agent"]), Sort.of(BY_NAME["agent"], reverse=True)):
        order = [key for key in keys(sort) if key.startswith("agent:silas:")]
        assert order == ["agent:silas:discord:channel:119834421", "agent:silas:main"]


@given(st.lists(st.sampled_from([-1, 1]), max_size=30))
def test_moving_right_and_left_ends_where_it_began(steps: list[int]) -> None:
    sort = Sort.of(BY_NAME["agent"])
    for step in [*steps, *(-step for step in reversed(steps))]:
        sort = sort.neighbour(step, COLUMNS)
        assert sort.column in {column.name for column in SORTABLE}
    assert sort == Sort.of(BY_NAME["agent"])


async def test_greater_than_moves_the_sort_column_and_o_turns_it_round() -> None:
    app = dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, incident())
        assert "↓STATE" in frame(app)
        await pilot.press("greater_than_sign", "greater_than_sign")
        assert "↑AGENT" in frame(app)
        agents = [key[3].split(":")[1] for key in app.screen.table.order if key[0] == "session"]
        assert agents == sorted(agents)
        await pilot.press("o")
        assert "↓AGENT" in frame(app)
        agents = [key[3].split(":")[1] for key in app.screen.table.order if key[0] == "session"]
        assert agents == sorted(agents, reverse=True)
        await pilot.press("less_than_sign")
        assert "↓STATE" in frame(app)


async def test_a_click_on_a_title_sorts_by_it_and_a_second_one_turns_it_round() -> None:
    app = dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, incident())
        title = next(row for row in frame(app).split("\n") if "WAITING" in row)
        at = (title.index("WAITING") + 2, 0)
        await pilot.click("Table", offset=at)
        await pilot.pause()
        assert "↓WAITING" in frame(app)
        await pilot.click("Table", offset=at)
        await pilot.pause()
        assert "↑WAITING" in frame(app)
        first = app.screen.table.order[0][3]
        assert first.startswith("agent:ezra:discord")


async def test_a_frozen_order_that_is_sorted_stays_frozen() -> None:
    app = dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, incident())
        await pilot.press("f", "greater_than_sign", "greater_than_sign")
        assert app.screen.frozen
        agents = [key[3].split(":")[1] for key in app.screen.table.order if key[0] == "session"]
        assert agents == sorted(agents)


async def test_w_shows_all_columns_and_the_arrows_lead_to_them() -> None:
    app = dashboard()
    async with app.run_test(size=(80, 24)) as pilot:
        await show(pilot, incident())
        assert "WAITING" not in frame(app)
        await pilot.press("w")
        assert "STATE" in frame(app)
        await pilot.press(*["right"] * 10)
        shown = frame(app)
        assert "HOLDER" in shown
        assert "TREND" in shown
        assert "STATE" not in shown
        assert "396 openclaw-gateway" in shown
        titles = next(row for row in shown.split("\n") if "WAITING" in row)
        await pilot.click("Table", offset=(titles.index("WAITING") + 2, 0))
        await pilot.pause()
        assert "↓WAITING" in frame(app)
        await pilot.press("w")
        assert "WAITING" not in frame(app)
        assert "STATE" in frame(app)


async def test_columns_are_those_of_the_configuration_in_its_order() -> None:
    app = dashboard(preferences=Preferences(columns={"fleet": ("callers", "agent", "state")}))
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, incident())
        titles = next(row for row in frame(app).split("\n") if "WAITING" in row)
        assert titles.split() == ["WAITING", "AGENT", "↓STATE"]
        row = next(row for row in frame(app).split("\n") if "silas" in row)
        assert row.split()[:4] == ["4", "silas", "✖", "stuck"]


def test_a_sort_is_the_same_however_its_column_was_selected() -> None:
    (narrow,) = select(COLUMNS, ("holder",))
    assert narrow != BY_NAME["holder"]
    assert Sort.of(narrow) == Sort.of(BY_NAME["holder"])
    assert Sort.of(narrow).clicked(BY_NAME["holder"]) == Sort.of(narrow).opposite()


def test_columns_are_selected_by_name_and_all_without_one() -> None:
    assert select(COLUMNS, ("agent", "state")) == (BY_NAME["agent"], BY_NAME["state"])
    assert select(COLUMNS, ()) == COLUMNS


@given(st.integers(1, 200), st.sampled_from([column.name for column in SORTABLE]), st.booleans())
def test_the_arrow_never_moves_nor_cuts_a_title(width: int, column: str, wide: bool) -> None:
    def titles(sorted_by: str) -> str:
        parts = header_line(COLUMNS, width, sorted_by=sorted_by, arrow="↓", ellipsis="…", wide=wide)
        return "".join(part.text for part in parts)

    with_arrow, without = titles(column), titles("")
    assert with_arrow.replace("↓", " ") == without
