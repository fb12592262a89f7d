"""Choosing the columns of a table: pure rules, and the dialog through the keys a person presses."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockdeck.tui.dialogs.columns import ColumnsDialog
from lockdeck.tui.preferences.records import Preferences
from lockdeck.tui.table.choice import ColumnChoice, choice_lines, choice_of, configured_names
from lockdeck.tui.table.columns.fleet import COLUMNS
from lockdeck.tui.table.layout import GAP, lay_out, select
from lockdeck.tui.table.tables import TABLES
from lockdeck.tui.view.lines import width_of
from lockdeck.tui.view.symbols import ASCII, UNICODE
from tests.tui.samples import incident
from tests.tui.stage import dashboard, frame, show, wait_for

NAMES = tuple(column.name for column in COLUMNS)
SOME = st.lists(st.sampled_from(NAMES), unique=True, max_size=len(NAMES)).map(tuple)
STEPS = st.lists(
    st.sampled_from(["with_cursor_moved", "with_column_moved", "with_column_toggled"]), max_size=40
)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def preferences(config: Path, **columns: tuple[str, ...]) -> Preferences:
    return Preferences(columns=columns, config=str(config))


def told(app: object) -> str:
    return " ".join(note.message for note in app._notifications)  # type: ignore[attr-defined]


def written(config: Path) -> str | None:
    return config.read_text() if config.exists() else None


def put(config: Path, text: str, mode: int = 0o644) -> None:
    config.write_text(text)
    config.chmod(mode)


def titles(app: object) -> list[str]:
    rows = frame(app).split("\n")  # type: ignore[arg-type]
    return next(row for row in rows if "↓" in row or "↑" in row).replace("↓", " ").replace("↑", " ").split()


@given(SOME, STEPS, st.data())
def test_no_column_is_lost_or_doubled_and_one_is_always_shown(names, steps, data) -> None:
    choice = choice_of(COLUMNS, names)
    for step in steps:
        by = () if step == "with_column_toggled" else (data.draw(st.sampled_from([-1, 1])),)
        choice = getattr(choice, step)(*by)
        assert sorted(choice.order) == sorted(NAMES)
        assert choice.names
        assert 0 <= choice.cursor < len(NAMES)


@given(SOME)
def test_what_was_chosen_is_what_is_wished(names) -> None:
    wish = configured_names(choice_of(COLUMNS, names), COLUMNS)
    assert wish == (() if names == NAMES else names)
    assert [column.name for column in select(COLUMNS, wish)] == list(names or NAMES)


@given(st.integers(0, len(NAMES) - 1), st.sampled_from([-1, 1]))
def test_the_cursor_goes_with_the_column_it_moves(at, step) -> None:
    before = choice_of(COLUMNS, ()).with_cursor(at)
    after = before.with_column_moved(step)
    assert after.order[after.cursor] == before.order[before.cursor]
    assert after.cursor == min(max(at + step, 0), len(NAMES) - 1)


@given(SOME.filter(bool), st.integers(40, 250))
def test_chosen_columns_are_hidden_only_where_they_do_not_fit(names, width) -> None:
    columns = select(COLUMNS, names)
    shown = lay_out(columns, width)
    need = sum(column.width.cells for column in columns) + GAP * (len(columns) - 1)
    if need <= width:
        assert len(shown) == len(columns)
    assert {index for index, _width in lay_out(COLUMNS, width)} >= {
        NAMES.index(columns[index].name) for index, _width in shown if columns[index].width.from_table == 0
    } & {at for at, column in enumerate(COLUMNS) if column.width.from_table == 0}


def test_a_column_that_does_not_fit_says_so() -> None:
    choice = choice_of(COLUMNS, ())
    for symbols in (UNICODE, ASCII):
        rows = ["".join(part.text for part in row) for row in choice_lines(choice, COLUMNS, 80, symbols)]
        assert next(row for row in rows if "callers" in row).endswith("columns on")
        assert not any("from" in row for row in rows if "occupied" in row)
        assert all(width_of(row) <= 51 for row in choice_lines(choice, COLUMNS, 80, symbols))
    narrow = ColumnChoice(NAMES, frozenset({"holder"}))
    assert not any("from" in part.text for row in choice_lines(narrow, COLUMNS, 80, UNICODE) for part in row)


async def test_columns_are_hidden_moved_and_used_at_once(config: Path) -> None:
    app = dashboard(preferences=preferences(config))
    async with app.run_test(size=(80, 24)) as pilot:
        await show(pilot, incident())
        assert titles(app)[:2] == ["STATE", "AGENT"]
        await pilot.press("v")
        assert isinstance(app.screen, ColumnsDialog)
        await pilot.press("down", "space", "down", "shift+up", "shift+up", "enter")
        assert titles(app)[:3] == ["SESSION", "STATE", "ATTEMPT"]
        assert "discord:channel" in frame(app)
        await pilot.press("v", "j", "K", "end", "space", "escape")
        assert titles(app)[:3] == ["SESSION", "STATE", "ATTEMPT"]
        assert written(config) is None


async def test_chosen_columns_show_where_the_default_would_hide_them(config: Path) -> None:
    app = dashboard(preferences=preferences(config, fleet=("state", "agent", "holder")))
    async with app.run_test(size=(60, 20)) as pilot:
        await show(pilot, incident())
        assert titles(app) == ["STATE", "AGENT", "HOLDER"]
        assert "396 openclaw-gateway" in frame(app)


async def test_the_last_column_stays(config: Path) -> None:
    app = dashboard(preferences=preferences(config, locks=("age",)))
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await show(pilot, incident())
        await pilot.press("l", "v", "space")
        await pilot.pause()
        assert "one column must stay" in frame(app)
        await pilot.press("enter")
        assert "AGE" in frame(app)
        assert "VERDICT" not in frame(app)


async def test_d_brings_all_columns_back(config: Path) -> None:
    app = dashboard(preferences=preferences(config, fleet=("callers",)))
    async with app.run_test(size=(80, 24)) as pilot:
        await show(pilot, incident())
        assert "STATE" not in frame(app)
        await pilot.press("v", "d", "enter")
        assert titles(app)[:2] == ["STATE", "AGENT"]
        assert app.preferences.columns_of("fleet") == ()
        assert app.preferences.looks.of("fleet").columns == ()


async def test_s_keeps_the_columns_in_the_configuration_and_its_comments(config: Path) -> None:
    put(config, '# mine\ntheme = "dark" # always\n\n[keys]\nfreeze = "F"\n')
    app = dashboard(preferences=preferences(config))
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await show(pilot, incident())
        await pilot.press("l", "v", "space", "s")
        await wait_for(pilot, lambda: f"are saved in {config}" in told(app))
        assert "VERDICT" not in frame(app)
    text = written(config)
    assert text is not None
    assert "# mine\n" in text
    assert 'theme = "dark" # always\n' in text
    known = [column.name for column in TABLES["locks"].columns]
    assert tomllib.loads(text)["locks_columns"] == known[1:]
    assert tomllib.loads(text)["keys"] == {"freeze": "F"}


@pytest.mark.parametrize(
    ("text", "mode", "why"), [("theme = [", 0o644, "not valid TOML"), ("theme = 'x'", 0o444, "read-only")]
)
async def test_columns_that_cannot_be_saved_are_shown_and_nothing_is_lost(
    config: Path, text: str, mode: int, why: str
) -> None:
    put(config, text, mode)
    app = dashboard(preferences=preferences(config))
    async with app.run_test(size=(140, 30), notifications=True) as pilot:
        await show(pilot, incident())
        await pilot.press("v", "space", "s")
        await wait_for(pilot, lambda: "not saved" in told(app))
        assert why in told(app)
        assert "STATE" not in frame(app)
    assert written(config) == text


async def test_events_and_journal_have_columns_too(config: Path) -> None:
    app = dashboard(preferences=preferences(config, journal=("what",)))
    async with app.run_test(size=(80, 24)) as pilot:
        await show(pilot, incident())
        await pilot.press("e", "v", "down", "space", "enter")
        assert "ABOUT" in frame(app)
        assert "SEVERITY" not in frame(app)
        await pilot.press("J")
        assert "WHAT" in frame(app)
        assert "ABOUT" not in frame(app)
        await pilot.press("escape", "e")
        assert "SEVERITY" not in frame(app)


async def test_the_dialog_works_with_the_mouse(config: Path) -> None:
    app = dashboard(preferences=preferences(config))
    async with app.run_test(size=(80, 24)) as pilot:
        await show(pilot, incident())
        await pilot.press("v")
        await pilot.click("#box-lines", offset=(8, 3))
        await pilot.click("#columns-use")
        await pilot.pause()
        assert "AGENT" not in frame(app)
        assert written(config) is None


async def test_the_dialog_fits_a_small_terminal_and_follows_its_cursor(config: Path) -> None:
    app = dashboard(preferences=preferences(config))
    async with app.run_test(size=(60, 16)) as pilot:
        await show(pilot, incident())
        await pilot.press("v", "end")
        await pilot.pause()
        assert "free_by" in frame(app)
        await pilot.press("home")
        await pilot.pause()
        assert "STATE " in frame(app)
