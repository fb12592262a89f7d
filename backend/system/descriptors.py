"""Find out who has an inode open: one pass over /proc/<pid>/fd, and an honest count of what could not be seen.

OpenClaw keeps the descriptor of a lock file open for the whole hold (seen on 2026.4.5 and 2026.7.35), so an
open descriptor proves a holder and a complete scan without one proves that nobody holds the file.
"""

from __future__ import annotations

import fcntl
import os
import stat
from collections import defaultdict
from enum import Enum, auto
from typing import TYPE_CHECKING

from msgspec import Struct

from lockdeck.backend.model.locks import Liveness
from lockdeck.backend.system.processes import look
from lockdeck.backend.system.procfs import proc_is_ours, read_stat, real_uid, visible_pids
from lockdeck.backend.system.text import SafeText, safe

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

Inode = tuple[int, int]
"""(st_dev, st_ino)."""

_DELETED = " (deleted)"
_DELETED_LOCK = ".lock" + _DELETED


class Opener(Struct, frozen=True):
    """One open descriptor.  `deleted`: the file has no name left; `uid` is the process's real uid.

    `writable` is how it was opened: OpenClaw creates a lock for writing, a mere reader (a backup, a pager,
    lockdeck itself) does not.
    """

    pid: int
    fd: int
    deleted: bool
    name: SafeText
    start_ticks: int | None
    uid: int | None
    inode: Inode
    writable: bool


class Denied(Struct, frozen=True):
    """A process that exists and whose descriptors could not be read."""

    pid: int
    uid: int | None
    name: SafeText


class DescriptorScan(Struct, frozen=True):
    """The result of one pass.

    `openers` has a key only for those inodes looked for that somebody has open; `deleted` maps the former path (as the
    holder's mount namespace names it) of every unlinked but still open `….lock` file.  `total` counts the
    processes that existed: `inspected` ones and `denied` ones.  `supported` is False where there is no
    /proc of our own pid namespace: then nothing is known.
    """

    openers: Mapping[Inode, tuple[Opener, ...]]
    deleted: Mapping[str, tuple[Opener, ...]]
    inspected: int
    total: int
    denied: tuple[Denied, ...]
    supported: bool

    def hides(self, uid: int) -> tuple[Denied, ...]:
        """Return the processes not inspected that could hold a file of this owner: same uid or unknown."""
        return tuple(process for process in self.denied if process.uid in {None, uid})


def scan_all(inodes: Collection[Inode]) -> DescriptorScan:
    """Look for inodes in the descriptors of every visible process, lockdeck's own included.

    Costs a readlink for every descriptor of the machine and a stat for every one with a path.
    """
    if not proc_is_ours():
        return _UNSUPPORTED
    sweep = _Sweep(frozenset(inodes))
    visited: set[int] = set()
    # A process born during the pass may have inherited the descriptor from one that ended meanwhile.
    for _ in range(_ROUNDS):
        born = [pid for pid in visible_pids() if pid not in visited]
        if not born:
            break
        sweep.inspect(born)
        visited.update(born)
    # Process 1 always exists; where it is not even listed, /proc hides others' processes from us.
    if 1 not in visited:
        sweep.denied.append(Denied(0, None, safe("processes hidden from us (hidepid)")))
    return sweep.result()


def scan_pids(pids: Iterable[int], inodes: Collection[Inode]) -> DescriptorScan:
    """Look for inodes in the descriptors of these processes only: the cheap look at a named holder."""
    if not proc_is_ours():
        return _UNSUPPORTED
    sweep = _Sweep(frozenset(inodes))
    sweep.inspect(pids)
    return sweep.result()


def has_open_still(opener: Opener) -> bool:
    """Return whether a process that had a file open has it open still, as the same descriptor: one look instead of a search."""
    try:
        status = os.stat(f"/proc/{opener.pid}/fd/{opener.fd}")
    except (OSError, ValueError):
        return False
    if (status.st_dev, status.st_ino) != opener.inode or (status.st_nlink == 0) is not opener.deleted:
        return False
    process = read_stat(opener.pid)
    return process is not None and process.start_ticks == opener.start_ticks


