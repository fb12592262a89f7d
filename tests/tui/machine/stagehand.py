"""Runs one dashboard in one task, and does inside that task what a terminal does: types, resizes, suspends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from textual._compositor import Compositor
from textual._context import visible_screen_stack
from textual.drivers.headless_driver import HeadlessDriver
from textual.events import Resize
from textual.geometry import Size
from textual.pilot import Pilot
from textual.screen import Screen

from lockdeck.backend.model.fleet import FleetSnapshot
from lockdeck.tui.app import LockdeckApp
from tests.tui.keyboard import Keyboard, bytes_of
from tests.tui.machine.eye import look_again
from tests.tui.stage import at_rest, show, wait_for


def paint_nothing(
    compositor: Compositor,
    full: bool = False,
    screen_stack: list[Screen[object]] | None = None,
    **_more: object,
) -> None:
    """Stand in for the painting of frames that nobody looks at: each rest is painted whole by who looks (`eye.py`)."""
    visible_screen_stack.set(screen_stack or [])
    compositor._dirty_regions.clear()


class Stagehand:
    """Has a dashboard run; what is asked of it happens before the call returns."""

    def __init__(self, app: LockdeckApp, size: tuple[int, int]) -> None:
        self.app = app
        self.size = size
        self._loop = asyncio.new_event_loop()
        self._orders: asyncio.Queue[tuple[Callable[..., Awaitable[object]] | None, asyncio.Future[object]]]
        self._orders = asyncio.Queue()
        self._task = self._loop.create_task(self._live())

    def do(self, order: Callable[[Pilot[int]], Awaitable[Any]] | None) -> Any:
        """Do something inside the dashboard's task; fails with what it, or the dashboard, failed with."""
        if self._task.done():
            self._task.result()
        look_again(self.app)
        done: asyncio.Future[object] = self._loop.create_future()
        self._orders.put_nowait((order, done))
        result = self._loop.run_until_complete(done)
        if self.app._exception is not None:
            raise self.app._exception
        return result

    def close(self) -> None:
        """End the dashboard."""
        self.do(None)
        self._loop.run_until_complete(self._task)
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    def show(self, snapshot: FleetSnapshot) -> None:
        """Publish a snapshot and wait until it is shown."""
        self.do(lambda pilot: show(pilot, snapshot))

    def wait_for(self, true: Callable[[], bool]) -> None:
        """Wait until something is true and all has come to rest."""
        self.do(lambda pilot: wait_for(pilot, true))

    def resize(self, size: tuple[int, int]) -> None:
        """Give the terminal another size."""
        self.size = size

        async def resize(pilot: Pilot[int]) -> None:
            self.app._driver._size = size  # type: ignore[union-attr]
            self.app.post_message(Resize(Size(*size), Size(*size)))
            await at_rest(pilot)

        self.do(resize)

    def suspend(self, meanwhile: Callable[[], FleetSnapshot | None], size: tuple[int, int]) -> None:
        """Leave the terminal and come back, as with ctrl+z and fg; what is published meanwhile is shown afterwards."""
        self.size = size

        async def leave_and_come_back(pilot: Pilot[int]) -> None:
            with self.app.suspend():
                snapshot = meanwhile()
                self.app._driver._size = size  # type: ignore[union-attr]
                if snapshot is not None:
                    self.app.publish(snapshot)
            await pilot.pause()
            await at_rest(pilot)

        HeadlessDriver.can_suspend = True  # type: ignore[method-assign,assignment]
        try:
            self.do(leave_and_come_back)
        finally:
            del HeadlessDriver.can_suspend

    def type(self, keys: list[str], cut: int, *, slowly: bool, between: FleetSnapshot | None = None) -> None:
        """Have the bytes of keys arrive in two reads, cut anywhere; `slowly`: all comes to rest between them.

        What is published `between` them comes in the middle of the burst.
        """
        raw = bytes_of(keys)
        cut = cut % (len(raw) + 1)

        async def type_bytes(pilot: Pilot[int]) -> None:
            keyboard = Keyboard(self.app)
            keyboard.send(raw[:cut])
            if between is not None:
                self.app.publish(between)
            if slowly:
                await at_rest(pilot)
            keyboard.send(raw[cut:])
            keyboard.rest()
            await at_rest(pilot)

        self.do(type_bytes)

    async def _live(self) -> None:
        async with self.app.run_test(size=self.size) as pilot:
            while True:
                order, done = await self._orders.get()
                if order is None:
                    break
                try:
                    done.set_result(await order(pilot))
                except BaseException as error:  # the machine must hear of it, not the task
                    done.set_exception(error)
        done.set_result(None)
