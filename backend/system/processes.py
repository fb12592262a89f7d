"""Who a process is: pid plus start time, real uid, argv, pid namespace; and SIGTERM that cannot hit another.

On Linux everything comes from /proc (bounded reads through one handle on /proc/<pid>, so that no answer
mixes two processes); elsewhere from psutil, which is imported only then and for `details`.
"""

from __future__ import annotations

import functools
import os
import re
import signal
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from backend.model.locks import Liveness
from backend.system.text import SafeText, safe

if TYPE_CHECKING:
    from collections.abc import Sequence

    import psutil

LINUX = sys.platform.startswith("linux")

_PID_MAX = 2**31 - 1
_INITIAL_PID_NAMESPACE = 0xEFFFFFFC
_KERNEL_THREAD = 0x00200000
_ARGV_BYTES = 8192
_BOOT_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """One process, told apart from a later one with the same pid.

    `started_at` is epoch seconds (to about a second); `start_ticks` is field 22 of /proc/<pid>/stat, clock
    ticks since boot, the number OpenClaw writes as `starttime` (seen on 2026.4.5), Linux only; `uid` is the
    real uid.  None means: not known.
    """

    pid: int
    started_at: float | None
    start_ticks: int | None
    uid: int | None
    name: SafeText
    argv: tuple[SafeText, ...]


@dataclass(frozen=True, slots=True)
class ProcessLook:
    """One look at a pid.  `denied`: it exists but may not be signalled by us (EPERM), so it is not ours."""

    pid: int
    liveness: Liveness
    identity: ProcessIdentity | None
    denied: bool


@dataclass(frozen=True, slots=True)
class ProcessDetails:
    """What a person wants to see of a holder.  `cpu_percent` is the average since its start, of one core."""

    pid: int
    ppid: int | None
    cpu_percent: float | None
    rss: int | None
    threads: int | None
    children: int
    argv: tuple[SafeText, ...]
    cwd: SafeText | None


@dataclass(frozen=True, slots=True)
class InnerProcess:
    """A process of another pid namespace: `pid` out here, `inner_pid` as it calls itself."""

    pid: int
    inner_pid: int
    start_ticks: int | None


@dataclass(frozen=True, slots=True)
class ProcStat:
    """The fields of /proc/<pid>/stat that matter here."""

    name: SafeText
    state: str
    threads: int
    start_ticks: int
    kernel_thread: bool

    @property
    def ended(self) -> bool:
        """Whether nothing of it runs any more: a dead leader with living threads has not ended."""
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
    return parse_stat(_read(f"/proc/{pid}/stat", 4096)) if proc_is_ours() else None


def real_uid(pid: int) -> int | None:
    """Return the real uid from /proc/<pid>/status (the files in /proc/<pid> are root's when not dumpable)."""
    return _parse_uid(_read(f"/proc/{pid}/status", 4096)) if proc_is_ours() else None


def proc_is_ours() -> bool:
    """Whether /proc is mounted and speaks of our own pid namespace.

    After `unshare --pid` without a fresh /proc its numbers belong to other processes.
    """
    try:
        return LINUX and os.readlink("/proc/self") == str(os.getpid())
    except OSError:
        return False


def visible_pids() -> list[int]:
    """Every pid that /proc lists, in ascending order; empty when /proc is not ours."""
    if not proc_is_ours():
        return []
    return sorted(int(name) for name in os.listdir("/proc") if name.isascii() and name.isdigit())


def look(pid: int) -> ProcessLook:
    """Say whether a pid is alive and who it is.  Never raises; costs some 50 microseconds on Linux.

    ESRCH is gone; EPERM is alive and denied (OpenClaw itself calls that dead, seen on 2026.4.5).  A number
    that only a thread bears counts as alive, as kill(2) says; its start time tells that it is another.
    """
    if not 0 < pid <= _PID_MAX:
        return ProcessLook(pid, Liveness.GONE, None, denied=False)
    denied = _signal_is_denied(pid)
    if denied is None:
        return ProcessLook(pid, Liveness.GONE, None, denied=False)
    found = _inspect(pid) if LINUX else _inspect_with_psutil(pid)
    if found is None:
        alive = _signal_is_denied(pid) is not None
        return ProcessLook(pid, Liveness.ALIVE if alive else Liveness.GONE, None, denied and alive)
    identity, ended = found
    return ProcessLook(pid, Liveness.ZOMBIE if ended else Liveness.ALIVE, identity, denied)


