"""The pictures of the manual: `python -m tests.tui.pictures` writes those of the samples, one that moves, and one of the demo.

Those of the samples are the same every time, and a test holds them; the demo's is of real processes and locks.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable

from lockdeck.backend.model.fleet import FleetSnapshot
from lockdeck.backend.settings.records import Settings
from lockdeck.backend.simulate.fleet import SimulatedFleet
from lockdeck.backend.watch.collector import Collector
from lockdeck.tui.app import LockdeckApp
from tests.folders import DOCS
from tests.tui.film import film
from tests.tui.samples import story
from tests.tui.stage import dashboard, show
from tests.tui.stills import standing_alone

PICTURES = {"fleet": ((140, 30), ()), "session": ((120, 60), ("enter",))}


async def picture(name: str) -> str:
    """Return a picture as SVG, without references to fonts elsewhere."""
    size, keys = PICTURES[name]
    app = dashboard(theme="dark")
    async with app.run_test(size=size) as pilot:
        for snapshot in story():
            await show(pilot, snapshot)
        await pilot.press(*keys)
        await pilot.pause()
        return standing_alone(app.export_screenshot())


async def demo_picture() -> str:
    """Return a picture of `lockdeck demo` when all four agents are in their third attempt."""
    with SimulatedFleet() as fleet:
        settings, logs = Settings(), (str(fleet.log_file),)
        collector = Collector.discover((str(fleet.root),), settings, logs=logs, env=fleet.env)
        loop, reached = asyncio.get_running_loop(), asyncio.Event()

        class Tapped:
            def run(self, publish: Callable[[FleetSnapshot], None], stop: threading.Event) -> None:
                def tell(snapshot: FleetSnapshot) -> None:
                    publish(snapshot)
                    third = [s for s in snapshot.sessions if s.attempt and s.attempt.index == 3]
                    if len(third) == 4:
                        loop.call_soon_threadsafe(reached.set)

                collector.run(tell, stop)

        app = LockdeckApp(Tapped(), theme="dark")
        async with app.run_test(size=(140, 24)) as pilot:
            await asyncio.wait_for(reached.wait(), 120)
            await pilot.pause(1.5)
            return standing_alone(app.export_screenshot())


def main() -> None:
    """Write all pictures."""
    os.environ["TZ"] = "UTC"
    time.tzset()
    DOCS.mkdir(exist_ok=True)
    for name in PICTURES:
        (DOCS / f"{name}.svg").write_text(asyncio.run(picture(name)), encoding="utf-8")
    (DOCS / "outage.svg").write_text(asyncio.run(film()), encoding="utf-8")
    (DOCS / "demo.svg").write_text(asyncio.run(demo_picture()), encoding="utf-8")


if __name__ == "__main__":
    main()
