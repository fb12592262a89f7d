"""One attempt: one auth profile x one model, under the session's lock."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from enum import StrEnum

from lockdeck.backend.simulate import lockfile

_POLL_STEP_S = 0.05
_POLL_LONGEST_S = 1.0
_EMPTY_S = 0.002
"""How long a fresh lock file stays empty: 1 ms and more was seen on 2026.4.5."""


class Abort(StrEnum):
    """How a run is aborted from outside.

    STOP is the stop message that reaches the embedded run: it ends the run.  CHAT is `chat.abort`: on 2026.4.5
    it knows only runs started by chat.send, ends one attempt and leaves a last one on the next profile.
    """

    STOP = "stop"
    CHAT = "chat"


class Result(StrEnum):
    """How an attempt ended."""

    ANSWERED = "answered"
    TIMED_OUT = "timed-out"
    LOCKED = "locked"
    STOPPED = "stopped"
    CHAT_ABORTED = "chat-aborted"


class Wait:
    """Waits for a reply, a timeout or an abort, whichever comes first."""

    def __init__(self) -> None:
        self._abort: asyncio.Future[Abort] | None = None

    def abort(self, how: Abort) -> bool:
        """Abort what is being waited for; False when nothing is."""
        if self._abort is None or self._abort.done():
            return False
        self._abort.set_result(how)
        return True

    async def for_reply(self, reply: asyncio.Future[None], limit_s: float) -> Result:
        """Wait at most `limit_s` seconds; `reply` is cancelled unless it came."""
        self._abort = abort = asyncio.get_running_loop().create_future()
        try:
            done, _ = await asyncio.wait({reply, abort}, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._abort = None
            reply.cancel()
        if abort in done:
            return Result.STOPPED if abort.result() is Abort.STOP else Result.CHAT_ABORTED
        return Result.ANSWERED if reply in done else Result.TIMED_OUT


@contextlib.asynccontextmanager
async def held(path: str, wait_s: float) -> AsyncIterator[bool]:
    """Hold the lock while the block runs. Yields False when it stayed taken for `wait_s` seconds."""
    descriptor = await _poll(path, wait_s)
    if descriptor is None:
        yield False
        return
    try:
        await asyncio.sleep(_EMPTY_S)
        lockfile.write_payload(descriptor)
        yield True
    finally:
        lockfile.release(path, descriptor)


async def _poll(path: str, wait_s: float) -> int | None:
    """Try to create the lock with the growing pauses of 2026.4.5: 50 ms, 100 ms … at most 1 s."""
    deadline = time.monotonic() + wait_s
    pause = 0.0
    while (descriptor := lockfile.create(path)) is None:
        left = deadline - time.monotonic()
        if left <= 0:
            return None
        pause = min(_POLL_LONGEST_S, pause + _POLL_STEP_S)
        await asyncio.sleep(min(pause, left))
    return descriptor
