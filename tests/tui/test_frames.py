"""Every screen and dialog, as it is seen, at four sizes and in three themes.

The frames lie in `frames/`; LOCKDECK_UPDATE_FRAMES=1 writes them anew.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path

import pytest
from textual.widgets import Button

from lockdeck.backend.actions.journal import Journal
from lockdeck.tui.app import LockdeckApp
from lockdeck.tui.dialogs.cancel import CancelDialog
from lockdeck.tui.dialogs.release import ReleaseDialog
from lockdeck.tui.operations import ActionContext
from lockdeck.tui.screens.journal import JournalScreen
from lockdeck.tui.screens.written.log import LogScreen
from tests.tui.hostfleet import ADDRESSES, three_hosts
from tests.tui.samples import NOW, incident, quiet
from tests.tui.scenes import cancel_ladder, cancel_result, journal_entries, release_offer, release_refusal
from tests.tui.stage import HeldSource, at_rest, dashboard, frame, show, wait_for
from tests.tui.written import Written, telling

FRAMES = Path(__file__).parent / "frames"
SIZES = ((60, 20), (80, 24), (120, 35), (160, 50))
THEMES = ("dark", "monochrome", "deuteranopia")
Scene = Callable[[object], Awaitable[None]]


def keys(*pressed: str) -> Scene:
    async def press(pilot: object) -> None:
        await pilot.press(*pressed)  # type: ignore[attr-defined]

    return press


async def journal(pilot: object) -> None:
    app = pilot.app  # type: ignore[attr-defined]
    await pilot.press("J")  # type: ignore[attr-defined]
    await wait_for(
        pilot, lambda: isinstance(app.screen, JournalScreen) and app.screen.selected_key is not None
    )


async def entry(pilot: object) -> None:
    await journal(pilot)
    await pilot.press("enter")  # type: ignore[attr-defined]


async def log(pilot: object) -> None:
    await pilot.press("L")  # type: ignore[attr-defined]
    screen = pilot.app.screen  # type: ignore[attr-defined]
    assert isinstance(screen, LogScreen)
    await wait_for(pilot, lambda: screen._read is not None)


async def log_lines(pilot: object) -> None:
    await log(pilot)
    await pilot.press("r", "slash", *"copilot", "enter", "n")  # type: ignore[attr-defined]


async def transcript(pilot: object) -> None:
    await pilot.press("T")  # type: ignore[attr-defined]
    await wait_for(pilot, lambda: "aborted" in frame(pilot.app))  # type: ignore[attr-defined]


async def completion(pilot: object) -> None:
    await pilot.press("slash", *"state:st", "tab")  # type: ignore[attr-defined]
    await pilot.press("space", *"lock:")  # type: ignore[attr-defined]


SCENES: dict[str, Scene] = {
    "fleet": keys(),
    "session": keys("enter"),
    "locks": keys("l"),
    "events": keys("e"),
    "journal": journal,
    "log": log,
    "lines": log_lines,
    "transcript": transcript,
    "help": keys("question_mark"),
    "cause": keys("a"),
}
WRITTEN = ("log", "lines", "transcript")
"""Scenes of what was written about a session, of which then more is told."""
ON_HOSTS: dict[str, Scene] = {
    "hosts": keys("H"),
    "hosts-folded": keys("H", "z"),
    "hosts-fleet": keys(),
    "hosts-locks": keys("l"),
    "hosts-session": keys("enter"),
}
"""Scenes of a deck of three hosts: one is lost, and the clock of one is ahead."""
DIALOGS: dict[str, Scene] = {
    "columns": keys("v"),
    "notes": keys("exclamation_mark"),
    "text": keys("Y"),
    "filter": completion,
    "entry": entry,
    "release": release_offer,
    "refused": release_refusal,
    "cancel": cancel_ladder,
    "result": cancel_result,
}


def looks(app: LockdeckApp) -> Iterator[str]:
    """Yield, line by line, where which style begins."""
    for y, strip in enumerate(app.screen._compositor.render_strips()):
        x, runs = 0, []
        for part in strip:
            if part.style is not None and part.text.strip():
                runs.append(f"{x}:{part.style.without_color if part.style.color is None else part.style}")
            x += part.cell_length
        yield f"{y:2} {'; '.join(runs)}".rstrip()


def compare(name: str, seen: str) -> None:
    path = FRAMES / f"{name}.txt"
    if os.environ.get("LOCKDECK_UPDATE_FRAMES"):
        FRAMES.mkdir(exist_ok=True)
        path.write_text(seen, encoding="utf-8")
    assert path.exists(), f"{path} is missing: run once with LOCKDECK_UPDATE_FRAMES=1 and look at it"
    assert seen == path.read_text(encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make paths on the screen the same everywhere, and dialogs look at nothing by themselves."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(ReleaseDialog, "look", lambda _self: None)
    monkeypatch.setattr(CancelDialog, "look", lambda _self: None)


async def held(name: str, scene: Scene, size: tuple[int, int], themes: Sequence[str]) -> None:
    journal = Journal("state/journal.jsonl", clock=lambda: NOW - 60)
    journal_entries(journal)
    source = HeldSource()
    source.records = written = Written(Path())  # type: ignore[attr-defined]
    fleet = telling(written) if name in WRITTEN else incident()
    if name in ON_HOSTS:
        source.addresses, fleet = ADDRESSES, three_hosts()  # type: ignore[attr-defined]
    app = dashboard(source, theme=themes[0], action_context=ActionContext(journal=journal, env={}))
    async with app.run_test(size=size) as pilot:
        await show(pilot, quiet())
        await show(pilot, fleet)
        await scene(pilot)
        await at_rest(pilot)
        for theme in themes:
            app.use_theme(theme)
            await pilot.pause()
            await pilot.pause()
            for button in app.screen.query(Button):
                assert not button.display or app.screen.region.contains_region(button.region), button
            seen = "\n".join([frame(app), "", *looks(app), ""])
            compare(f"{name}-{size[0]}x{size[1]}-{theme}", seen)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("screen", [*SCENES, *ON_HOSTS])
async def test_the_screen_looks_as_it_did(screen: str, size: tuple[int, int]) -> None:
    await held(screen, (SCENES | ON_HOSTS)[screen], size, THEMES)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("dialog", DIALOGS)
async def test_the_dialog_looks_as_it_did(dialog: str, size: tuple[int, int]) -> None:
    await held(dialog, DIALOGS[dialog], size, THEMES[:1])


async def test_an_empty_fleet_says_what_was_looked_at() -> None:
    app = dashboard()
    async with app.run_test(size=(80, 24)) as pilot:
        await show(pilot, quiet())
        compare("empty-80x24", frame(app) + "\n")
