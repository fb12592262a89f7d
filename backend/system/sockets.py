"""Sockets that listen on a port of this machine, their owners, and the processes that have them open."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import re
import sys
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from lockdeck.backend.model.pattern import late_pattern
from lockdeck.backend.system.procfs import proc_is_ours, visible_pids

_TABLES = ("/proc/self/net/tcp", "/proc/self/net/tcp6")
_SOCKET = late_pattern(r"socket:\[(\d{1,20})\]", re.ASCII)
_LISTEN = b"0A"
_CONNECTED = (b"01", b"03")
"""The states of a socket that answers: established, and about to be. One that is closing has no owner any more, and the
kernel shows root's uid for it."""


class _Row(NamedTuple):
    """One socket: its address and port and those of the other end, its state, its owner and inode.

    The inode is 0 where no process has the socket: before it is accepted (the uid is 0, then, or the listener's; it
    depends on the kernel) and after it was closed (the uid is 0).
    """

    address: bytes
    port: int
    visitor: bytes
    visitor_port: int
    state: bytes
    uid: int
    inode: int


class Behind(NamedTuple):
    """Who is behind a port of this machine: the owners of the sockets there, and whether the one that answers us is shown."""

    uids: frozenset[int]
    answers: bool


def listening_inodes(port: int) -> frozenset[int]:
    """Return the inodes of the sockets that listen on a TCP port in our network namespace, whatever the address. Linux only."""
    return frozenset(row.inode for row in _rows_at(port) if row.state == _LISTEN)


def who_is_behind(there: tuple[str, int], here: tuple[str, int]) -> Behind:
    """Return who is behind a connection within this machine: who listens at its other end, `there`, and who answers us.

    `here` is our own end. `answers` is true where the very socket that mirrors ours is in the tables and has an owner:
    that of the process that accepted it or, before that, whoever listens. It is false where a port is passed on to
    another network namespace, and on a system without these tables.
    """
    places, visitor = _as_in_tables(there[0]), _as_in_tables(here[0])
    at_port = tuple(_rows_at(there[1]))
    wildcards = {b"0" * len(place) for place in places}
    listeners_there = {
        row.uid for row in at_port if row.state == _LISTEN and row.address in places | wildcards
    }
    mirrors = [
        row
        for row in at_port
        if row.state in _CONNECTED
        and (row.address in places and row.visitor in visitor)
        and row.visitor_port == here[1]
    ]
    accepted = {row.uid for row in mirrors if row.inode}
    return Behind(frozenset(listeners_there | accepted), bool(accepted or (mirrors and listeners_there)))


def _as_in_tables(address: str) -> frozenset[bytes]:
    """Return an address as the kernel writes it: words of its own byte order, one of IPv4 also as it is mapped to IPv6."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    packed = (getattr(ip, "ipv4_mapped", None) or ip).packed
    forms = [packed, bytes(10) + b"\xff\xff" + packed] if len(packed) == 4 else [packed]
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


def _rows_at(port: int) -> Iterator[_Row]:
    """Yield each socket of a port of our own, line by line to the end: anybody can make these tables as long as they like."""
    mark = b":%04X " % port
    for path in _TABLES if proc_is_ours() else ():
        with contextlib.suppress(OSError), open(path, "rb") as file:
            yield from (row for line in file if mark in line and (row := _row(line)) and row.port == port)


def _row(line: bytes) -> _Row | None:
    """Read a line of a table: `sl local remote state queues timer retransmits uid timeout inode`; None where it is none."""
    fields = line.split()
    if len(fields) < 10:
        return None
    try:
        address, _, number = fields[1].rpartition(b":")
        visitor, _, visitor_number = fields[2].rpartition(b":")
        ports = int(number, 16), int(visitor_number, 16)
        return _Row(address, ports[0], visitor, ports[1], fields[3], int(fields[7]), int(fields[9]))
    except ValueError:
        return None


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
