"""Ends a run in which a test hangs: at the test's limit, with the stacks of all threads and tasks.

An exception thrown into a hanging test may be swallowed: hypothesis takes it for an example that fails and tries it
again, a teardown waits for what hangs.  So the process ends; xdist reports the test and goes on with another worker.
"""

from __future__ import annotations

import asyncio
import faulthandler
import gc
import os
import sys
import threading
import traceback
from collections.abc import Iterator
from types import FrameType
from typing import Any, TextIO

import pytest

LAST_RESORT_S = 2.0
"""So much after the limit the interpreter's own watchdog ends a process whose threads can't run any more."""

_report: TextIO = sys.stderr
_timer: threading.Timer | None = None


def pytest_configure() -> None:
    """Keep the standard error of the run: during a test it is captured."""
    global _report
    _report = os.fdopen(os.dup(sys.__stderr__.fileno()), "w", buffering=1)


def pytest_unconfigure() -> None:
    """Close it again."""
    _report.close()


@pytest.hookimpl(tryfirst=True)
def pytest_timeout_set_timer(item: pytest.Item, settings: Any) -> bool | None:
    """Watch one test, with its setup and teardown; tests of a real OpenClaw keep their chance to clean up."""
    global _timer
    if item.get_closest_marker("live"):
        return None
    faulthandler.dump_traceback_later(settings.timeout + LAST_RESORT_S, exit=True, file=_report)
    _timer = threading.Timer(settings.timeout, _end, (item.nodeid, settings.timeout))
    _timer.daemon = True
    _timer.start()
    return True


@pytest.hookimpl(tryfirst=True)
def pytest_timeout_cancel_timer(item: pytest.Item) -> bool | None:
    """Let the test go: it has ended."""
    global _timer
    if _timer is None:
        return None
    faulthandler.cancel_dump_traceback_later()
    _timer.cancel()
    _timer = None
    return True


def _end(test: str, limit: float) -> None:
    _report.write(f"\n{test} did not end within {limit:g} s\n{''.join(stacks())}\n")
    _report.flush()
    os._exit(1)


def stacks() -> Iterator[str]:
    """Yield where every thread and every unfinished asyncio task stands, the innermost call last."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    for ident, frame in sys._current_frames().items():
        if ident != threading.get_ident():
            yield f"\nThread {names.get(ident, ident)}:\n"
            yield from traceback.format_stack(frame)
    for task in [each for each in gc.get_objects() if isinstance(each, asyncio.Task) and not each.done()]:
        yield f"\nTask {task.get_name()}:\n"
        for frame in _awaited_frames(task.get_coro()):
            yield from traceback.format_stack(frame, limit=1)


def _awaited_frames(awaited: Any) -> Iterator[FrameType]:
    """Yield the frames of a coroutine and of all that it waits for."""
    while awaited is not None:
        frame = getattr(awaited, "cr_frame", None) or getattr(awaited, "gi_frame", None)
        if frame is not None:
            yield frame
        awaited = getattr(awaited, "cr_await", None) or getattr(awaited, "gi_yieldfrom", None)
