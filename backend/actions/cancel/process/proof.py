"""The proof that a process holds what is to be ended: without it no signal is sent to it and no supervisor asked.

A lock names a process, and anybody who may write the lock may name any.  So the process itself is looked at: it has the
lock open, or listens on the very port that is asked; it belongs to the owner of that, and to our own pid namespace.
"""

from __future__ import annotations

import os
import stat

from msgspec import Struct

from lockdeck.backend.system.descriptors import Inode, scan_pids
from lockdeck.backend.system.namespaces import pid_namespace
from lockdeck.backend.system.ownership import account
from lockdeck.backend.system.procfs import has_started, read_stat, real_uid
from lockdeck.backend.system.sockets import listeners
from lockdeck.backend.system.suspension import suspension_of
from lockdeck.backend.system.text import safe


class Claim(Struct, frozen=True):
    """The claim that a process, by pid and start time (clock ticks since boot), holds a session of a root.

    It has one of the locks at `paths` open, or listens on `port`. `own_namespace`: the user vouches that all processes
    of the root share our pid namespace, which counts where that can't be seen.
    """

    pid: int
    ticks: int | None
    root: str
    paths: tuple[str, ...] = ()
    port: int | None = None
    own_namespace: bool = False


def missing_proof(claim: Claim) -> tuple[str, ...]:
    """Look afresh and say in sentences what is not proven; empty: all is."""
    pid = claim.pid
    if claim.ticks is None or not has_started(pid, claim.ticks):
        gone = read_stat(pid) is None
        why = "is not to be seen here" if gone else "is not the process that started then"
        return (f"pid {pid} {why}, so it gets no signal",)
    owner, holding = _owner_of_what_it_holds(claim)
    reasons = []
    if owner is None:
        reasons.append(f"pid {pid} {holding}: it is not proven to hold the session, so it gets no signal")
    else:
        uid = real_uid(pid)
        if uid != owner:
            whose = "nobody knows whom" if uid is None else account(uid)
            reasons.append(
                f"pid {pid} belongs to {whose}, and {holding} to {account(owner)}: it gets no signal"
            )
    space = pid_namespace(pid)
    if space != pid_namespace("self") and not (space is None and claim.own_namespace):
        reasons.append(f"pid {pid} is not seen to be in our own pid namespace, so it gets no signal")
    return tuple(reasons)


def why_no_signal(claim: Claim) -> str | None:
    """Say right before a signal why it must not be sent; None where all is proven and the process can hear it."""
    reasons = missing_proof(claim)
    return "; ".join(reasons) if reasons else why_deaf(claim.pid)


def why_deaf(pid: int) -> str | None:
    """Say that a process is stopped, and what wakes it; None where it is not."""
    suspension = suspension_of(pid)
    return None if suspension is None else f"{suspension}; until then it takes no SIGTERM and answers no call"


def _owner_of_what_it_holds(claim: Claim) -> tuple[int | None, str]:
    """Return the owner of the lock or the root that the process provably has, and what that is; or what it has not."""
    locks = {inode: (path, uid) for path in claim.paths for inode, uid in _file_at(path)}
    scan = scan_pids([claim.pid], locks)
    for inode, openers in scan.openers.items():
        # Who only reads it, a pager or a backup, holds nothing.
        if any(opener.writable and not opener.deleted for opener in openers):
            path, uid = locks[inode]
            return uid, safe(path, 4096)
    if claim.port is not None and listeners(claim.port, [claim.pid]):
        try:
            return os.stat(claim.root).st_uid, f"the root whose port {claim.port} it serves"
        except OSError:
            pass
    if scan.denied or not scan.supported:
        return None, "does not let us see what it has open"
    names = ", ".join(safe(os.path.basename(path), 120) for path in claim.paths) or "no lock"
    return None, f"has none of its locks open ({names})" + (
        "" if claim.port is None else f" and does not listen on port {claim.port}"
    )


def _file_at(path: str) -> list[tuple[Inode, int]]:
    try:
        status = os.lstat(path)
    except (OSError, ValueError):
        return []
    return [((status.st_dev, status.st_ino), status.st_uid)] if stat.S_ISREG(status.st_mode) else []
