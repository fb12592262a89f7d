"""Locks that were deleted while a process has them open, found again by the name and the directory where they stood.

A path is what a process calls a file: through a bind mount or in a container it is another one. So the directory is
known by its device and inode, asked for in the opener's own mounts.

Their holder goes on writing without noticing (seen on 2026.4.5), also when another lock stands there by now.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from lockdeck.backend.openclaw.roots.environment import real
from lockdeck.backend.system.descriptors import DescriptorScan, Inode, Opener, scan_all
from lockdeck.backend.system.namespaces import shares_our_mounts

_SESSION = ".jsonl.lock"


def deleted_at(path: str, scan: DescriptorScan | None) -> tuple[Opener, ...]:
    """Return who has a deleted file open that stood at this very place; nobody where nothing was scanned.

    Our own reading is no hold; anybody else's open descriptor counts, even a reader's.
    """
    if scan is None:
        return ()
    directory, name = os.path.split(path)
    alike = [
        (former, opener)
        for former, openers in scan.deleted.items()
        if os.path.basename(former) == name
        for opener in openers
        if opener.writable or opener.pid != os.getpid()
    ]
    if not alike:
        return ()
    spot = os.path.join(real(directory), name)
    return tuple(opener for former, opener in alike if _stood_at(spot, former, opener))


def written_at(openers: Iterable[Opener]) -> float | None:
    """Return when the deleted file was last written, epoch seconds: OpenClaw writes a lock once, when it takes it."""
    times = []
    for opener in openers:
        try:
            times.append(os.stat(f"/proc/{opener.pid}/fd/{opener.fd}").st_mtime)
        except OSError:  # closed by now
            continue
    return min(times, default=None)


def deleted_holder(path: str) -> str | None:
    """Say, from a search made now, who has a deleted lock open that stood at `path`; None: nobody is seen."""
    for opener in deleted_at(path, scan_all(())):
        return f"pid {opener.pid} ({opener.name}) has an earlier lock of this name open, which was deleted"
    return None


def parent_of(former: str, opener: Opener) -> Inode | None:
    """Return device and inode of the directory where a deleted file stood, as its opener sees it; None: can't be had."""
    return _inode_of(f"/proc/{opener.pid}/root{os.path.dirname(former)}")


def directory_inode(path: str) -> Inode | None:
    """Return device and inode of a directory of ours; None where there is none."""
    return _inode_of(path)


def _inode_of(path: str) -> Inode | None:
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino


def _stood_at(spot: str, former: str, opener: Opener) -> bool:
    """Return whether a deleted file of the same name stood at `spot`.

    Where its directory can't be had in the opener's mounts any more (unmounted, not readable), the volume decides, and
    for session locks, which are named after a random id, the name.
    """
    if former == spot and shares_our_mounts(opener.pid) is not False:
        return True
    parent, ours = parent_of(former, opener), directory_inode(os.path.dirname(spot))
    if parent is not None and ours is not None:
        return parent == ours
    return former == spot or (spot.endswith(_SESSION) and (ours is None or ours[0] == opener.inode[0]))
