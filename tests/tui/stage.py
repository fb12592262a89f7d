"""A dashboard on a stage: a source the test speaks for, a clock that stands, frames as plain text."""

from __future__ import annotations

import threading
from collections.abc import Callable

from lockdeck.backend.model.fleet import FleetSnapshot
from lockdeck.tui.app import LockdeckApp
from tests.tui.samples import NOW

UTF8 = {"LANG": "C.UTF-8", "TERM": "xterm-256color"}


class HeldSource:
    """A source that waits to be stopped; the test publishes through the app."""

    def __init__(self) -> None:
        self.ended = threading.Event()

    def run(self, publish: Callable[[FleetSnapshot], None], stop: threading.Event) -> None:
        stop.wait()
        self.ended.set()


def dashboard(source: object | None = None, *, now: float = NOW + 0.8, **options: object) -> LockdeckApp:
    """Return an app whose clock stands at `now` and that shows every snapshot at once."""
    options = {"env": UTF8, "update_gap_s": 0.0, "clock": lambda: now, **options}
    return LockdeckApp(source or HeldSource(), **options)  # type: ignore[arg-type]


async def show(pilot: object, snapshot: FleetSnapshot) -> None:
    """Publish a snapshot and wait until it is shown."""
    app = pilot.app  # type: ignore[attr-defined]
    app.publish(snapshot)
    for _turn in range(200):
        if app.deck.latest is snapshot:
            break
        await pilot.pause()  # type: ignore[attr-defined]
    assert app.deck.latest is snapshot
    await pilot.pause()  # type: ignore[attr-defined]


def frame(app: LockdeckApp) -> str:
    """Return what the screen shows, as text, without trailing blanks."""
    strips = app.screen._compositor.render_strips()
    return "\n".join(strip.text.rstrip() for strip in strips)


async def wait_for(pilot: object, true: Callable[[], bool]) -> None:
    """Wait until a condition holds; fails when it does not within about ten seconds."""
    for _turn in range(1000):
        if true():
            return
        await pilot.pause(0.01)  # type: ignore[attr-defined]
    raise AssertionError("waited in vain")
