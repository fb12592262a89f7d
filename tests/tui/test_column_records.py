"""A column is one record: whoever adds one has to say all of it, and what is said works everywhere."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from lockdeck.backend.model.changes import changes
from lockdeck.backend.model.fleet import Severity
from lockdeck.backend.settings.records import Settings
from lockdeck.tui.preferences.check import check_columns
from lockdeck.tui.screens.fleet import FleetScreen
from lockdeck.tui.table.column import CellContext, Column, Field, SortValue, Width, no_cell
from lockdeck.tui.table.columns.fleet import row_cell
from lockdeck.tui.table.hostrow import host_rows
from lockdeck.tui.table.journalentry import Entry
from lockdeck.tui.table.rows import Row, fleet_rows, lock_rows, row_agent
from lockdeck.tui.table.tables import EVENTS, FLEET, TABLES
from lockdeck.tui.view.events import EventLine, event_lines
from lockdeck.tui.view.lines import line, plain, span
from lockdeck.tui.view.sparkline import Beat, Pulse, pulse_name
from lockdeck.tui.view.symbols import ASCII, UNICODE
from tests.folders import DOCS
from tests.tui.hostfleet import three_hosts
from tests.tui.samples import NOW, hostile, incident, quiet
from tests.tui.stage import dashboard, frame, show

NEW: Column[Row] = Column(
    name="queue",
    title="QUEUE",
    width=Width(12),
    cell=row_cell(session=lambda view, _context: line(span(f"waits-{view.agent}")), lock=no_cell),
    sort=SortValue(row_agent),
    field=Field("queue", lambda row: f"waits-{row_agent(row)}"),
)


def elsewhere(row: Row) -> Row:
    return replace(row, host="alpha")


def items_of(table: str) -> Sequence[object]:
    facts = {"at": "2026-04-05T10:00:00Z", "kind": "released", "path": "/r/a.lock", "releaseId": "a1"}
    return {
        "fleet": [*map(elsewhere, fleet_rows(incident()).values()), *fleet_rows(hostile()).values()],
        "locks": [*map(elsewhere, lock_rows(incident()).values()), *lock_rows(hostile()).values()],
        "events": [
            EventLine(NOW, Severity.OK, "alpha", "is seen", host="alpha"),
            *event_lines(changes(quiet(), hostile()), NOW),
        ],
        "hosts": [
            *host_rows(three_hosts(), {}, ()).values(),
            *host_rows(replace(three_hosts(), hosts=three_hosts().hosts[:1]), {}, ("prod",)).values(),
        ],
        "journal": [Entry(1, {}), Entry(2, facts | {"sentences": ["released"]})],
    }[table]


COLUMNS = [
    pytest.param(table.name, column, id=f"{table.name}-{column.name}")
    for table in TABLES.values()
    for column in table.all_columns
]


@pytest.mark.parametrize(("table", "column"), COLUMNS)
def test_a_column_says_all_of_itself_for_every_item(table: str, column: Column[object]) -> None:
    items = items_of(table)
    beats = {pulse_name(elsewhere(view)): {int(NOW // 10): Beat(1, 1)} for view in incident().sessions}
    for symbols in (UNICODE, ASCII):
        context = CellContext(NOW, symbols, pulse=Pulse(beats))
        assert any(plain(column.cell(item, context)) for item in items)
    if column.sort is not None:
        values = [value for value in map(column.sort.value, items) if value is not None]
        assert sorted(values)
    if column.field is not None:
        texts = {column.field.text(item) for item in items}
        assert any(texts)
        assert all(isinstance(text, str) for text in texts)
        assert column.field in TABLES[table].fields


def test_no_part_of_a_column_can_be_forgotten() -> None:
    known = {"name": "x", "title": "X", "width": Width(1), "cell": no_cell, "sort": None, "field": None}
    for part in known:
        with pytest.raises(TypeError, match=part):
            Column(**{name: value for name, value in known.items() if name != part})
    with pytest.raises(TypeError, match="lock"):
        row_cell(session=no_cell)  # type: ignore[call-arg]


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_the_names_of_a_table_are_names_of_one_thing_each(table) -> None:
    for names in ([column.name for column in table.columns], [field.name for field in table.fields]):
        assert all(names)
        assert len(set(names)) == len(names)


def test_every_setting_of_columns_belongs_to_a_table() -> None:
    settings = {name for name in Settings.__annotations__ if name.endswith("columns")}
    assert settings == {table.setting for table in TABLES.values()}


def test_the_manual_names_the_fields_of_each_table_in_their_order_and_only_columns_that_are_there() -> None:
    manual = (DOCS / "keys.md").read_text(encoding="utf-8")
    for table in TABLES.values():
        (sentence,) = re.findall(rf"^- on .*\b{table.name}\b.*$", manual, re.MULTILINE)
        assert re.findall(r"`(\w+)`", sentence) == [field.name for field in table.fields]
        (example,) = re.findall(rf"^{table.setting} = \[(.*)\]", manual, re.MULTILINE)
        assert set(re.findall(r'"(\w+)"', example)) <= {column.name for column in table.columns}


async def test_a_new_column_needs_its_record_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    table = replace(FLEET, columns=(NEW, *FLEET.columns))
    monkeypatch.setattr(FleetScreen, "TABLE", table)
    monkeypatch.setitem(TABLES, "fleet", table)  # type: ignore[arg-type]
    check_columns(Settings(columns=("queue",)))
    app = dashboard()
    async with app.run_test(size=(120, 30)) as pilot:
        await show(pilot, incident())
        assert "↓QUEUE" in frame(app)
        assert "waits-silas" in frame(app)
        await pilot.press("greater_than_sign")
        assert "↑QUEUE" in frame(app)
        agents = [key[3].split(":")[1] for key in app.screen.table.order if key[0] == "session"]
        assert agents == sorted(agents)
        await pilot.press("slash", *"que", "tab", *"waits-si", "tab", "enter")
        assert app.screen.filter_text == "queue:waits-silas"
        assert {key[3].split(":")[1] for key in app.screen.table.order} == {"silas"}
        await pilot.press("v")
        assert "QUEUE" in frame(app)
        await pilot.press("space", "enter")
        assert "QUEUE" not in frame(app)


def test_events_and_journal_can_not_be_sorted_and_the_fleet_by_all_that_is_not_drawn() -> None:
    assert all(column.sort is None for column in (*EVENTS.columns, *TABLES["journal"].columns))
    assert [column.name for column in FLEET.columns if column.sort is None] == ["progress", "churn", "trend"]
    assert all(column.sort is not None for column in TABLES["locks"].columns)
