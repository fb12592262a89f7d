"""The virtual table: identity, painting only what changed, keys and mouse."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import pytest
from textual.app import App, ComposeResult
from textual.geometry import Region

from lockdeck.themes.loader import load_catalog
from lockdeck.tui.table.column import CellContext, Column, Width
from lockdeck.tui.view.lines import Line, line, span
from lockdeck.tui.view.style import StyleBook
from lockdeck.tui.view.symbols import UNICODE
from lockdeck.tui.widgets.table import Table
from tests.tui.samples import incident, large
from tests.tui.stage import dashboard, frame, show


def cell(made: list[str], item: str, _context: CellContext) -> Line:
    made.append(item)
    return line(span(item))


class Stage(App[None]):
    stylebook = StyleBook(load_catalog().palettes["dark"])
    symbols = UNICODE

    def __init__(self) -> None:
        super().__init__()
        self.made: list[str] = []
        self.made_when_wide: list[str] = []
        self.said: list[str] = []

    def compose(self) -> ComposeResult:
        makes = partial(cell, self.made)
        name = Column(name="name", title="NAME", width=Width(10, flex=1), cell=makes, sort=None, field=None)
        yield Table([name], lambda: CellContext(0.0, UNICODE), empty=self.words)

    def words(self) -> list[Line]:
        return [line(span(text)) for text in self.said]

    @property
    def table(self) -> Table[str]:
        return self.query_one(Table)

    def show(self, names: Sequence[str]) -> None:
        self.table.show(tuple(names), {name: name for name in names})


def names(count: int) -> list[str]:
    return [f"row-{number:05d}" for number in range(count)]


async def test_the_cursor_follows_its_row_through_sorting_inserting_and_removing() -> None:
    app = Stage()
    async with app.run_test(size=(40, 10)) as pilot:
        app.show(names(50))
        app.table.focus()
        await pilot.press("down", "down", "down")
        assert app.table.cursor_key == "row-00003"
        for order in (names(50)[::-1], ["new", *names(50)], names(50)[2:], names(4)):
            app.show(order)
            await pilot.pause()
            assert app.table.cursor_key == "row-00003"
            assert "row-00003" in frame(app)


async def test_the_row_stays_on_its_line_when_rows_come_above_it() -> None:
    app = Stage()
    async with app.run_test(size=(40, 10)) as pilot:
        app.show(names(50))
        app.table.focus()
        await pilot.press(*["down"] * 20)
        place = frame(app).split("\n").index(" row-00020")
        app.show(["a", "b", "c", *names(50)])
        await pilot.pause()
        assert frame(app).split("\n").index(" row-00020") == place


async def test_at_the_top_new_urgent_rows_come_into_sight() -> None:
    app = Stage()
    async with app.run_test(size=(40, 10)) as pilot:
        app.show(names(50))
        app.show(["urgent", *names(50)])
        await pilot.pause()
        assert "urgent" in frame(app)
        assert app.table.cursor_key == "urgent"
        app.table.follow_row()
        app.show(["more urgent", "urgent", *names(50)])
        await pilot.pause()
        assert "more urgent" in frame(app)
        assert app.table.cursor_key == "urgent"


async def test_the_neighbour_is_selected_when_the_row_goes() -> None:
    app = Stage()
    async with app.run_test(size=(40, 10)) as pilot:
        app.show(names(5))
        app.table.move_to(4)
        app.show(names(4))
        assert app.table.cursor_key == "row-00003"
        app.show([])
        assert app.table.cursor_key is None
        await pilot.press("down", "end", "pageup")
        app.show(names(3))
        assert app.table.cursor_key == "row-00000"


async def test_only_visible_rows_are_made_and_only_changed_ones_painted() -> None:
    app = Stage()
    async with app.run_test(size=(40, 10)) as pilot:
        app.show(names(10_000))
        await pilot.pause()
        assert len(set(app.made)) <= 20
        painted: list[Region] = []
        app.table.refresh = lambda *regions, **_options: painted.extend(regions)  # type: ignore[method-assign]
        order = tuple(names(10_000))
        items = {name: name for name in order}
        app.table.show(order, items)
        assert painted == []
        app.table.show(order, items | {"row-00004": "changed", "row-09000": "out of sight"})
        assert [(region.y, region.height) for region in painted] == [(5, 1)]


async def test_what_is_said_instead_of_rows_is_painted_again_only_where_it_differs() -> None:
    app = Stage()
    async with app.run_test(size=(40, 10)) as pilot:
        app.said = ["Nothing needs you.", "Watching:"]
        app.show(())
        await pilot.pause()
        painted: list[Region] = []
        app.table.refresh = lambda *regions, **_options: painted.extend(regions)  # type: ignore[method-assign]
        app.show(())
        app.table.tick()
        assert painted == []
        app.said = ["Nothing needs you.", "Watched:"]
        app.show(())
        assert [(region.y, region.height) for region in painted] == [(2, 1)]


async def test_cells_are_made_for_visible_columns_only() -> None:
    app = Stage()
    async with app.run_test(size=(40, 10)) as pilot:
        narrow, hidden = (
            Column(
                name=name,
                title=name,
                width=Width(10, from_table=start),
                cell=partial(cell, made),
                sort=None,
                field=None,
            )
            for name, start, made in (("narrow", 0, app.made), ("hidden", 60, app.made_when_wide))
        )
        app.table.set_columns([narrow, hidden])
        app.show(names(5))
        await pilot.pause()
        assert (len(app.made), app.made_when_wide) == (5, [])
        await pilot.resize_terminal(80, 10)
        await pilot.pause()
        assert len(app.made_when_wide) == 5
        assert frame(app).count("row-00004") == 2
        await pilot.resize_terminal(40, 10)
        await pilot.pause()
        assert frame(app).count("row-00004") == 1


async def test_a_row_that_went_and_came_back_shows_what_it_is_now() -> None:
    app = Stage()
    async with app.run_test(size=(40, 10)) as pilot:
        app.table.show(("k",), {"k": "before"})
        await pilot.pause()
        app.show([])
        await pilot.pause()
        app.table.show(("k",), {"k": "after"})
        await pilot.pause()
        assert "after" in frame(app)


async def test_keys_move_by_row_page_and_edge() -> None:
    app = Stage()
    async with app.run_test(size=(40, 10)) as pilot:
        app.show(names(100))
        app.table.focus()
        for key, expected in (
            ("end", 99),
            ("pageup", 91),
            ("up", 90),
            ("home", 0),
            ("pagedown", 8),
            ("down", 9),
        ):
            await pilot.press(key)
            assert app.table.cursor_key == f"row-{expected:05d}"
            assert f"row-{expected:05d}" in frame(app)


async def test_a_click_selects_and_a_click_on_the_header_does_not() -> None:
    app = Stage()
    async with app.run_test(size=(40, 10)) as pilot:
        app.show(names(100))
        await pilot.click(Table, offset=(3, 4))
        assert app.table.cursor_key == "row-00003"
        await pilot.click(Table, offset=(3, 0))
        assert app.table.cursor_key == "row-00003"


async def test_resizing_keeps_the_cursor_in_view() -> None:
    app = Stage()
    async with app.run_test(size=(40, 30)) as pilot:
        app.show(names(100))
        app.table.move_to(25)
        await pilot.resize_terminal(40, 8)
        await pilot.pause()
        assert "row-00025" in frame(app)


async def test_ten_thousand_sessions_can_be_walked() -> None:
    app = dashboard()
    async with app.run_test(size=(120, 30)) as pilot:
        await show(pilot, large(10_000))
        await pilot.press("i", "end")
        assert app.screen.selected_key is not None
        assert frame(app).count("◦ idle") > 8
        await show(pilot, incident())
        assert frame(app).count("stuck") >= 2


async def test_a_new_size_is_painted_well_before_its_event_has_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Table, "on_resize", lambda _self: None)
    app = dashboard()
    async with app.run_test(size=(150, 24)) as pilot:
        await show(pilot, incident())
        for width in (60, 150, 80):
            await pilot.resize_terminal(width, 24)
            stuck = [row for row in frame(app).split("\n") if "stuck" in row and "silas" in row]
            assert len(stuck) == 1, frame(app)
            assert "834421" in stuck[0]
