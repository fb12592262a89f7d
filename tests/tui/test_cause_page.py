"""The page of a cause costs what is in sight of it, however many sessions it concerns."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from lockdeck.backend.model.fleet import SessionView
from lockdeck.tui.view import cause
from tests.tui.fleets import on_fire
from tests.tui.samples import outage
from tests.tui.stage import at_rest, dashboard, frame, show

COUNT, SIZE = 7_500, (120, 35)


async def test_of_thousands_of_sessions_only_those_in_sight_are_drawn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn: list[SessionView] = []
    draw = cause.state_line
    monkeypatch.setattr(cause, "state_line", lambda view, symbols: drawn.append(view) or draw(view, symbols))
    fleet = on_fire(COUNT)
    app = dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, replace(fleet, incidents=(outage(fleet.sessions),)))
        await pilot.press("a")
        await at_rest(pilot)
        assert "channel:119800000" in frame(app)
        await pilot.press("G")
        await at_rest(pilot)
        assert f"channel:1198{COUNT - 2:05d}" in frame(app)
        assert 0 < len(drawn) < 20 * SIZE[1]
