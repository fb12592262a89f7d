"""The identity of a process: pid plus start time, real uid, argv.

On Linux everything comes from /proc (bounded reads through one handle on /proc/<pid>, so that no answer
mixes two processes); elsewhere from psutil, which is imported only then and for `details`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from msgspec import Struct

from lockdeck.backend.model.locks import Liveness
from lockdeck.backend.system.procfs import (
    LINUX,
    PID_MAX,
    has_started,
    list_pids,
    parse_stat,
    parse_uid,
    proc_is_ours,
    read_file,
    ticks_to_epoch,
    visible_pids,
)
from lockdeck.backend.system.text import SafeText, safe

if TYPE_CHECKING:
    from collections.abc import Sequence

    import psutil

_ARGV_BYTES = 8192
_RUNTIMES = ("node", "bun", "deno", "electron", "openclaw", "clawdbot", "moltbot")
"""What the programs begin with that can be an OpenClaw: a runtime, or one that was packed with its runtime."""


class ProcessIdentity(Struct, frozen=True):
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


class ProcessLook(Struct, frozen=True):
    """One look at a pid.  `denied`: it exists but may not be signalled by us (EPERM), so it is not ours."""

    pid: int
    liveness: Liveness
    identity: ProcessIdentity | None
    denied: bool


class ProcessDetails(Struct, frozen=True):
    """The figures of a process that a person looks at.  `cpu_percent` is the average since its start, of one core."""

    pid: int
    ppid: int | None
    cpu_percent: float | None
    rss: int | None
    threads: int | None
    children: int
    argv: tuple[SafeText, ...]
    cwd: SafeText | None


def look(pid: int) -> ProcessLook:
    """Say whether a pid is alive and who it is.  Never raises; costs some 50 microseconds on Linux.

    ESRCH is gone; EPERM is alive and denied (OpenClaw itself calls that dead, seen on 2026.4.5).  A number
    that only a thread bears counts as alive, as kill(2) says; its start time tells that it is another.
    """
    if not 0 < pid <= PID_MAX:
        return ProcessLook(pid, Liveness.GONE, None, denied=False)
    denied = _signal_is_denied(pid)
    if denied is None:
        return ProcessLook(pid, Liveness.GONE, None, denied=False)
    inspected = _inspect(pid) if LINUX else _inspect_with_psutil(pid)
    if inspected is None:
        alive = _signal_is_denied(pid) is not None
        return ProcessLook(pid, Liveness.ALIVE if alive else Liveness.GONE, None, denied and alive)
    identity, ended = inspected
    return ProcessLook(pid, Liveness.ZOMBIE if ended else Liveness.ALIVE, identity, denied)


def details(pid: int, start_ticks: int | None, now: float) -> ProcessDetails | None:
    """Return cpu, memory and family of a process; None when it is gone or another process by now.

    `start_ticks` is the start time that the pid must have (None: not checked, for systems without it);
    `now` is epoch seconds.  What may not be read is None.
    """
    import psutil

    attributes = ["ppid", "cpu_times", "create_time", "memory_info", "num_threads", "cmdline", "cwd"]
    try:
        process = psutil.Process(pid)
        facts = process.as_dict(attributes, ad_value=None)
        children = len(process.children())
    except (psutil.Error, OSError, ValueError, OverflowError):
        return None
    if start_ticks is not None and not has_started(pid, start_ticks):
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


def may_run_openclaw(pid: int) -> bool:
    """Return False only where the program of a process is proven to be no JavaScript runtime, which OpenClaw needs."""
    if not LINUX:
        return True
    try:
        program = os.path.basename(os.readlink(f"/proc/{pid}/exe").removesuffix(" (deleted)"))
    except (OSError, ValueError):
        return True
    return not program or program.startswith(_RUNTIMES)


def openclaw_processes() -> list[ProcessIdentity]:
    """Return every visible process that looks like an OpenClaw gateway or command line.

    A running gateway's argv is only `openclaw-gateway`, for it rewrites its title (seen on 2026.4.5); a
    command line is `openclaw …` or `node …/openclaw.mjs …`.  A hint for people, never a proof.
    """
    identities = []
    for pid in visible_pids() if LINUX else list_pids():
        if is_openclaw(_argv(pid)):
            inspected = _inspect(pid) if LINUX else _inspect_with_psutil(pid)
            if inspected is not None:
                identities.append(inspected[0])
    return identities


def is_openclaw(argv: Sequence[str]) -> bool:
    """Return whether an argv looks like OpenClaw's: by its own name, or by the script an interpreter runs."""
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


def _signal_is_denied(pid: int) -> bool | None:
    """Return whether signalling an existing process is denied; None when there is no such process."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        return True
    return False


def _inspect(pid: int) -> tuple[ProcessIdentity, bool] | None:
    """Return who a process is and whether it has ended, all read through one handle on /proc/<pid>."""
    if not proc_is_ours():
        return None
    try:
        folder = os.open(f"/proc/{pid}", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        stat = parse_stat(read_file("stat", 4096, folder))
        uid = parse_uid(read_file("status", 4096, folder))
        argv = _split_argv(read_file("cmdline", _ARGV_BYTES, folder))
    finally:
        os.close(folder)
    if stat is None:
        return None
    ticks = stat.start_ticks
    words = tuple(safe(word) for word in argv)
    return ProcessIdentity(pid, ticks_to_epoch(ticks), ticks, uid, stat.name, words), stat.ended


def _argv(pid: int) -> list[str]:
    if LINUX:
        return _split_argv(read_file(f"/proc/{pid}/cmdline", _ARGV_BYTES))
    import psutil

    try:
        return psutil.Process(pid).cmdline()
    except (psutil.Error, OSError):
        return []


def _split_argv(raw: bytes) -> list[str]:
    text = os.fsdecode(raw.rstrip(b"\0"))
    return text.split("\0") if text else []


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
