"""How a person leaves tables and theme is there at the next start, and a filter of then hides nothing unseen."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lockdeck.backend.settings.looks import (
    Looks,
    TableLook,
    ThemeChoice,
    change_looks,
    looks_path,
    read_looks,
)
from lockdeck.tui.app import LockdeckApp
from lockdeck.tui.preferences.check import with_looks
from lockdeck.tui.preferences.memory import recollect
from lockdeck.tui.preferences.records import Preferences
from lockdeck.tui.screens.locks import LocksScreen
from tests.tui.samples import incident
from tests.tui.stage import UTF8, dashboard, frame, show, wait_for

SIZE = (140, 40)


def started(configured: Preferences | None = None, **options: object) -> LockdeckApp:
    """Start a dashboard as the entry point does."""
    kept = recollect()
    preferences = with_looks(configured or Preferences(), kept.looks)
    return dashboard(
        preferences=preferences,
        kept_in=kept.path,
        problems=(kept.problem,) if kept.problem else (),
        theme=preferences.first_theme() or None,
        **options,
    )


def keep(look: TableLook, table: str = "fleet") -> None:
    change_looks(looks_path(), lambda looks: looks.with_table(table, look))


def kept() -> Looks:
    return read_looks(looks_path())


def written() -> str | None:
    path = Path(looks_path())
    return path.read_text() if path.exists() else None


def break_file(text: str = "{") -> None:
    Path(looks_path()).write_text(text)


def open_to_all() -> None:
    os.chmod(looks_path(), 0o666)


def no_folder() -> None:
    folder = Path(looks_path()).parent
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("no folder")


def set_aside() -> str:
    return Path(looks_path() + ".broken").read_text()


def noted(app: LockdeckApp) -> str:
    return " ".join(event.sentence for _, event in app.deck.log)


def told(app: LockdeckApp) -> str:
    return " ".join(note.message for note in app._notifications)


async def test_sort_filter_columns_and_theme_are_there_at_the_next_start() -> None:
    app = started()
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, incident())
        await pilot.press("greater_than_sign", "o", "slash", *"agent:juno", "enter")
        await pilot.press("v", "end", "space", "enter", "t")
        await wait_for(pilot, lambda: kept().theme is not None)
        before = (app.theme, [column.name for column in app.screen.table.columns], app.screen._sort)
    again = started()
    async with again.run_test(size=SIZE) as pilot:
        await show(pilot, incident())
        assert again.screen.filter_text == "agent:juno"
        assert (
            again.theme,
            [column.name for column in again.screen.table.columns],
            again.screen._sort,
        ) == before
        assert again.theme == "light"
        assert kept().tables["fleet"] == TableLook(
            "state", True, "agent:juno", kept().tables["fleet"].columns, ()
        )


async def test_a_filter_of_then_says_how_much_that_needs_a_person_it_hides_and_escape_takes_it_off() -> None:
    keep(TableLook(filter="agent:juno"))
    app = started()
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, incident())
        assert "/ agent:juno hides 4 urgent rows" in frame(app)
        assert "✖ 2" in frame(app)
        await pilot.press("escape")
        assert "hides" not in frame(app)
        await wait_for(pilot, lambda: kept().tables == {})


async def test_each_table_has_its_own() -> None:
    keep(TableLook(filter="zzz"), "locks")
    app = started()
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, incident())
        assert app.screen.filter_text == ""
        await pilot.press("l")
        assert isinstance(app.screen, LocksScreen)
        assert app.screen.filter_text == "zzz"
        assert "hides 3 urgent rows" in frame(app)


async def test_a_screen_that_was_opened_for_something_shows_that_and_forgets_nothing() -> None:
    keep(TableLook(filter="zzz"), "locks")
    app = started()
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, incident())
        await pilot.press("h")
        assert app.screen.filter_text.startswith("holder:")
        await pilot.press("slash", *"x", "enter")
        await pilot.press("escape")
        assert kept().tables["locks"].filter == "zzz"


async def test_0_brings_the_table_back_as_it_comes_and_forgets_how_it_was_left() -> None:
    keep(TableLook("state", True, "agent:juno", ("state", "session")))
    keep(TableLook(filter="held"), "locks")
    app = started()
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, incident())
        await pilot.press("0")
        assert app.screen.filter_text == ""
        assert "HOLDER" in frame(app)
        assert app.screen._sort.column is None
        await wait_for(pilot, lambda: set(kept().tables) == {"locks"})


async def test_a_configuration_that_was_changed_since_counts_more_than_what_was_left() -> None:
    keep(TableLook(columns=("state", "agent"), instead_of=()))
    change_looks(looks_path(), lambda looks: Looks(ThemeChoice("light", ""), looks.tables))
    app = started(Preferences(columns={"fleet": ("agent", "holder")}, theme="monochrome"))
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, incident())
        assert [column.name for column in app.screen.table.columns] == ["agent", "holder"]
        assert app.theme == "monochrome"


async def test_what_this_lockdeck_does_not_know_is_left_out() -> None:
    keep(TableLook("nosuch", False, "nosuch:field", ("nosuch",)))
    keep(TableLook(filter="x"), "nosuchtable")
    app = started()
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, incident())
        assert app.screen.filter_text == ""
        assert "HOLDER" in frame(app)


async def test_a_broken_file_is_said_and_set_aside_and_the_dashboard_starts() -> None:
    keep(TableLook(filter="x"))
    break_file()
    app = started()
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, incident())
        assert "deck.json.broken" in noted(app)
        await pilot.press("slash", *"juno", "enter")
        await wait_for(pilot, lambda: kept().tables["fleet"].filter == "juno")
    assert set_aside() == "{"


async def test_what_can_not_be_kept_is_said_once_and_the_file_of_another_is_left_alone() -> None:
    keep(TableLook(filter="juno"))
    open_to_all()
    before = written()
    app = started()
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, incident())
        assert app.screen.filter_text == ""
        assert "is not kept" in noted(app)
        await pilot.press("slash", *"ezra", "enter")
    assert written() == before


async def test_a_folder_that_can_not_be_written_is_said_once() -> None:
    app = started()
    no_folder()
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, incident())
        for _twice in range(2):
            await pilot.press("o")
        await wait_for(pilot, lambda: any("is not kept" in event.sentence for _, event in app.deck.log))
        assert sum("is not kept" in event.sentence for _, event in app.deck.log) == 1


async def test_nothing_is_kept_where_no_file_is_named() -> None:
    app = dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, incident())
        await pilot.press("o", "t", "slash", *"juno", "enter")
    assert written() is None


async def test_a_theme_that_was_chosen_under_no_color_says_nothing_about_other_terminals() -> None:
    app = started(env=UTF8 | {"NO_COLOR": "1"})
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, incident())
        await pilot.press("t")
        assert "theme" in told(app)
    assert kept().theme is None


@pytest.mark.parametrize("fresh", [True, False])
def test_fresh_forgets_all_even_what_is_broken(fresh: bool) -> None:
    keep(TableLook(filter="juno"))
    assert bool(recollect(fresh=fresh).looks.tables) is not fresh
    assert bool(kept().tables) is not fresh
    break_file()
    assert recollect(fresh=fresh).looks == Looks()
