"""An animated picture of an outage: stills of the dashboard, shown one after the other by the picture's own style."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from unittest.mock import patch

from lockdeck.tui.dialogs.cancel import CancelDialog
from lockdeck.tui.dialogs.release import ReleaseDialog
from tests.tui.samples import incident, quiet
from tests.tui.scenes import cancel_ladder, cancel_result, release_offer
from tests.tui.stage import at_rest, dashboard, show
from tests.tui.stills import standing_alone

SIZE = (120, 32)
STILL_S = 4
"""Each still is shown for so long (seconds)."""
_VIEW_BOX = re.compile(r'viewBox="([\d. ]+)"')


async def nothing(_pilot: object) -> None:
    """Show the dashboard as it is."""


async def session(pilot: object) -> None:
    """Open the session that leads the incident."""
    await pilot.press("enter")  # type: ignore[attr-defined]


SCENES: Sequence[tuple[str, Callable[[object], Awaitable[None]]]] = (
    ("the outage, and its one cause", nothing),
    ("the rotation of one session", session),
    ("a dead lock, and what its release does", release_offer),
    ("how to end a run, gentlest first", cancel_ladder),
    ("what came of it", cancel_result),
)


async def film() -> str:
    """Return the animated picture as SVG: a quiet fleet, then each scene."""
    stills = []
    with (
        patch.object(ReleaseDialog, "look", lambda _self: None),
        patch.object(CancelDialog, "look", lambda _self: None),
    ):
        stills.append(await _still(nothing, outage=False))
        for _name, scene in SCENES:
            stills.append(await _still(scene, outage=True))
    return animated(stills)


def animated(stills: Sequence[str]) -> str:
    """Return stills of one size as one picture; where nothing moves, or shall, the second is seen."""
    box = _VIEW_BOX.search(stills[0])
    assert box is not None
    count = len(stills)
    share = 100 / count
    rules = [
        ".still{visibility:hidden}.still1{visibility:visible}",
        "@media (prefers-reduced-motion:no-preference){",
        f".still{{visibility:hidden;animation:still {STILL_S * count}s step-end infinite}}",
        *(f".still{number}{{animation-delay:{STILL_S * number}s}}" for number in range(count)),
        f"@keyframes still{{0%{{visibility:visible}}{share:.4f}%{{visibility:hidden}}}}",
        "}",
    ]
    frames = "".join(f'<g class="still still{number}">{still}</g>' for number, still in enumerate(stills))
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box[1]}">'
    return f"{head}<style>{''.join(rules)}</style>{frames}</svg>\n"


async def _still(scene: Callable[[object], Awaitable[None]], *, outage: bool) -> str:
    app = dashboard(theme="dark")
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, quiet())
        if outage:
            await show(pilot, incident())
        await scene(pilot)
        await at_rest(pilot)
        return standing_alone(app.export_screenshot())
