"""A configuration that is changed while the dashboard runs: used at once, named as waiting, or refused whole."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot

from lockdeck.backend.settings.load import config_path, load_settings
from lockdeck.backend.settings.looks import TableLook, ThemeChoice
from lockdeck.backend.settings.records import Settings
from lockdeck.tui.dialogs.release import ReleaseDialog
from lockdeck.tui.preferences.check import preferences_of
from lockdeck.tui.preferences.memory import recollect
from lockdeck.tui.preferences.records import Watched
from lockdeck.tui.screens.fleet import FleetScreen
from tests.tui.acting import Yard
from tests.tui.samples import incident
from tests.tui.stage import UTF8, HeldSource, dashboard, frame, show, wait_for


class SettledSource(HeldSource):
    """A source that goes by settings."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.settings = settings


def write(text: str) -> None:
    """Replace the configuration in one step, as most editors do."""
    path = Path(config_path())
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name("beside.toml")
    beside.write_text(text)
    os.replace(beside, path)


@asynccontextmanager
async def running(text: str = "", *, looks: bool = False, **options: object) -> AsyncIterator[Pilot[int]]:
    """Run a dashboard as the entry point does, on a configuration that is followed."""
    write(text)
    settings = load_settings(None)
    kept = recollect()
    source = SettledSource(settings)
    app = dashboard(
        source,
        preferences=preferences_of(settings),
        theme=settings.theme or None,
        watched=Watched(config_path(), settings, lambda: load_settings(None)),
        kept_in=kept.path if looks else None,
        **options,
    )
    async with app.run_test(size=(140, 40)) as pilot:
        await show(pilot, incident())
        pilot.source = source
        yield pilot


def columns(pilot: Pilot[int]) -> list[str]:
    return [column.name for column in pilot.app.screen.table.columns]


def told(pilot: Pilot[int]) -> list[str]:
    """What was said about the configuration, as it stands in Events: the newest first."""
    return [event.sentence for _, event in pilot.app.deck.log if event.subject == "configuration"]


async def until_told(pilot: Pilot[int], count: int = 1) -> list[str]:
    await wait_for(pilot, lambda: len(told(pilot)) >= count)
    return told(pilot)


async def test_theme_columns_mouse_and_alarms_are_used_at_once_and_said_in_one_line() -> None:
    async with running() as pilot:
        app = pilot.app
        write(
            'theme = "light"\ncolumns = ["agent", "holder"]\nmouse = false\nnotify = ["bell"]\nrescan_s = 20'
        )
        sentence = "configuration read anew: theme, rescan_s, columns, notify, mouse as it says now"
        assert await until_told(pilot) == [sentence]
        assert [note.message for note in app._notifications] == [sentence]
        assert (app.theme, app.mouse, columns(pilot)) == ("light", False, ["agent", "holder"])
        assert app.preferences.notify.ways == ("bell",)
        assert app.preferences.stale_after_s == 60.0
        assert pilot.source.settings.rescan_s == 20.0


async def test_keys_are_bound_anew_and_come_back() -> None:
    async with running() as pilot:
        write('[keys]\nlocks = "x"\n')
        await until_told(pilot)
        await pilot.press("x")
        assert "Locks" in type(pilot.app.screen).__name__
        await pilot.press("q")
        write("")
        await until_told(pilot, 2)
        await pilot.press("x")
        assert "Fleet" in type(pilot.app.screen).__name__
        await pilot.press("l")
        assert "Locks" in type(pilot.app.screen).__name__


async def test_what_needs_a_new_start_is_named_and_stays_as_it_was() -> None:
    async with running() as pilot:
        write('theme = "light"\nlogs = ["/l"]\n[[roots]]\npath = "/r"\n')
        (sentence,) = await until_told(pilot)
        assert sentence == ("configuration read anew: theme as it says now; after a new start: logs, roots")
        assert pilot.source.settings.logs == ()


async def test_a_broken_file_changes_nothing_and_is_told_whole_and_once() -> None:
    async with running('theme = "light"\n') as pilot:
        app = pilot.app
        write('theme = 3\ncolumn = ["agent"]\n')
        rows = await until_told(pilot, 3)
        assert rows == [
            "the configuration can't be used, so the one before stays",
            f"{config_path()}:1: theme must be a string, not 3",
            f"{config_path()}:2: unknown key column; did you mean columns?",
        ]
        assert app.theme == "light"
        text = next(note.message for note in app._notifications)
        assert text == "\n".join(rows)
        write('theme = 3\ncolumn = ["agent"]\n# and nothing else\n')
        write('theme = "monochrome"\n')
        await wait_for(pilot, lambda: app.theme == "monochrome")
        assert len(told(pilot)) == 4


async def test_a_column_or_key_that_does_not_exist_is_refused_with_its_place() -> None:
    async with running() as pilot:
        before = columns(pilot)
        write('theme = "light"\ncolumns = ["nosuch"]\n[keys]\nquit = ""\n')
        rows = await until_told(pilot, 3)
        assert f"{config_path()}:2: columns has no 'nosuch'" in rows[1]
        assert f"{config_path()}:4: keys.quit leaves no key for quit" in rows[2]
        assert (pilot.app.theme, columns(pilot)) == ("dark", before)


