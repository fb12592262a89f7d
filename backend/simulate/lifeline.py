"""How the fleet's processes notice that they are no longer wanted.

The owner of a fleet keeps the writing end of a pipe and never writes.  The kernel closes that end
however the owner ends, SIGKILL included, and every child that has the reading end sees end-of-file.
Children of the gateway also ask Linux for a signal when the gateway dies.  The gateway itself does not:
that signal comes when the parent *thread* ends, and a fleet may well be started from a worker thread.
"""

from __future__ import annotations

import os
import select
import signal
import sys
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_REMOVAL_TRIES = 5


class Lifeline:
    """The reading end of the owner's pipe, used as an interruptible clock by children without event loop."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def sleep(self, seconds: float | None) -> None:
        """Wait so many seconds (None: for ever). Raises SystemExit when the owner is gone."""
        readable, _, _ = select.select([self._descriptor], [], [], seconds)
        if readable:
            raise SystemExit(0)


def die_with_parent(parent: int) -> None:
    """Ask Linux to kill this process when its parent dies. Raises SystemExit if that already happened."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        raise SystemExit(0)


def remove_tree(path: Path) -> None:
    """Remove a directory and all in it; what a dying child creates meanwhile is removed by another try."""
    import shutil

    for _ in range(_REMOVAL_TRIES):
        shutil.rmtree(path, ignore_errors=True)
        if not path.exists():
            return
