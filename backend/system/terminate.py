"""SIGTERM that can't hit another process than the one that was proven."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
from collections.abc import Callable, Iterator

from lockdeck.backend.system.procfs import PID_MAX, has_started, read_file

Prove = Callable[[], "str | None"]
"""Looks afresh, and says what is not proven of the process; None: all is."""


def terminate(pid: int, start_ticks: int, prove: Prove = lambda: None) -> str | None:
    """Send SIGTERM to exactly the process that has this pid and start time, if `prove` has nothing against it.

    None when it was sent, otherwise a sentence that says why not.  The handle (pidfd) is opened before anything is
    looked at, and the signal goes through it: whatever takes the pid meanwhile is not hit. Where the system has no
    handles (before Linux 5.3, macOS) the start time is read once more right before the signal.
    """
    if not 0 < pid <= PID_MAX:
        return f"{pid} is no process id"
    try:
        with _handle(pid) as handle:
            problem = _not_it(pid, start_ticks) or prove()
            if problem is not None:
                return problem
            if handle is not None:
                signal.pidfd_send_signal(handle, signal.SIGTERM)
                return None
            if not _leads(pid):
                return f"{pid} is no process id"
            problem = _not_it(pid, start_ticks)
            if problem is None:
                os.kill(pid, signal.SIGTERM)
            return problem
    except OSError as error:
        return _why_no_signal(pid, error)


@contextlib.contextmanager
def _handle(pid: int) -> Iterator[int | None]:
    """Open a handle on a process; None where this system has none. OSError."""
    if not hasattr(os, "pidfd_open") or not hasattr(signal, "pidfd_send_signal"):
        yield None
        return
    try:
        handle = os.pidfd_open(pid)
    except OSError as error:
        if error.errno != errno.ENOSYS:
            raise
        yield None
        return
    try:
        yield handle
    finally:
        os.close(handle)


def _leads(pid: int) -> bool:
    """Return whether a number is that of a process and not of one of its threads, which kill(2) takes as well."""
    return f"Tgid:\t{pid}\n".encode() in read_file(f"/proc/{pid}/status", 4096)


def _not_it(pid: int, start_ticks: int) -> str | None:
    if has_started(pid, start_ticks):
        return None
    return f"pid {pid} is not the process that started at tick {start_ticks}: ended, replaced or hidden"


def _why_no_signal(pid: int, error: OSError) -> str:
    if isinstance(error, ProcessLookupError):
        return f"pid {pid} is gone (ESRCH)"
    if isinstance(error, PermissionError):
        return f"pid {pid} belongs to another user (EPERM)"
    return f"pid {pid} can't be signalled safely: {os.strerror(error.errno or 0)}"
