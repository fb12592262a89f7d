"""Processes of OpenClaw that have just started: they may be reclaiming the same locks themselves."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from lockdeck.backend.model.words import duration
from lockdeck.backend.system.namespaces import shares_our_mounts
from lockdeck.backend.system.processes import ProcessIdentity
from lockdeck.backend.system.procfs import age_of, read_stat

NEWCOMER_S = 30.0
"""A gateway or command line younger than this (seconds) may just be reclaiming the same lock."""


def newcomers(root: str, running: Sequence[ProcessIdentity]) -> Iterator[str]:
    """Name the OpenClaw processes of a root that started within the last NEWCOMER_S seconds.

    A process whose root can't be told counts: it may be this one's.
    """
    for process in running:
        age = None if process.start_ticks is None else age_of(process.start_ticks)
        if (age is None or age < NEWCOMER_S) and _may_serve(process.pid, root):
            start = "at an unknown time" if age is None else f"{duration(max(0.0, age))} ago"
            event = f"pid {process.pid} ({process.name}) of OpenClaw started {start}"
            yield f"{event}: it may be reclaiming locks itself, {duration(NEWCOMER_S)} must pass"


def _may_serve(pid: int, root: str) -> bool:
    """Return whether a process may work on a root, by the OPENCLAW_STATE_DIR it was started with."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as source:
            raw = source.read(1 << 20)
    except FileNotFoundError:
        # Gone, or a system without /proc.
        return not os.path.isdir("/proc/self")
    except OSError:
        raw = b""
    if not raw:
        # Nothing to read may be any root's; a process that is just ending reads like that too, and does nothing more.
        return os.path.exists(f"/proc/{pid}") and not _has_ended(pid)
    prefix = b"OPENCLAW_STATE_DIR="
    values = [word.removeprefix(prefix) for word in raw.split(b"\0") if word.startswith(prefix)]
    state_dir = os.fsdecode(values[0]).strip() if values else ""
    # Unset, `~`, a relative path or another mount namespace: which directory is meant can't be told from here.
    if not os.path.isabs(state_dir) or shares_our_mounts(pid) is not True:
        return True
    return os.path.realpath(state_dir) == os.path.realpath(root)


def _has_ended(pid: int) -> bool:
    stat = read_stat(pid)
    return stat is not None and stat.ended
