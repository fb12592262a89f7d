"""Sockets that listen on a port of this machine, and the processes that have them open."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator

from lockdeck.backend.system.procfs import proc_is_ours, visible_pids

_TABLES = ("/proc/self/net/tcp", "/proc/self/net/tcp6")
_LIMIT = 1 << 20
_LISTEN = b"0A"
_SOCKET = re.compile(r"socket:\[(\d{1,20})\]", re.ASCII)


def listening_inodes(port: int) -> frozenset[int]:
    """Return the inodes of the sockets that listen on a TCP port in our network namespace, whatever the address.

    Linux only. The kernel lists those that listen before all others, so that a bounded read has them.
    """
    raw = b"".join(_table(path) for path in _TABLES) if proc_is_ours() else b""
    return frozenset(inode for listens_on, inode in _rows(raw) if listens_on == port)


def listeners(port: int, pids: Iterable[int] | None = None) -> tuple[int, ...]:
    """Return which processes have a socket open that listens on this port; of all that can be seen where none are named."""
    inodes = listening_inodes(port)
    if not inodes:
        return ()
    return tuple(
        pid for pid in (visible_pids() if pids is None else pids) if not inodes.isdisjoint(_sockets_of(pid))
    )


def _table(path: str) -> bytes:
    """Return the bytes of a table of the kernel, which gives a page at a time; at most a megabyte."""
    try:
        with open(path, "rb") as file:
            return file.read(_LIMIT)
    except OSError:
        return b""


def _rows(raw: bytes) -> Iterator[tuple[int, int]]:
    """Yield port and inode of each socket that listens: `sl local rem st queues timer retransmits uid timeout inode`."""
    for line in raw.splitlines():
        fields = line.split()
        if len(fields) < 10 or fields[3] != _LISTEN:
            continue
        try:
            yield int(fields[1].rpartition(b":")[2], 16), int(fields[9])
        except ValueError:
            continue


def _sockets_of(pid: int) -> Iterator[int]:
    folder = f"/proc/{pid}/fd"
    try:
        names = os.listdir(folder)
    except OSError:
        return
    for name in names:
        try:
            match = _SOCKET.fullmatch(os.readlink(f"{folder}/{name}"))
        except OSError:
            continue
        if match is not None:
            yield int(match[1])
