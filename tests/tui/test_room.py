"""Whatever the size and the fleet: nothing that names a session is lost, nothing overlaps, and the way out is in sight."""

from __future__ import annotations

import re
from collections import defaultdict
from itertools import combinations

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from lockdeck.backend.actions.release.records import Refusal, ReleasePlan
from lockdeck.tui.app import LockdeckApp
from lockdeck.tui.operations import Offer
from lockdeck.tui.screens.base import DeckScreen
from lockdeck.tui.table.layout import GAP
from lockdeck.tui.targets import Target
from lockdeck.tui.view.lines import plain, width_of
from lockdeck.tui.view.severity import state_word
from lockdeck.tui.widgets.lineview import LineView
from lockdeck.tui.widgets.table import Table
from tests.tui.fleets import FLEETS, SIZES, WITHOUT_ROWS
from tests.tui.samples import NOW, incident
from tests.tui.stage import at_rest, dashboard, frame, show

LABELS = ("why", "who", "how long", "waiting", "now")
THEMES = ("dark", "light", "monochrome")
KEPT_AT_80 = ["STATE", "AGENT", "SESSION", "ATTEMPT", "OCCUPIED", "FREE BY", "HOLDER"]
SCREENS = {"fleet": (), "locks": ("l",), "events": ("e",), "session": ("enter",)}
"""The keys that lead from the fleet to each screen."""
OVER = {
    "nothing": (),
    "session": ("enter",),
    "log": ("L",),
    "transcript": ("T",),
    "cancel": ("c",),
    "release": ("R",),
    "text": ("Y",),
    "journal": ("J",),
    "help": ("question_mark",),
    "palette": ("colon",),
    "filter": ("slash",),
    "columns": ("v",),
    "notes": ("exclamation_mark",),
    "cause": ("a",),
}
"""The keys that lead from the fleet to what lies over it."""
OF_THE_SELECTED = ("nothing", "session", "log", "transcript", "cancel", "release", "text")
NUMBER = re.compile(r"1198\d{5}")
"""The part of a session key in which no two of a fleet on fire are alike."""


