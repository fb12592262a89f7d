"""Processes that do nothing because somebody stopped them, and what wakes each of them."""

from __future__ import annotations

import os
import re

from lockdeck.backend.system import procfs

_UNIFIED = "/sys/fs/cgroup"
_DEBUGGER = re.compile(rb"^TracerPid:\t(\d+)", re.MULTILINE)
_CONTAINER = re.compile(r"(docker|libpod)[-/]([0-9a-f]{64})")


def suspension_of(pid: int) -> str | None:
    """Say that a process is stopped, by a signal, a debugger or its frozen cgroup, and what wakes it; None where not.

    Linux only; anything that can't be read counts as not stopped.
    """
    stat = procfs.read_stat(pid)
    if stat is None or stat.ended:
        return None
    if stat.state == "T":
        return f"pid {pid} is stopped (state T): it goes on after kill -CONT {pid}"
    if stat.state == "t":
        return f"pid {pid} is stopped by a debugger (state t): it goes on when {_debugger(pid)} lets it"
    return _frozen(pid)


def _debugger(pid: int) -> str:
    match = _DEBUGGER.search(procfs.read_file(f"/proc/{pid}/status", 4096))
    return "the debugger" if match is None or match[1] == b"0" else f"pid {int(match[1])}"


def _frozen(pid: int) -> str | None:
    """Look for a frozen cgroup, its own or one around it: the kernel shows no state for that (cgroup v2)."""
    groups = procfs.read_file(f"/proc/{pid}/cgroup", 16384).decode("utf-8", "replace")
    path = next((line[3:] for line in groups.splitlines() if line.startswith("0::/")), None)
    if path is None or ".." in path.split("/"):
        return None
    place = os.path.join(_UNIFIED, path.strip("/"))
    if b"frozen 1" not in procfs.read_file(os.path.join(place, "cgroup.events"), 4096).splitlines():
        return None
    container = _CONTAINER.search(path)
    if container is None:
        return f"pid {pid} is stopped (cgroup {path} is frozen): it goes on when that, or what is around it, is thawed"
    program = "podman" if container[1] == "libpod" else "docker"
    return f"pid {pid} is stopped (its container is paused): it goes on after {program} unpause {container[2][:12]}"