def open_for_writing(fd: int) -> bool | None:
    """Ask the kernel whether anybody has a regular file open for writing; None when it won't say.

    `fd` must be our own read-only descriptor of it.  A read lease is granted only while no process of any
    user or pid namespace of this machine, visible to us or not, has the file open for writing (fcntl(2);
    seen on ext4, tmpfs and overlayfs of Linux 6.18).  It is given back at once.  Needs to be the owner
    or to have CAP_LEASE; says nothing about other machines, so ask on local volumes only.
    """
    if not hasattr(fcntl, "F_SETLEASE"):
        return None
    import signal

    try:
        # Who wants to write meanwhile waits those microseconds, and we are told by a signal: SIGIO would kill.
        fcntl.fcntl(fd, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except BlockingIOError:
        return True
    except OSError:
        return None
    fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    return False


_UNSUPPORTED = DescriptorScan({}, {}, 0, 0, (), supported=False)
_ROUNDS = 4


class _Access(Enum):
    READ = auto()
    EMPTY = auto()
    DENIED = auto()
    VANISHED = auto()


class _Hit(Struct, frozen=True):
    fd: int
    target: str
    deleted: bool
    inode: Inode
    writable: bool


class _Sweep:
    """The state of a pass."""

    def __init__(self, inodes: frozenset[Inode]) -> None:
        self.inodes = inodes
        self.openers: dict[Inode, list[Opener]] = defaultdict(list)
        self.deleted: dict[str, list[Opener]] = defaultdict(list)
        self.denied: list[Denied] = []
        self.inspected = 0

    def inspect(self, pids: Iterable[int]) -> None:
        for pid in pids:
            hits, access = _read_descriptors(pid, self.inodes)
            if hits:
                self._add(pid, hits)
            if access in {_Access.EMPTY, _Access.DENIED}:
                access = _reconsider(pid, access)
            if access is _Access.DENIED:
                status = read_stat(pid)
                self.denied.append(Denied(pid, real_uid(pid), status.name if status else safe("?")))
            elif access is not _Access.VANISHED:
                self.inspected += 1

    def _add(self, pid: int, hits: list[_Hit]) -> None:
        status, uid = read_stat(pid), real_uid(pid)
        name, ticks = (status.name, status.start_ticks) if status else (safe("?"), None)
        for hit in hits:
            opener = Opener(pid, hit.fd, hit.deleted, name, ticks, uid, hit.inode, hit.writable)
            if hit.inode in self.inodes:
                self.openers[hit.inode].append(opener)
            if hit.deleted and hit.target.endswith(_DELETED_LOCK):
                self.deleted[hit.target.removesuffix(_DELETED)].append(opener)

    def result(self) -> DescriptorScan:
        return DescriptorScan(
            openers={inode: tuple(openers) for inode, openers in self.openers.items()},
            deleted={path: tuple(openers) for path, openers in self.deleted.items()},
            inspected=self.inspected,
            total=self.inspected + len(self.denied),
            denied=tuple(self.denied),
            supported=True,
        )


def _read_descriptors(pid: int, inodes: frozenset[Inode]) -> tuple[list[_Hit], _Access]:
    hits: list[_Hit] = []
    try:
        folder = os.open(f"/proc/{pid}/fd", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except (FileNotFoundError, ProcessLookupError):
        return hits, _Access.VANISHED
    except OSError:
        return hits, _Access.DENIED
    access = _Access.READ
    try:
        names = os.listdir(folder)
        if not names:
            return hits, _Access.EMPTY
        for name in names:
            try:
                hit = _look_through(folder, name, inodes)
            except (FileNotFoundError, ProcessLookupError):
                continue
            except OSError:
                access = _Access.DENIED
                continue
            if hit is not None:
                hits.append(hit)
    except (FileNotFoundError, ProcessLookupError):
        return hits, _Access.EMPTY
    except OSError:
        return hits, _Access.DENIED
    finally:
        os.close(folder)
    return hits, access


def _look_through(folder: int, name: str, inodes: frozenset[Inode]) -> _Hit | None:
    """Return what a descriptor is when somebody asked for it; raises OSError when that can't be seen."""
    target = os.readlink(name, dir_fd=folder)
    # Sockets, pipes and the like have no path.  /dev/shm must be looked at: it holds ordinary files.
    if not target.startswith("/") or target == "/dev/null" or target.startswith("/dev/pts/"):
        return None
    lost_lock = target.endswith(_DELETED_LOCK)
    if not inodes and not lost_lock:
        return None
    status = os.stat(name, dir_fd=folder)
    inode, deleted = (status.st_dev, status.st_ino), status.st_nlink == 0
    if inode not in inodes and not (lost_lock and deleted):
        return None
    opened = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
    return _Hit(int(name), target, deleted, inode, bool(opened & stat.S_IWUSR))


def _reconsider(pid: int, access: _Access) -> _Access:
    """Decide what an unreadable or empty list of descriptors means.

    The list of a zombie or a kernel thread belongs to root, but there is nothing in it; the list of a
    dead main thread is empty while its other threads may hold files.
    """
    status = read_stat(pid)
    if status is None:
        return _Access.DENIED if look(pid).liveness is Liveness.ALIVE else _Access.VANISHED
    if status.kernel_thread or status.ended:
        return _Access.READ
    if access is _Access.EMPTY and status.state not in "ZXx":
        return _Access.READ
    return _Access.DENIED
