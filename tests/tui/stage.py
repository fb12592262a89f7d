"""A dashboard on a stage: a source the test speaks for, a clock that stands, frames as plain text."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable

from lockdeck.backend.model.fleet import FleetSnapshot
from lockdeck.tui.app import LockdeckApp
from lockdeck.tui.typeahead import TypeAhead
from tests.tui.samples import NOW

UTF8 = {"LANG": "C.UTF-8", "TERM": "xterm-256color"}
REST_S = 10.0
"""What has not come to rest by then never will."""
PATIENCE_S = 60.0
"""What a thread beside the screen has not done by then, on however busy a machine, it never will."""


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
    await at_rest(pilot)


async def at_rest(pilot: object) -> None:
    """Wait until nobody has anything left to do, no key waits, and all of it is laid out; fails when that never comes."""
    app = pilot.app  # type: ignore[attr-defined]
    for _turn in range(100):
        if app._typeahead._task is not None:
            await asyncio.wait({app._typeahead._task}, timeout=REST_S)
        await asyncio.wait_for(TypeAhead(app)._rest(), REST_S)
        screen = app.screen_stack[-1] if app.screen_stack else None
        if screen is None or not (screen._layout_required or screen._dirty_widgets or screen._callbacks):
            return
        screen._on_timer_update()  # lays out at once what waits for Textual's next sixtieth of a second
    raise AssertionError("it never comes to rest")


def frame(app: LockdeckApp) -> str:
    """Return what the screen shows, as text, without trailing blanks."""
    strips = app.screen._compositor.render_strips()
    return "\n".join(strip.text.rstrip() for strip in strips)


async def wait_for(pilot: object, true: Callable[[], bool]) -> None:
    """Wait until a condition holds and all has come to rest; fails when that is not within PATIENCE_S."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if true():
            await at_rest(pilot)
            return
        await pilot.pause(0.01)  # type: ignore[attr-defined]
    raise AssertionError("waited in vain:\n" + frame(pilot.app))  # type: ignore[attr-defined]
