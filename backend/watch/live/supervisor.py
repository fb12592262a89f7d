"""Runs a log command and ends it with its owner: `python -I -S supervisor.py LIFELINE PATIENCE COMMAND…`.

PATIENCE are the seconds that it may take to end by itself. LIFELINE is the reading end of a pipe that the owner holds open and never writes into: the kernel closes it however the
owner ends, SIGKILL included. The command has a process group of its own, which ends as a whole.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress

PATIENCE_S = 1.0
"""So long (seconds) the command may take to end by itself, where nothing else is said."""


def supervised(lifeline: int, command: Sequence[str], patience_s: float = PATIENCE_S) -> list[str]:
    """Return the command line that runs a command so that it ends with the owner of the lifeline."""
    words = (str(lifeline), str(patience_s), *command)
    return [sys.executable, "-I", "-S", os.path.abspath(__file__), *words]


def run(lifeline: int, patience_s: float, command: list[str]) -> int:
    """Run the command to its end, or to that of the owner; return its exit code as shells do."""
    try:
        child = subprocess.Popen(command, process_group=0)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        print(f"{command[0]}: {reason}", file=sys.stderr)  # noqa: T201 - its stderr is how it answers
        return 127
    ended = threading.Event()
    threading.Thread(
        target=_end_with_owner, args=(lifeline, patience_s, child.pid, ended), daemon=True
    ).start()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    ended.set()
    # Not yet reaped, so that its group's number can't be another's.
    _signal_group(child.pid, signal.SIGKILL)
    code = child.wait()
    return code if code >= 0 else 128 - code


def _end_with_owner(lifeline: int, patience_s: float, group: int, ended: threading.Event) -> None:
    while os.read(lifeline, 1):
        pass
    if not ended.is_set():
        _signal_group(group, signal.SIGTERM)
        if not ended.wait(patience_s):
            _signal_group(group, signal.SIGKILL)


def _signal_group(group: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


if __name__ == "__main__":
    sys.exit(run(int(sys.argv[1]), float(sys.argv[2]), sys.argv[3:]))
