"""Keys typed ahead: each waits until all that the one before it set going has come to rest.

Textual (8.2.8) gives every key to what has the focus when it is read. Of a burst in one read that is the place
where the first key was typed: letters go to the table before the field that they are for has been opened.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from typing import Protocol, cast, runtime_checkable

from textual.app import App
from textual.events import Event, Key
from textual.message_pump import MessagePump

PATIENCE_S = 2.0
"""A key waits this long at most: something that never comes to rest must not take the keyboard away."""


@runtime_checkable
class Searching(Protocol):
    """A screen on which enter is for results that may still be looked for."""

    async def settled(self) -> None:
        """Wait until they are there."""


@runtime_checkable
class Unread(Protocol):
    """A screen that asks something, and takes no answer that was typed before the question could be read."""

    def ignores(self, event: Event) -> bool:
        """Return whether an event of the keyboard came too early to be an answer."""
        ...


class TypeAhead:
    """Says of each event of the keyboard whether it must wait; one that did is posted once more in its turn."""

    def __init__(self, app: App[int]) -> None:
        self._app = app
        self._waiting: deque[Event] = deque()
        self._turn: Event | None = None
        self._task: asyncio.Task[None] | None = None

    def holds(self, event: Event) -> bool:
        """Return whether an event must wait; call this in the app's message loop for each as it comes."""
        if event is self._turn:
            self._turn = None
            return False
        if self._task is not None:
            self._waiting.append(event)
            return True
        self._task = asyncio.create_task(self._hand_on(), name="lockdeck typed ahead")
        return False

    async def _hand_on(self) -> None:
        """Post what waits, one event after another."""
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._rest(), PATIENCE_S)
            if not self._waiting or not self._app.is_running:
                break
            self._turn = self._waiting.popleft()
            self._app.post_message(self._turn)
        self._task = None

    async def _rest(self) -> None:
        """Wait until nobody who could pass on a key, or the focus, has anything left to do."""
        while (busy := next((pump for pump in self._pumps() if not _is_idle(pump)), None)) is not None:
            await _reach(busy)
        screen: object = self._app.screen_stack[-1] if self._app.screen_stack else None
        following = self._waiting[0] if self._waiting else None
        if isinstance(screen, Searching) and isinstance(following, Key) and following.key == "enter":
            await screen.settled()

    def _pumps(self) -> Iterator[MessagePump]:
        yield self._app
        for screen in self._app.screen_stack:
            yield from cast("Iterator[MessagePump]", screen.walk_children(with_self=True))


def _is_idle(pump: MessagePump) -> bool:
    """Return whether a pump waits for its next message: neither queued messages nor a handler that awaits.

    Nothing public of Textual's or asyncio's tells that; a pump whose handler awaits has an empty queue too.
    """
    if not pump.is_running:
        return True
    ready: asyncio.Event = pump._message_queue.ready_event  # noqa: SLF001
    waiters = cast("deque[asyncio.Future[bool]]", getattr(ready, "_waiters", ()))
    return pump._is_mounted and not ready.is_set() and any(not waiter.done() for waiter in waiters)  # noqa: SLF001


async def _reach(pump: MessagePump) -> None:
    """Wait until a pump has handled what is before it now, or has ended."""
    reached = asyncio.Event()
    if not pump.call_later(reached.set):
        await asyncio.sleep(0)
        return
    ended = {pump._task} if pump._task is not None else set()  # noqa: SLF001 - no public way
    waiter = asyncio.create_task(reached.wait())
    await asyncio.wait({waiter, *ended}, return_when=asyncio.FIRST_COMPLETED)
    waiter.cancel()
