"""What ends a command that goes on: a signal, its time, or nobody who reads any more."""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress


@contextmanager
def told_to_stop(stop: Callable[[], None], seconds: float | None) -> Iterator[Sequence[int]]:
    """Call `stop`, in any thread, on SIGINT, SIGTERM, after `seconds`, or when who reads stdout is gone.

    Yields the signals that came. Their handler runs in the thread that waits, maybe while that has a lock, so it must
    take none.
    """
    came: list[int] = []
    reader, writer = os.pipe()

    def interrupt(number: int, _frame: object) -> None:
        came.append(number)
        os.write(writer, b".")

    def pass_on() -> None:
        if _signal_or_no_reader(reader):
            stop()

    listener = threading.Thread(target=pass_on, daemon=True)
    listener.start()
    timer = None if seconds is None else threading.Timer(seconds, stop)
    if timer is not None:
        timer.daemon = True
        timer.start()
    previous = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield came
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
        if timer is not None:
            timer.cancel()
        os.close(writer)
        listener.join()
        os.close(reader)  # not before: a signal that comes after the reader went would write into nothing


def _signal_or_no_reader(signals: int) -> bool:
    """Wait until a signal came or stdout has lost its reader; False when the wait itself is over.

    The kernel tells both; without asking it a quiet fleet would be watched for nobody until its next change.
    """
    poll = select.poll()
    poll.register(signals, select.POLLIN)
    with suppress(OSError, ValueError):  # a stdout that is no file has no reader to lose
        poll.register(sys.stdout.fileno(), 0)
    while True:
        for descriptor, happened in poll.poll():
            if descriptor == signals:
                return bool(os.read(signals, 1))
            if happened & (select.POLLERR | select.POLLHUP):
                return True
            poll.unregister(descriptor)  # closed: nothing more is told about it
