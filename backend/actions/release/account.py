"""The account that a lock's stand-in has to be of, where that is not ours.

OpenClaw asks `kill(pid, 0)` and takes EPERM for dead (seen on 2026.4.5): a stand-in of root would be robbed by the
OpenClaw of any other account. So root lets it be a process and a file of the owner that the user vouches for.
"""

from __future__ import annotations

import errno
import os
import stat

from msgspec import Struct

from lockdeck.backend.model.trust import ROOT_UID
from lockdeck.backend.system.folders import ForeignFolderError


class LockAccount(Struct, frozen=True):
    """The uid and gid of a lock file, and of the process that stands in for its holder."""

    uid: int
    gid: int


def account_for(
    lock: os.stat_result, directory: os.stat_result, owners: frozenset[int]
) -> LockAccount | None:
    """Return the account whose OpenClaw has to believe the stand-in; None: ours does.

    `owners`: uids that the user vouches for. Raises ForeignFolderError where there is no one such account.
    """
    fault = account_fault(lock.st_uid, directory.st_uid, owners)
    if fault is not None:
        raise ForeignFolderError(fault)
    if os.geteuid() != ROOT_UID:
        return None
    status = directory if lock.st_uid == ROOT_UID else lock
    return None if status.st_uid == ROOT_UID else LockAccount(status.st_uid, status.st_gid)


def account_fault(lock: int | None, directory: int, owners: frozenset[int]) -> str | None:
    """Say why root can't stand in for a lock, from the uids of lock and directory; None where it can, or is not asked."""
    if os.geteuid() != ROOT_UID:
        return None
    others = {uid for uid in (lock, directory) if uid not in (None, ROOT_UID)}
    if len(others) > 1:
        return (
            f"the lock belongs to uid {lock} and its directory to uid {directory}: no one process is taken for alive "
            "by the OpenClaw of both"
        )
    return next((f"nobody vouches for uid {uid}" for uid in others - owners), None)


def give_to(fd: int, account: LockAccount, mode: int) -> None:
    """Give a file that we have just made to an account. Raises OSError, also where it is not that file."""
    ours = os.fstat(fd)
    if not stat.S_ISREG(ours.st_mode) or ours.st_nlink != 1 or ours.st_uid != os.geteuid():
        raise PermissionError(errno.EPERM, "this is not the file that was made")
    os.fchown(fd, account.uid, account.gid)
    os.fchmod(fd, mode & 0o777)