def details(pid: int, start_ticks: int | None, now: float) -> ProcessDetails | None:
    """Return cpu, memory and family of a process; None when it is gone or another process by now.

    `start_ticks` is the start time that the pid must have (None: not checked, for systems without it);
    `now` is epoch seconds.  What may not be read is None.
    """
    import psutil

    wanted = ["ppid", "cpu_times", "create_time", "memory_info", "num_threads", "cmdline", "cwd"]
    try:
        process = psutil.Process(pid)
        facts = process.as_dict(wanted, ad_value=None)
        children = len(process.children())
    except (psutil.Error, OSError, ValueError, OverflowError):
        return None
    if start_ticks is not None and not _has_started(pid, start_ticks):
        return None
    times, created, memory = facts["cpu_times"], facts["create_time"], facts["memory_info"]
    busy = None
    if times is not None and created is not None:
        busy = 100 * (times.user + times.system) / max(now - created, 0.01)
    return ProcessDetails(
        pid=pid,
        ppid=facts["ppid"],
        cpu_percent=busy,
        rss=None if memory is None else memory.rss,
        threads=facts["num_threads"],
        children=children,
        argv=tuple(safe(word) for word in facts["cmdline"] or ()),
        cwd=safe(facts["cwd"]) if facts["cwd"] else None,
    )


def busy_seconds(pid: int) -> float | None:
    """Return the CPU seconds that a process and its ended children have used; None when not known."""
    if not LINUX:
        return None
    raw = _read(f"/proc/{pid}/stat", 4096)
    fields = raw[raw.rfind(b")") + 1 :].split()
    try:
        return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK") if len(fields) > 15 else None
    except ValueError:
        return None


def openclaw_processes() -> list[ProcessIdentity]:
    """Return every visible process that looks like an OpenClaw gateway or command line.

    A running gateway's argv is only `openclaw-gateway`, for it rewrites its title (seen on 2026.4.5); a
    command line is `openclaw …` or `node …/openclaw.mjs …`.  A hint for people, never a proof.
    """
    if not LINUX:
        return _openclaw_with_psutil()
    found = []
    for pid in visible_pids():
        if is_openclaw(_split_argv(_read(f"/proc/{pid}/cmdline", _ARGV_BYTES))):
            inspected = _inspect(pid)
            if inspected is not None:
                found.append(inspected[0])
    return found


def is_openclaw(argv: Sequence[str]) -> bool:
    """Whether an argv looks like OpenClaw's: by its own name, or by the script an interpreter runs."""
    if not argv:
        return False
    title = argv[0].split(" ", 1)[0]
    if any(os.path.basename(word).startswith("openclaw") for word in (argv[0], title)):
        return True
    return any(os.path.basename(word) in {"openclaw", "openclaw.mjs"} for word in argv[:3])


def label(identity: ProcessIdentity) -> SafeText:
    """Return what people call a process: its argv's program, with the script that an interpreter runs.

    The kernel's own name is cut at 15 bytes, and Node 24 calls its main thread `MainThread`.
    """
    words = [os.path.basename(word.split(" ", 1)[0]) for word in identity.argv[:2]]
    if not words or not words[0]:
        return identity.name
    script = len(words) > 1 and words[1].endswith((".mjs", ".js", ".py"))
    return safe(" ".join(words) if script else words[0], 60)


def pid_namespace(pid: int | Literal["self"]) -> int | None:
    """Return the inode of a process's pid namespace; None when it can't be seen."""
    try:
        return os.stat(f"/proc/{pid}/ns/pid").st_ino if proc_is_ours() else None
    except OSError:
        return None


def shares_our_mounts(pid: int) -> bool | None:
    """Whether a process's paths mean what ours do: it is in our mount namespace; None when that can't be seen."""
    try:
        return os.stat(f"/proc/{pid}/ns/mnt").st_ino == os.stat("/proc/self/ns/mnt").st_ino
    except OSError:
        return None


def in_initial_pid_namespace() -> bool:
    """Whether this process sees every process of the machine; False when that can't be shown."""
    return pid_namespace("self") == _INITIAL_PID_NAMESPACE


def namespace_pids(pid: int) -> tuple[int, ...]:
    """Return a process's pids from our namespace to its innermost (NSpid); empty when not known."""
    return _parse_namespace_pids(_read(f"/proc/{pid}/status", 4096)) if proc_is_ours() else ()


def inner_processes() -> list[InnerProcess]:
    """Return the visible processes of pid namespaces inside ours; reads one file for every process."""
    found = []
    for pid in visible_pids():
        numbers = namespace_pids(pid)
        if len(numbers) > 1:
            stat = read_stat(pid)
            found.append(InnerProcess(pid, numbers[-1], stat.start_ticks if stat else None))
    return found


@functools.cache
def boot_time() -> float:
    """Return when the machine started, in epoch seconds.

    Read once: it moves with every step of the clock, and start times must not wander between two looks.
    """
    if LINUX:
        found = re.search(rb"^btime (\d+)$", _read("/proc/stat", 1 << 20), re.MULTILINE)
        # /proc/stat is missing where /proc is mounted with subset=pid.
        return float(found[1]) if found else time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    import psutil

    return psutil.boot_time()


