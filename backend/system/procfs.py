"""Facts from /proc: the start times of processes and their owner. Bounded reads only."""

from __future__ import annotations

import os
import re
import sys

from msgspec import Struct

from lockdeck.backend.system.clocks import boot_time, uptime
from lockdeck.backend.system.text import SafeText, safe

LINUX = sys.platform.startswith("linux")
PID_MAX = 2**31 - 1
_KERNEL_THREAD = 0x00200000


class ProcStat(Struct, frozen=True):
    """The fields of /proc/<pid>/stat that matter here."""

    name: SafeText
    state: str
    threads: int
    start_ticks: int
    kernel_thread: bool

    @property
    def ended(self) -> bool:
        """Return whether nothing of it runs any more: a dead leader with living threads has not ended."""
        return self.state in "ZXx" and self.threads <= 1


def parse_stat(raw: bytes) -> ProcStat | None:
    """Read the bytes of /proc/<pid>/stat; None when they are not such a line.

    The name may hold blanks and parentheses, so the fields are counted from the last `)`.
    """
    opening, closing = raw.find(b"("), raw.rfind(b")")
    fields = raw[closing + 1 :].split()
    if not 0 < opening < closing or len(fields) < 20:
        return None
    try:
        flags, threads, ticks = int(fields[6]), int(fields[17]), int(fields[19])
    except ValueError:
        return None
    name = safe(os.fsdecode(raw[opening + 1 : closing]))
    state = fields[0].decode("ascii", "replace")
    return ProcStat(name, state, threads, ticks, bool(flags & _KERNEL_THREAD))


def read_stat(pid: int) -> ProcStat | None:
    """Return /proc/<pid>/stat of a process; None when it is gone, hidden, or /proc is not ours."""
    return parse_stat(read_file(f"/proc/{pid}/stat", 4096)) if proc_is_ours() else None


def real_uid(pid: int) -> int | None:
    """Return the real uid from /proc/<pid>/status (the files in /proc/<pid> are root's when not dumpable)."""
    return parse_uid(read_file(f"/proc/{pid}/status", 4096)) if proc_is_ours() else None


def proc_is_ours() -> bool:
    """Return whether /proc is mounted and speaks of our own pid namespace.

    After `unshare --pid` without a fresh /proc its numbers belong to other processes.
    """
    try:
        return LINUX and os.readlink("/proc/self") == str(os.getpid())
    except OSError:
        return False


def visible_pids() -> list[int]:
    """Return every pid that /proc lists, in ascending order; empty when /proc is not ours."""
    return sorted(list_pids()) if proc_is_ours() else []


def list_pids() -> list[int]:
    """List the process table: the one place where it is asked which processes there are."""
    if LINUX:
        return [int(name) for name in os.listdir("/proc") if name.isascii() and name.isdigit()]
    import psutil

    return psutil.pids()


def is_at_work(pid: int) -> bool:
    """Return whether a thread of a process runs, or waits for a processor or a disk; False where nobody can tell."""
    if not proc_is_ours():
        return False
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return False
    stats = (parse_stat(read_file(f"/proc/{pid}/task/{thread}/stat", 4096)) for thread in threads)
    return any(stat is not None and stat.state in ("R", "D") for stat in stats)


def busy_seconds(pid: int) -> float | None:
    """Return the CPU seconds that a process and its ended children have used; None when not known."""
    if not LINUX:
        return None
    raw = read_file(f"/proc/{pid}/stat", 4096)
    fields = raw[raw.rfind(b")") + 1 :].split()
    try:
        return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK") if len(fields) > 15 else None
    except ValueError:
        return None


def ticks_to_epoch(ticks: int) -> float:
    """Turn clock ticks since boot into epoch seconds of the wall clock as it is set now."""
    return boot_time() + ticks / os.sysconf("SC_CLK_TCK")


def age_of(start_ticks: int) -> float:
    """Return the age in seconds of a process that started at this tick, whatever the wall clock was set to since."""
    return uptime() - start_ticks / os.sysconf("SC_CLK_TCK")


def has_started(pid: int, start_ticks: int) -> bool:
    """Return whether a pid is the process that started then, and has not ended."""
    stat = read_stat(pid)
    return stat is not None and not stat.ended and stat.start_ticks == start_ticks


def read_file(path: str, limit: int, folder: int | None = None) -> bytes:
    """Return the first bytes of a /proc file; empty when it can't be read (gone, hidden, denied)."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except OSError:
        return b""
    try:
        return os.read(handle, limit)
    except OSError:
        return b""
    finally:
        os.close(handle)


def parse_uid(status: bytes) -> int | None:
    """Return the real uid from the bytes of /proc/<pid>/status."""
    match = re.search(rb"^Uid:\t(\d+)", status, re.MULTILINE)
    return int(match[1]) if match else None
