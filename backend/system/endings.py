"""Waiting for the end of processes, by the kernel's word and not by asking again and again."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Collection
from contextlib import ExitStack


def await_an_end(pids: Collection[int], seconds: float) -> None:
    """Wait until one of these processes has ended, `seconds` at most; one that is gone already ends the wait at once."""
    if not hasattr(os, "pidfd_open"):
        time.sleep(seconds)
        return
    with ExitStack() as handles:
        poll = select.poll()
        for pid in pids:
            try:
                handle = os.pidfd_open(pid)
            except ProcessLookupError:
                return
            except OSError:
                continue  # too many descriptors: then the others, or the time, end the wait
            handles.callback(os.close, handle)
            poll.register(handle, select.POLLIN)
        poll.poll(1000 * seconds)
