"""Processes that do nothing because somebody stopped them, and what wakes each of them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from lockdeck.backend.model.pattern import late_pattern
from lockdeck.backend.system import procfs

_UNIFIED = "/sys/fs/cgroup"
_DEBUGGER = late_pattern(rb"^TracerPid:\t(\d+)", re.MULTILINE)
_CONTAINER = late_pattern(r"(docker|libpod)[-/]([0-9a-f]{64})")


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
    """Look for a frozen cgroup, its own or one around it: the kernel shows no state for that."""
    groups = procfs.read_file(f"/proc/{pid}/cgroup", 16384).decode("utf-8", "replace")
    path = next(
        (path for path, signs in _groups(groups) if any(_says(file, line) for file, line in signs)), None
    )
    if path is None:
        return None
    container = _CONTAINER.search(path)
    if container is None:
        return f"pid {pid} is stopped (cgroup {path} is frozen): it goes on when that, or what is around it, is thawed"
    program = "podman" if container[1] == "libpod" else "docker"
    return f"pid {pid} is stopped (its container is paused): it goes on after {program} unpause {container[2][:12]}"


def _groups(text: str) -> Iterator[tuple[str, list[tuple[str, bytes]]]]:
    """Yield each cgroup that can freeze a process, with the files and the lines in them that say it is frozen."""
    for line in text.splitlines():
        _, controllers, path = (*line.split(":", 2), "", "")[:3]
        if ".." in path.split("/"):
            continue
        inner = path.strip("/")
        if line.startswith("0::/"):
            events = [
                os.path.join(place, inner, "cgroup.events") for place in (_UNIFIED, f"{_UNIFIED}/unified")
            ]
            yield path, [(file, b"frozen 1") for file in events]
        elif "freezer" in controllers.split(","):
            state = os.path.join(_UNIFIED, "freezer", inner, "freezer.state")
            yield path, [(state, b"FROZEN"), (state, b"FREEZING")]


def _says(file: str, line: bytes) -> bool:
    return line in procfs.read_file(file, 4096).splitlines()
