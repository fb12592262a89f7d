"""The paths that a process has to do with: its open files and named sockets, and its working directory."""

from __future__ import annotations

import os
from collections.abc import Iterator

from msgspec import Struct

from lockdeck.backend.model.pattern import late_pattern
from lockdeck.backend.system.procfs import proc_is_ours

_SOCKET = late_pattern(r"socket:\[(\d+)\]")
_DELETED = " (deleted)"
_MOST_BYTES = 16 << 20


class OpenPaths(Struct, frozen=True):
    """The paths of one process, as its own mounts name them. `complete`: none escaped the look."""

    files: tuple[str, ...] = ()
    directory: str | None = None
    complete: bool = False


def open_paths(pid: int) -> OpenPaths:
    """Return what a process has open now; incomplete where that may not be seen. Raises nothing."""
    if not proc_is_ours():
        return OpenPaths()
    base = f"/proc/{pid}"
    try:
        directory = os.readlink(f"{base}/cwd")
        targets = [os.readlink(f"{base}/fd/{name}") for name in os.listdir(f"{base}/fd")]
    except OSError:
        return OpenPaths()
    numbers = {match[1] for target in targets if (match := _SOCKET.fullmatch(target))}
    files = [target.removesuffix(_DELETED) for target in targets if target.startswith("/")]
    return OpenPaths((*files, *_socket_paths(base, numbers)), directory, complete=True)


def _socket_paths(base: str, numbers: set[str]) -> Iterator[str]:
    """Yield the paths of the unix sockets with these inode numbers (proc_net(5))."""
    if not numbers:
        return
    try:
        with open(f"{base}/net/unix", "rb") as source:
            rows = source.read(_MOST_BYTES).splitlines()
    except OSError:
        return
    for row in rows:
        fields = row.split(None, 7)
        if len(fields) == 8 and fields[6].decode() in numbers and fields[7].startswith(b"/"):
            yield os.fsdecode(fields[7])