async def test_a_file_that_is_right_again_is_said_where_nothing_else_is() -> None:
    async with running('theme = "light"\n') as pilot:
        write("theme = ")
        await until_told(pilot, 2)
        write('theme = "light"\n')
        assert (await until_told(pilot, 3))[0] == "the configuration is right again, and says what is in use"


async def test_a_file_that_is_removed_means_the_defaults() -> None:
    async with running('theme = "light"\n') as pilot:
        os.unlink(config_path())
        await wait_for(pilot, lambda: pilot.app.theme == "dark")


async def test_a_file_that_says_the_same_is_not_worth_a_word() -> None:
    async with running('theme = "light"\n') as pilot:
        write('# mine\ntheme = "light"\n')
        write('# mine\ntheme = "light"\nmouse = false\n')
        assert await until_told(pilot) == ["configuration read anew: mouse as it says now"]


async def test_what_the_person_chose_for_a_table_and_the_theme_outlives_a_change_of_something_else() -> None:
    async with running('theme = "light"\n', looks=True) as pilot:
        await pilot.press("greater_than_sign", "o", "slash", *"agent:juno", "enter")
        await pilot.press("v", "end", "space", "enter", "t")
        screen, app = pilot.app.screen, pilot.app
        left = (app.theme, columns(pilot), screen._sort, screen.filter_text)
        assert left[0] != "light"
        write('theme = "light"\nmouse = false\nlocks_columns = ["pid", "lock"]\n')
        await until_told(pilot)
        assert (app.theme, columns(pilot), screen._sort, screen.filter_text) == left
        assert isinstance(app.preferences.looks.theme, ThemeChoice)


async def test_of_columns_that_were_chosen_and_then_configured_the_last_word_counts_as_at_a_start() -> None:
    look = TableLook(columns=("state", "agent"), instead_of=())
    async with running(looks=True) as pilot:
        pilot.app.keep(lambda looks: looks.with_table("fleet", look))
        pilot.app.screen.take_preferences()
        assert columns(pilot) == ["state", "agent"]
        write('columns = ["agent", "holder"]\n')
        await until_told(pilot)
        assert columns(pilot) == ["agent", "holder"]
        await pilot.press("0")
        assert columns(pilot) == ["agent", "holder"]


async def test_columns_that_were_saved_from_the_dashboard_itself_are_no_news() -> None:
    async with running(looks=True) as pilot:
        pilot.app.keep(lambda looks: looks.with_table("fleet", TableLook(columns=("agent", "holder"))))
        pilot.app.screen.take_preferences()
        write('columns = ["agent", "holder"]\n')
        write('columns = ["agent", "holder"]\nmouse = false\n')
        assert await until_told(pilot) == ["configuration read anew: mouse as it says now"]
        assert columns(pilot) == ["agent", "holder"]


async def test_read_only_begins_at_once_also_for_a_question_that_was_asked_before(tmp_path: Path) -> None:
    yard = Yard(tmp_path)
    yard.dead("one")
    async with running(action_context=yard.action_context) as pilot:
        app = pilot.app
        await yard.shown(pilot)
        await pilot.press("R")
        await wait_for(pilot, lambda: isinstance(app.screen, ReleaseDialog) and bool(app.screen._confirmed))
        write("read_only = true\n")
        await until_told(pilot)
        await pilot.press("right", "enter")
        await wait_for(pilot, lambda: isinstance(app.screen, FleetScreen))
        await pilot.press("R")
        assert isinstance(app.screen, FleetScreen)
        assert "READ-ONLY" in frame(app)
    assert yard.lock_of("one").exists()


async def test_under_no_color_only_a_theme_that_is_named_is_put_on() -> None:
    async with running(env=UTF8 | {"NO_COLOR": "1"}) as pilot:
        app = pilot.app
        assert app.theme == "monochrome"
        write('theme = "light"\n')
        await wait_for(pilot, lambda: app.theme == "light")
        write("")
        await wait_for(pilot, lambda: app.theme == "monochrome")


async def test_a_theme_that_does_not_exist_is_said_as_at_a_start() -> None:
    async with running('theme = "light"\n') as pilot:
        write('theme = "nosuch"\n')
        await wait_for(pilot, lambda: pilot.app.theme == "dark")
        assert any("no usable theme 'nosuch'" in note.message for note in pilot.app._notifications)


@pytest.mark.parametrize("rows", ["locks", "events"])
async def test_a_screen_beneath_takes_its_columns_too(rows: str) -> None:
    async with running() as pilot:
        await pilot.press({"locks": "l", "events": "e"}[rows])
        write('columns = ["agent", "holder"]\n')
        await until_told(pilot)
        await pilot.press("q")
        assert columns(pilot) == ["agent", "holder"]
