"""Sockets that listen on a port of this machine, their owners, and the processes that have them open."""

from __future__ import annotations

import ipaddress
import os
import re
import sys
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from lockdeck.backend.system.procfs import proc_is_ours, visible_pids

_TABLES = ("/proc/self/net/tcp", "/proc/self/net/tcp6")
_LIMIT = 1 << 20
_LISTEN = b"0A"
_SOCKET = re.compile(r"socket:\[(\d{1,20})\]", re.ASCII)


class _Row(NamedTuple):
    """One socket: its address and port, the port of the other end, whether it listens, its owner and inode."""

    address: bytes
    port: int
    visitor_port: int
    listens: bool
    uid: int
    inode: int


def listening_inodes(port: int) -> frozenset[int]:
    """Return the inodes of the sockets that listen on a TCP port in our network namespace, whatever the address.

    Linux only. The kernel lists those that listen before all others, so that a bounded read has them.
    """
    raw = b"".join(_table(path) for path in _TABLES) if proc_is_ours() else b""
    return frozenset(row.inode for row in _rows(raw) if row.listens and row.port == port)


def uids_behind(address: str, port: int, visitor_port: int) -> frozenset[int]:
    """Return the owners of the sockets behind a port of this machine: those that listen there, and the one that answers us.

    `visitor_port` is our own end of a connection to `address` and `port`. Empty where the kernel shows none: a port that
    is passed on to another network namespace, or a system without these tables.
    """
    raw = b"".join(_table(path) for path in _TABLES) if proc_is_ours() else b""
    places = _as_in_tables(address)
    return frozenset(
        row.uid
        for row in _rows(raw)
        if row.port == port and (row.address in places if row.listens else row.visitor_port == visitor_port)
    )


def _as_in_tables(address: str) -> frozenset[bytes]:
    """Return an address, and those that take calls to it as well, as the kernel writes them: words of its own byte order."""
    packed = ipaddress.ip_address(address.partition("%")[0]).packed
    forms = [packed, bytes(4), bytes(16)]
    if len(packed) == 4:
        forms.append(bytes(10) + b"\xff\xff" + packed)
    words = ([form[at : at + 4] for at in range(0, len(form), 4)] for form in forms)
    return frozenset(
        b"".join(b"%08X" % int.from_bytes(word, sys.byteorder) for word in form) for form in words
    )


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


def _rows(raw: bytes) -> Iterator[_Row]:
    """Yield each socket of a table: `sl local remote state queues timer retransmits uid timeout inode`."""
    for line in raw.splitlines():
        fields = line.split()
        if len(fields) < 10:
            continue
        try:
            address, _, number = fields[1].rpartition(b":")
            visitor_port = int(fields[2].rpartition(b":")[2], 16)
            yield _Row(
                address, int(number, 16), visitor_port, fields[3] == _LISTEN, int(fields[7]), int(fields[9])
            )
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
