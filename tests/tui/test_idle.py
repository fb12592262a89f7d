"""Idle is idle: where nothing happens, only what shows the time is painted again."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from textual.widget import Widget

from lockdeck.backend.model.delta import FleetDelta
from lockdeck.backend.model.fleet import FleetSnapshot
from tests.tui.samples import NOW, quiet, session
from tests.tui.stage import dashboard, frame, show

FOLDED = replace(quiet(), sessions=tuple(session("main", f"cron:{n}", since=NOW - 9000) for n in range(3)))


@pytest.mark.parametrize("fleet", [quiet(), FOLDED], ids=["without a session", "with idle ones"])
async def test_a_second_in_which_nothing_happens_paints_the_line_of_the_clock_alone(
    monkeypatch: pytest.MonkeyPatch, fleet: FleetSnapshot
) -> None:
    moment = NOW
    app = dashboard(clock=lambda: moment)
    async with app.run_test(size=(100, 30)) as pilot:
        await show(pilot, fleet)
        await pilot.pause()
        painted: list[tuple[str | None, tuple[int, ...]]] = []
        refresh = Widget.refresh

        def noted(widget: Widget, *regions: object, **options: bool) -> Widget:
            painted.append((widget.id or type(widget).__name__, tuple(region.y for region in regions)))  # type: ignore[attr-defined]
            return refresh(widget, *regions, **options)  # type: ignore[arg-type]

        monkeypatch.setattr(Widget, "refresh", noted)
        before = frame(app)
        for _second in range(3):
            moment += 1
            app._tick()
            await pilot.pause()
        await show(pilot, replace(fleet, generated_at=moment, delta=FleetDelta()))
        await pilot.pause()
        assert frame(app) != before
        assert set(painted) == {("header", (0,))}
