"""Every command, by each of its keys, on every screen that has it: what it does is seen, not only that it runs.

EFFECTS holds what is expected, by command id. A command without an entry, one that no screen lists or a screen
lists without having its method, and an entry or a method that no command has any more make this fail.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from textual.pilot import Pilot

from lockdeck.tui.app import LockdeckApp
from lockdeck.tui.commands import COMMANDS, Command
from lockdeck.tui.dialogs.ask import AskDialog
from lockdeck.tui.dialogs.cancel import CancelDialog
from lockdeck.tui.dialogs.columns import ColumnsDialog
from lockdeck.tui.dialogs.reader import ReaderDialog
from lockdeck.tui.dialogs.release import ReleaseDialog
from lockdeck.tui.screens.base import DeckScreen
from lockdeck.tui.screens.events import EventsScreen
from lockdeck.tui.screens.fleet import FleetScreen
from lockdeck.tui.screens.help import HelpScreen
from lockdeck.tui.screens.hosts import HostsScreen
from lockdeck.tui.screens.journal import JournalScreen
from lockdeck.tui.screens.locks import LocksScreen
from lockdeck.tui.screens.palette import DeckPalette
from lockdeck.tui.screens.plaintext import PlainTextScreen
from lockdeck.tui.screens.registry import SCREENS
from lockdeck.tui.screens.session import SessionScreen
from lockdeck.tui.screens.written.log import LogScreen
from lockdeck.tui.screens.written.transcript import TranscriptScreen
from lockdeck.tui.screens.written.writtenscreen import WrittenScreen
from lockdeck.tui.targets import holder_pid
from lockdeck.tui.widgets.prompt import FilterPrompt
from lockdeck.tui.widgets.table import Table
from tests.tui.acting import Yard
from tests.tui.hostfleet import three_hosts
from tests.tui.samples import NOW, incident, quiet
from tests.tui.stage import at_rest, frame, show, wait_for
from tests.tui.written import SAID, Written, with_transcripts

SIZE = (140, 60)
WAYS: dict[type[DeckScreen], tuple[str, ...]] = {
    FleetScreen: (),
    SessionScreen: ("enter",),
    LocksScreen: ("l",),
    EventsScreen: ("e",),
    JournalScreen: ("J",),
    HostsScreen: ("H",),
    LogScreen: ("L",),
    TranscriptScreen: ("T",),
}
"""The keys that lead from the fleet to each screen."""


@dataclass
class Stage:
    """A dashboard that stands on the screen in question, with something selected."""

    pilot: Pilot[int]
    screen: DeckScreen
    keys: tuple[str, ...]

    @property
    def app(self) -> LockdeckApp:
        return self.pilot.app  # type: ignore[return-value]

    @property
    def selected(self) -> tuple[str, str, str]:
        key = self.screen.selected_key
        assert key is not None
        return key

    async def press(self) -> None:
        """Press the key of the command."""
        await self.pilot.press(*self.keys)
        await at_rest(self.pilot)

    def shows(self, kind: type[object]) -> bool:
        return isinstance(self.app.screen, kind)


Effect = Callable[[Stage], Awaitable[None]]
EFFECTS: dict[str, Effect] = {}


def effect(function: Effect) -> Effect:
    """Enter what is expected of the command of that name."""
    EFFECTS[function.__name__.removesuffix("_")] = function
    return function


def leads_to(name: str, kind: type[DeckScreen]) -> None:
    async def leads(stage: Stage) -> None:
        await stage.press()
        assert stage.shows(kind)
        assert len(stage.app.screen_stack) == 2

    EFFECTS[name] = leads


@effect
async def as_it_comes(stage: Stage) -> None:
    await stage.pilot.press("slash", *"zzz", "enter")
    await stage.press()
    assert stage.screen.filter_text == ""
    assert any("as it comes" in note.message for note in stage.app._notifications)


leads_to("locks", LocksScreen)
leads_to("events", EventsScreen)
leads_to("journal", JournalScreen)
leads_to("hosts", HostsScreen)


@effect
async def fold(stage: Stage) -> None:
    await stage.press()
    assert "prod (2)" in frame(stage.app)
    await stage.press()
    assert "prod (2)" not in frame(stage.app)


@effect
async def log(stage: Stage) -> None:
    await _leads_to_what_was_written(stage, LogScreen)


@effect
async def transcript(stage: Stage) -> None:
    await _leads_to_what_was_written(stage, TranscriptScreen)


async def _leads_to_what_was_written(stage: Stage, kind: type[LogScreen] | type[TranscriptScreen]) -> None:
    selected, beneath = stage.selected, stage.app.screen_stack[: len(stage.app.screen_stack)]
    await stage.press()
    assert stage.shows(kind)
    assert stage.app.screen.selected_key == selected
    kept = beneath[:-1] if isinstance(stage.screen, LogScreen | TranscriptScreen) else beneath
    assert stage.app.screen_stack[:-1] == kept


@effect
async def raw(stage: Stage) -> None:
    await stage.press()
    assert "as OpenClaw wrote them" in frame(stage.app)
    await stage.press()
    assert "what lockdeck reads in them   r shows the lines themselves" in frame(stage.app)


@effect
async def next_attempt(stage: Stage) -> None:
    await _goes_to_attempt(stage, "g", 1)


@effect
async def previous_attempt(stage: Stage) -> None:
    await _goes_to_attempt(stage, "G", -1)


async def _goes_to_attempt(stage: Stage, edge: str, place: int) -> None:
    await stage.pilot.press(edge)
    rotation = stage.screen.session.rotation
    ends = [attempt.ended_at for attempt in rotation.attempts if attempt.ended_at is not None]
    await stage.press()
    assert stage.screen.table.cursor_item.at == pytest.approx(ends[0 if place > 0 else -1], abs=1.0)


@effect
async def content(stage: Stage) -> None:
    await wait_for(stage.pilot, lambda: "aborted" in frame(stage.app))
    await stage.pilot.press("g", "j")
    assert SAID not in frame(stage.app)
    await stage.press()
    await wait_for(stage.pilot, lambda: SAID in frame(stage.app))


@effect
async def open_(stage: Stage) -> None:
    selected = stage.selected
    await stage.press()
    if isinstance(stage.screen, JournalScreen):
        assert stage.shows(ReaderDialog)
        assert "releaseId  bb" in frame(stage.app)
    elif isinstance(stage.screen, HostsScreen):
        assert stage.shows(FleetScreen)
        assert stage.app.screen.filter_text == f'host:"{selected.name}"'
    elif isinstance(stage.screen, LogScreen):
        assert "as OpenClaw wrote them" in frame(stage.app)
    else:
        assert stage.shows(SessionScreen)
        assert stage.app.screen.selected_key == selected


@effect
async def back(stage: Stage) -> None:
    await stage.press()
    assert stage.shows(FleetScreen)
    assert len(stage.app.screen_stack) == 1


@effect
async def help_(stage: Stage) -> None:
    await stage.press()
    assert stage.shows(HelpScreen)
    assert "Keys on this screen" in frame(stage.app)


@effect
async def palette(stage: Stage) -> None:
    await stage.press()
    assert stage.shows(DeckPalette)
    await stage.pilot.press(*"mouse")
    await wait_for(stage.pilot, lambda: "Mouse on or off" in frame(stage.app))


@effect
async def quit_(stage: Stage) -> None:
    assert stage.app.return_code is None
    await stage.press()
    if isinstance(stage.screen, FleetScreen):
        assert stage.app.return_code == 0
    else:
        assert stage.shows(FleetScreen)
        assert stage.app.return_code is None


@effect
async def cancel(stage: Stage) -> None:
    await _asks(stage, CancelDialog)


@effect
async def release(stage: Stage) -> None:
    await _asks(stage, ReleaseDialog)


async def _asks(stage: Stage, kind: type[CancelDialog] | type[ReleaseDialog]) -> None:
    selected = stage.selected
    await stage.press()
    dialog = stage.app.screen
    assert isinstance(dialog, kind)
    assert [target.row for target in dialog._targets] == [selected]
    assert dialog.focused is dialog.query_one("#ask-no")


@effect
async def cause(stage: Stage) -> None:
    await stage.press()
    assert stage.shows(ReaderDialog)
    assert "main on another provider was answered meanwhile" in frame(stage.app)


@effect
async def cancel_cause(stage: Stage) -> None:
    await stage.press()
    dialog = stage.app.screen
    assert isinstance(dialog, CancelDialog)
    members = stage.app.deck.displayed.incidents[0].members
    assert {target.row[1:] for target in dialog._targets} == set(members)
    assert len(members) > 1


@effect
async def idle(stage: Stage) -> None:
    table = stage.screen.query_one(Table)
    before = len(table.order)
    await stage.press()
    assert len(table.order) == len(stage.screen.items) > before
    await stage.press()
    assert len(table.order) == before
    assert "idle" in frame(stage.app)


@effect
async def mark_all(stage: Stage) -> None:
    await stage.press()
    assert set(stage.screen.target_keys) == set(stage.screen.query_one(Table).order)


async def _goes_through(stage: Stage, step: int) -> None:
    """See the cursor go through the rows of a filter, round and round."""
    await stage.pilot.press("slash", *"e", "enter", "g")
    table = stage.screen.query_one(Table)
    assert len(table.order) > 1
    for turn in range(1, len(table.order) + 1):
        await stage.press()
        assert table.cursor_key == table.order[step * turn % len(table.order)]


@effect
async def next_match(stage: Stage) -> None:
    await _goes_through(stage, 1)


@effect
async def previous_match(stage: Stage) -> None:
    await _goes_through(stage, -1)


@effect
async def filter_(stage: Stage) -> None:
    await stage.press()
    prompt = stage.screen.query_one(FilterPrompt)
    assert prompt.display
    table = stage.screen.query_one(Table)
    before = len(table.order)
    await stage.pilot.press(*"zzz")
    await wait_for(stage.pilot, lambda: len(table.order) < before)
    assert "No row matches zzz" in frame(stage.app)


@effect
async def search(stage: Stage) -> None:
    await stage.press()
    assert stage.screen.query_one(FilterPrompt).display
    table = stage.screen.query_one(Table)
    before = len(table.order)
    await stage.pilot.press(*"zzz")
    await wait_for(stage.pilot, lambda: "0 matches of zzz" in frame(stage.app))
    assert len(table.order) == before


@effect
async def mark(stage: Stage) -> None:
    first = stage.selected
    await stage.press()
    assert stage.screen.target_keys == (first,)
    assert stage.selected != first
    assert "1 MARKED" in frame(stage.app)


@effect
async def unmark(stage: Stage) -> None:
    await stage.pilot.press("space", "space")
    assert "2 MARKED" in frame(stage.app)
    await stage.press()
    assert "MARKED" not in frame(stage.app)
    assert stage.screen.target_keys == (stage.selected,)


@effect
async def holder(stage: Stage) -> None:
    pid = holder_pid(stage.screen.selected_row)
    await stage.press()
    assert stage.shows(LocksScreen)
    assert stage.app.screen.filter_text == f"holder:{pid}"
    table = stage.app.screen.query_one(Table)
    assert table.order
    assert {holder_pid(stage.app.screen.items[key]) for key in table.order} == {pid}
    assert "Fleet → " in frame(stage.app)
    assert "→ Locks" in frame(stage.app)
    await stage.pilot.press("escape")
    assert stage.app.screen is stage.screen


@effect
async def freeze(stage: Stage) -> None:
    await stage.press()
    assert stage.screen.frozen
    assert "ORDER FROZEN" in frame(stage.app)
    await stage.press()
    assert not stage.screen.frozen


@effect
async def pause(stage: Stage) -> None:
    await stage.press()
    before = stage.app.deck.displayed
    assert "PAUSED" in frame(stage.app)
    await show(stage.pilot, quiet())
    assert stage.app.deck.displayed is before
    await stage.press()
    assert stage.app.deck.displayed is stage.app.deck.latest


@effect
async def copy(stage: Stage) -> None:
    selected = stage.selected
    await stage.press()
    assert stage.app.clipboard == selected[3]


@effect
async def show_text(stage: Stage) -> None:
    told = {EventsScreen: stage.app.deck.log[0][1].sentence, JournalScreen: "releaseId  bb"}
    if isinstance(stage.screen, LogScreen):
        told[LogScreen] = stage.screen.table.cursor_item.text
    if isinstance(stage.screen, TranscriptScreen):
        told[TranscriptScreen] = stage.screen.session.transcript
    expected = told.get(type(stage.screen)) or stage.selected[3]
    await stage.press()
    assert stage.shows(PlainTextScreen)
    assert expected in frame(stage.app).split("\n")


@effect
async def theme(stage: Stage) -> None:
    before = stage.app.theme
    await stage.press()
    assert stage.app.theme == stage.app.catalog.name_after(before)
    assert stage.app.stylebook.palette.name == stage.app.theme


@effect
async def notes(stage: Stage) -> None:
    await stage.press()
    assert stage.shows(ReaderDialog)
    assert "2026.8.1 is the first" in frame(stage.app)


@effect
async def toggle_mouse(stage: Stage) -> None:
    assert stage.app.mouse
    await stage.press()
    assert not stage.app.mouse
    assert stage.app._driver._mouse is False
    await stage.press()
    assert stage.app._driver._mouse is True


@effect
async def sort_right(stage: Stage) -> None:
    table = stage.screen.query_one(Table)
    rows = set(table.order)
    await stage.press()
    await stage.press()
    assert _sorted_title(stage)[1:] == table.columns[1].title
    assert set(table.order) == rows


@effect
async def sort_left(stage: Stage) -> None:
    table = stage.screen.query_one(Table)
    await stage.pilot.press("greater_than_sign", "greater_than_sign")
    assert _sorted_title(stage)[1:] == table.columns[1].title
    await stage.press()
    assert _sorted_title(stage)[1:] == table.columns[0].title


@effect
async def sort_reverse(stage: Stage) -> None:
    await stage.pilot.press("greater_than_sign")
    before, order = _sorted_title(stage), tuple(stage.screen.query_one(Table).order)
    await stage.press()
    assert {before[0], _sorted_title(stage)[0]} == {"↑", "↓"}
    assert before[1:] == _sorted_title(stage)[1:]
    assert tuple(stage.screen.query_one(Table).order) != order


def _sorted_title(stage: Stage) -> str:
    """Return the title that carries an arrow."""
    words = [word for row in frame(stage.app).split("\n") for word in row.split()]
    (title,) = [word for word in words if word[0] in "↑↓" and word[1:].isupper()]
    return title


@effect
async def wide(stage: Stage) -> None:
    table = stage.screen.query_one(Table)
    await stage.press()
    assert table.wide
    await stage.press()
    assert not table.wide


@effect
async def columns(stage: Stage) -> None:
    await stage.press()
    assert stage.shows(ColumnsDialog)


CASES = [
    pytest.param(screen, COMMANDS[name], key, id=f"{screen.__name__}-{name}-{key}")
    for screen in SCREENS.values()
    for name in screen.COMMAND_IDS
    for key in COMMANDS[name].keys
]


@pytest.mark.parametrize(("screen", "command", "key"), CASES)
async def test_the_command_does_what_it_says(
    screen: type[DeckScreen],
    command: Command,
    key: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(CancelDialog, "look", lambda _self: None)
    monkeypatch.setattr(ReleaseDialog, "look", lambda _self: None)
    yard = Yard(tmp_path)
    yard.journal.append("refused", path="/r/a.jsonl.lock", releaseId="aa", sentences=["the verdict is held"])
    yard.journal.append("released", path="/r/b.jsonl.lock", releaseId="bb")
    app = yard.dashboard()
    app.clock = lambda: NOW
    app.records = Written(tmp_path)
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, quiet())
        await show(pilot, three_hosts() if screen is HostsScreen else with_transcripts(incident()))
        await pilot.press(*WAYS[screen])
        await wait_for(pilot, lambda: isinstance(app.screen, screen))
        shown = app.screen
        await wait_for(pilot, lambda: shown.selected_key is not None)
        if isinstance(shown, WrittenScreen):
            await wait_for(pilot, lambda: bool(shown.items))
        await EFFECTS[command.id](Stage(pilot, shown, (key,)))


def test_no_command_is_without_a_screen_or_an_effect_here() -> None:
    listed = {name for screen in SCREENS.values() for name in screen.COMMAND_IDS}
    assert set(COMMANDS) == listed, "a command that no screen lists can't be run"
    assert set(EFFECTS) == listed
    assert set(WAYS) == set(SCREENS.values())
    assert {kind.__name__ for kind in AskDialog.__subclasses__()} == {"CancelDialog", "ReleaseDialog"}


@pytest.mark.parametrize("screen", SCREENS.values())
def test_a_screen_has_a_method_for_each_command_it_lists(screen: type[DeckScreen]) -> None:
    methods = {name.removeprefix("command_") for name in dir(screen) if name.startswith("command_")}
    assert set(screen.COMMAND_IDS) <= methods, "listed without a method"
    assert methods <= set(COMMANDS), "a method that no record leads to"
    assert len(set(screen.COMMAND_IDS)) == len(screen.COMMAND_IDS)