def boot_id() -> str | None:
    """Return the kernel's random id of this boot (a UUID); None where there is none."""
    text = _read("/proc/sys/kernel/random/boot_id", 64).decode("ascii", "replace").strip()
    return text if _BOOT_ID.fullmatch(text) else None


def ticks_to_epoch(ticks: int) -> float:
    """Turn clock ticks since boot into epoch seconds."""
    return boot_time() + ticks / os.sysconf("SC_CLK_TCK")


def pidfd_terminate(pid: int, start_ticks: int) -> str | None:
    """Send SIGTERM to exactly the process that has this pid and start time; None when it was sent.

    Otherwise a sentence that says why not.  The handle is opened before the start time is checked, so the
    signal can't reach a successor of the pid.
    """
    if not hasattr(os, "pidfd_open") or not hasattr(signal, "pidfd_send_signal"):
        return "this system has no process handles (pidfd), so a signal could hit another process"
    if not 0 < pid <= _PID_MAX:
        return f"{pid} is no process id"
    try:
        handle = os.pidfd_open(pid)
    except OSError as error:
        return _why_no_signal(pid, error)
    try:
        if not _has_started(pid, start_ticks):
            return (
                f"pid {pid} is not the process that started at tick {start_ticks}: ended, replaced or hidden"
            )
        signal.pidfd_send_signal(handle, signal.SIGTERM)
    except OSError as error:
        return _why_no_signal(pid, error)
    finally:
        os.close(handle)
    return None


def _why_no_signal(pid: int, error: OSError) -> str:
    if isinstance(error, ProcessLookupError):
        return f"pid {pid} is gone (ESRCH)"
    if isinstance(error, PermissionError):
        return f"pid {pid} belongs to another user (EPERM)"
    return f"pid {pid} can't be signalled safely: {os.strerror(error.errno or 0)}"


def _signal_is_denied(pid: int) -> bool | None:
    """Whether signalling an existing process is denied; None when there is no such process."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        return True
    return False


def _has_started(pid: int, start_ticks: int) -> bool:
    stat = read_stat(pid)
    return stat is not None and not stat.ended and stat.start_ticks == start_ticks


def _inspect(pid: int) -> tuple[ProcessIdentity, bool] | None:
    """Return who a process is and whether it has ended, all read through one handle on /proc/<pid>."""
    if not proc_is_ours():
        return None
    try:
        folder = os.open(f"/proc/{pid}", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        stat = parse_stat(_read("stat", 4096, folder))
        uid = _parse_uid(_read("status", 4096, folder))
        argv = _split_argv(_read("cmdline", _ARGV_BYTES, folder))
    finally:
        os.close(folder)
    if stat is None:
        return None
    ticks = stat.start_ticks
    words = tuple(safe(word) for word in argv)
    return ProcessIdentity(pid, ticks_to_epoch(ticks), ticks, uid, stat.name, words), stat.ended


def _read(path: str, limit: int, folder: int | None = None) -> bytes:
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


def _split_argv(raw: bytes) -> list[str]:
    text = os.fsdecode(raw.rstrip(b"\0"))
    return text.split("\0") if text else []


def _parse_uid(status: bytes) -> int | None:
    found = re.search(rb"^Uid:\t(\d+)", status, re.MULTILINE)
    return int(found[1]) if found else None


def _parse_namespace_pids(status: bytes) -> tuple[int, ...]:
    found = re.search(rb"^NSpid:([\t\d]+)$", status, re.MULTILINE)
    return tuple(int(word) for word in found[1].split()) if found else ()


def _inspect_with_psutil(pid: int) -> tuple[ProcessIdentity, bool] | None:
    import psutil

    try:
        process = psutil.Process(pid)
        return _psutil_identity(process), process.status() == psutil.STATUS_ZOMBIE
    except (psutil.Error, OSError):
        return None


def _psutil_identity(process: psutil.Process) -> ProcessIdentity:
    facts = process.as_dict(["create_time", "uids", "name", "cmdline"], ad_value=None)
    uid = facts["uids"].real if facts["uids"] else None
    argv = tuple(safe(word) for word in facts["cmdline"] or ())
    return ProcessIdentity(process.pid, facts["create_time"], None, uid, safe(facts["name"] or ""), argv)


def _openclaw_with_psutil() -> list[ProcessIdentity]:
    import psutil

    found = []
    for process in psutil.process_iter(["cmdline"]):
        if is_openclaw(process.info["cmdline"] or ()):
            inspected = _inspect_with_psutil(process.pid)
            if inspected is not None:
                found.append(inspected[0])
    return found
