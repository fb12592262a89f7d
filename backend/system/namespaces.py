"""Namespaces: the processes that share our pid namespace and our mounts, and the pids of those in inner ones."""

from __future__ import annotations

import os
import re
from typing import Literal

from msgspec import Struct

from lockdeck.backend.system.procfs import proc_is_ours, read_file, read_stat, visible_pids

_INITIAL_PID_NAMESPACE = 0xEFFFFFFC


class InnerProcess(Struct, frozen=True):
    """A process of another pid namespace: `pid` out here, `inner_pid` as it calls itself."""

    pid: int
    inner_pid: int
    start_ticks: int | None


def pid_namespace(pid: int | Literal["self"]) -> int | None:
    """Return the inode of a process's pid namespace; None when it can't be seen."""
    return _namespace_of(pid) if proc_is_ours() else None


def _namespace_of(pid: int | Literal["self"]) -> int | None:
    try:
        return os.stat(f"/proc/{pid}/ns/pid").st_ino
    except OSError:
        return None


def shares_our_mounts(pid: int) -> bool | None:
    """Return whether a process's paths mean what ours do: it is in our mount namespace; None when that can't be seen."""
    try:
        return os.stat(f"/proc/{pid}/ns/mnt").st_ino == os.stat("/proc/self/ns/mnt").st_ino
    except OSError:
        return None


def in_initial_pid_namespace() -> bool:
    """Return whether this process sees every process of the machine; False when that can't be shown."""
    return pid_namespace("self") == _INITIAL_PID_NAMESPACE


def namespace_pids(pid: int) -> tuple[int, ...]:
    """Return a process's pids from our namespace to its innermost (NSpid); empty when not known."""
    return _parse_namespace_pids(read_file(f"/proc/{pid}/status", 4096)) if proc_is_ours() else ()


def inner_processes() -> list[InnerProcess]:
    """Return the visible processes of pid namespaces inside ours; one look at every process.

    To name a namespace costs the kernel a fraction of telling a status; which of them may not be seen has its status read.
    """
    processes, ours = [], _namespace_of("self")
    for pid in visible_pids():
        theirs = _namespace_of(pid)
        numbers = () if ours is not None and theirs == ours else namespace_pids(pid)
        if len(numbers) > 1:
            stat = read_stat(pid)
            processes.append(InnerProcess(pid, numbers[-1], stat.start_ticks if stat else None))
    return processes


def _parse_namespace_pids(status: bytes) -> tuple[int, ...]:
    match = re.search(rb"^NSpid:([\t\d]+)$", status, re.MULTILINE)
    return tuple(int(word) for word in match[1].split()) if match else ()