@pytest.fixture
def _nothing_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every dialog refuse at once, without a look at files or gateways."""

    def refused(target: Target, _context: object, **_more: object) -> Offer:
        return Offer(target, ReleasePlan(target.row.name, None, NOW, refusal=Refusal(("refused",))))

    monkeypatch.setattr("lockdeck.tui.acting.local.offer_cancel", lambda _aim, _context: None)
    monkeypatch.setattr("lockdeck.tui.acting.local.offer_release", refused)


def names_in_sight(table: Table[object]) -> list[tuple[object, str]]:
    """Return the keys of the rows that are seen, with what is shown of agent and session, or file."""
    at, places = 1, {}
    for index, width in table._layout():
        places[table._columns[index].name] = (at, at + width)
        at += width + GAP
    agent, own = slice(*places["agent"]), slice(*places["session" if "session" in places else "file"])
    top = int(table.scroll_y)
    shown = table.order[top : top + table._rows_in_view]
    rows = [table.render_line(y + 1).text for y in range(len(shown))]
    return [(key, f"{row[agent]} {row[own]}") for key, row in zip(shown, rows, strict=True)]


async def check_that_rows_are_told_apart(pilot: Pilot[int]) -> None:
    """No two rows that are seen together have one name, wherever one is; what is selected is seen."""
    table = pilot.app.screen.table
    for key in ("g", "ctrl+d", "G"):
        await pilot.press(key)
        await at_rest(pilot)
        names = names_in_sight(table)
        assert len({name for _key, name in names}) == len(names), names
        assert table.cursor_key in {row for row, _name in names} or not table.order


def check(app: LockdeckApp, size: tuple[int, int]) -> None:
    """Nothing is wider than the screen, nothing lies over another, and the way out is in sight."""
    strips = app.screen._compositor.render_strips()
    assert [strip.cell_length for strip in strips] == [size[0]] * size[1]
    for view in app.screen.query(LineView):
        if view.display and view.region.area:
            assert max(map(width_of, view.lines), default=0) <= view.size.width, view
    shown = [widget for widget in app.screen.children if widget.display and widget.region.area]
    for widget in shown:
        assert app.screen.region.contains_region(widget.region), widget
    if isinstance(app.screen, DeckScreen):
        rows = frame(app).split("\n")
        assert rows[-1].startswith(" ? Help  q Leave") or isinstance(app.focused, Input), rows[-1]
        for one, other in combinations(shown, 2):
            assert not one.region.overlaps(other.region), (one, other)


def squeezed(app: LockdeckApp) -> str:
    """Return the letters that are seen in the uppermost box, else on the screen: a long key is broken into lines."""
    boxes = app.screen.query(".box-scroll")
    region = boxes.first().region if boxes else app.screen.region
    strips = app.screen._compositor.render_strips()[region.y : region.bottom]
    return "".join(re.sub(r"[^\w:.-]", "", strip.crop(region.x, region.right).text) for strip in strips)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("fleet", FLEETS)
async def test_every_screen_has_room_for_what_counts(fleet: str, size: tuple[int, int]) -> None:
    app = dashboard()
    async with app.run_test(size=size) as pilot:
        await show(pilot, FLEETS[fleet]())
        first = app.screen
        if size[0] == 80 and fleet not in WITHOUT_ROWS:
            assert [column.title for column in first.table.columns] == KEPT_AT_80
        for name, keys in SCREENS.items():
            await pilot.press(*keys)
            for theme in THEMES:
                app.use_theme(theme)
                await at_rest(pilot)
                check(app, size)
            if name in ("fleet", "locks"):
                await check_that_rows_are_told_apart(pilot)
            if app.screen is not first:
                await pilot.press("q")


@pytest.mark.usefixtures("_nothing_is_looked_at")
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("fleet", ["empty", "four agents", "two hundred on fire"])
async def test_what_opens_over_a_screen_has_room_and_says_whose_it_is(
    fleet: str, size: tuple[int, int]
) -> None:
    app = dashboard(theme=THEMES[SIZES.index(size) % len(THEMES)])
    async with app.run_test(size=size) as pilot:
        await show(pilot, FLEETS[fleet]())
        first = app.screen
        for name, keys in OVER.items():
            await pilot.press("j", *keys)
            await at_rest(pilot)
            check(app, size)
            if fleet == "two hundred on fire" and name in OF_THE_SELECTED:
                place = NUMBER.search(first.selected_key[3])
                assert place is not None
                assert place[0] in squeezed(app), frame(app)
            while app.screen is not first or isinstance(app.focused, Input):
                await pilot.press("escape")


@pytest.mark.parametrize("size", SIZES[:3], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_answer_keeps_its_lines_in_their_places_whichever_row_of_a_kind_is_selected(
    size: tuple[int, int],
) -> None:
    app, places = dashboard(), defaultdict(set)
    async with app.run_test(size=size) as pilot:
        await show(pilot, incident())
        for _row in app.screen.table.order:
            rows = frame(app).split("\n")
            place = [y for label in LABELS for y, row in enumerate(rows) if row.startswith(f" {label}  ")]
            assert len(place) == len(LABELS)
            assert place == sorted(place)
            places[state_word(app.screen.selected_row)].add(tuple(place))
            await pilot.press("j")
            await pilot.pause()
    assert [len(of_kind) for of_kind in places.values()] == [1] * len(places)


@pytest.mark.parametrize("size", SIZES[:3], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_no_part_of_the_answer_is_cut_beside_a_line_that_is_free(size: tuple[int, int]) -> None:
    app = dashboard()
    async with app.run_test(size=size) as pilot:
        await show(pilot, incident())
        for _row in app.screen.table.order:
            pane = [plain(row) for row in app.screen.query_one("#preview", LineView).lines][1:]
            cut, free = any(row.rstrip().endswith("…") for row in pane), any(not row.strip() for row in pane)
            assert not (cut and free), pane
            await pilot.press("j")
            await pilot.pause()


@pytest.mark.parametrize(
    ("fleet", "words"),
    [
        ("empty", ("No sessions and no locks yet", "lockdeck PATH")),
        ("no fleet", ("No OpenClaw is found here", "lockdeck locate", "lockdeck demo")),
        ("healthy", ("Nothing needs you", "i  ", "?  ")),
    ],
)
async def test_a_fleet_with_nothing_to_show_says_what_to_do_next(fleet: str, words: tuple[str, ...]) -> None:
    app = dashboard()
    async with app.run_test(size=(80, 24)) as pilot:
        await show(pilot, FLEETS[fleet]())
        for word in words:
            assert word in frame(app)
