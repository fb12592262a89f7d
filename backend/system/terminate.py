"""SIGTERM that can't hit another process."""

from __future__ import annotations

import os
import signal

from lockdeck.backend.system.procfs import PID_MAX, has_started


def pidfd_terminate(pid: int, start_ticks: int) -> str | None:
    """Send SIGTERM to exactly the process that has this pid and start time; None when it was sent.

    Otherwise a sentence that says why not.  The handle is opened before the start time is checked, so the
    signal can't reach a successor of the pid.
    """
    if not hasattr(os, "pidfd_open") or not hasattr(signal, "pidfd_send_signal"):
        return "this system has no process handles (pidfd), so a signal could hit another process"
    if not 0 < pid <= PID_MAX:
        return f"{pid} is no process id"
    try:
        handle = os.pidfd_open(pid)
    except OSError as error:
        return _why_no_signal(pid, error)
    try:
        if not has_started(pid, start_ticks):
            return (
                f"pid {pid} is not the process that started at tick {start_ticks}: ended, replaced or hidden"
            )
        signal.pidfd_send_signal(handle, signal.SIGTERM)
    except OSError as error:
        return _why_no_signal(pid, error)
    finally:
        os.close(handle)
    return None


def _why_no_signal(pid: int, error: OSError) -> str:
    if isinstance(error, ProcessLookupError):
        return f"pid {pid} is gone (ESRCH)"
    if isinstance(error, PermissionError):
        return f"pid {pid} belongs to another user (EPERM)"
    return f"pid {pid} can't be signalled safely: {os.strerror(error.errno or 0)}"
