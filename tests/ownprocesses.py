"""The process table of the tests: what they started themselves, so that nobody else's processes matter."""

from __future__ import annotations

import os
from collections.abc import Callable

from lockdeck.backend.system import procfs

INIT = 1
"""Always listed: where it is missing, /proc hides processes from us."""


def family_of(ancestor: int) -> Callable[[], list[int]]:
    """Return what lists a process and all that descend from it, as long as their parents live."""
    machine = procfs.list_pids

    def list_pids() -> list[int]:
        parents = {pid: _parent(pid) for pid in machine()}
        family = {ancestor}
        while born := {pid for pid, parent in parents.items() if parent in family} - family:
            family |= born
        return sorted({INIT, *family} & parents.keys())

    return list_pids


def narrow_to_the_starters() -> None:
    """Let this process see what the one that started it has started: the first line of a test's own program."""
    procfs.list_pids = family_of(os.getppid())


def _parent(pid: int) -> int | None:
    stat = procfs.read_file(f"/proc/{pid}/stat", 4096)
    fields = stat[stat.rfind(b")") + 1 :].split()
    return int(fields[1]) if len(fields) > 1 else None
