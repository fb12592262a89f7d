"""Every screen, as it is seen, at three sizes and in two themes.

The frames lie in `frames/`; LOCKDECK_UPDATE_FRAMES=1 writes them anew.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tui.samples import incident, quiet
from tests.tui.stage import dashboard, frame, show
from tui.app import LockdeckApp

FRAMES = Path(__file__).parent / "frames"
SIZES = ((60, 20), (80, 24), (140, 45))
SCREENS = {"fleet": (), "session": ("enter",), "locks": ("l",), "help": ("question_mark",), "columns": ("C",)}


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


@pytest.mark.parametrize("theme", ["dark", "monochrome"])
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("screen", SCREENS)
async def test_the_screen_looks_as_it_did(screen: str, size: tuple[int, int], theme: str) -> None:
    app = dashboard(theme=theme)
    async with app.run_test(size=size) as pilot:
        await show(pilot, incident())
        await pilot.press(*SCREENS[screen])
        await pilot.pause()
        seen = "\n".join([frame(app), "", *looks(app), ""])
    compare(f"{screen}-{size[0]}x{size[1]}-{theme}", seen)


async def test_an_empty_fleet_says_what_was_looked_at() -> None:
    app = dashboard()
    async with app.run_test(size=(80, 24)) as pilot:
        await show(pilot, quiet())
        compare("empty-80x24", frame(app) + "\n")
