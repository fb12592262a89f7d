"""Locks that were deleted while a process has them open, found again by the path where they stood.

Their holder goes on writing without noticing (seen on 2026.4.5), also when another lock stands there by now.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from lockdeck.backend.openclaw.roots.environment import real
from lockdeck.backend.system.descriptors import DescriptorScan, Opener, scan_all
from lockdeck.backend.system.namespaces import shares_our_mounts


def deleted_at(path: str, scan: DescriptorScan | None) -> tuple[Opener, ...]:
    """Return who has a deleted file open that stood at this very path; nobody where nothing was scanned.

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


def _stood_at(spot: str, former: str, opener: Opener) -> bool:
    """Return whether a deleted file stood at `spot`, by the path that its opener's own mounts give it.

    A container may call another place the same, and this one differently: there the volume decides, and for
    session locks, which are named after a random id, the name.
    """
    if shares_our_mounts(opener.pid) is not False:
        return former == spot
    try:
        device = os.stat(os.path.dirname(spot)).st_dev
    except (OSError, ValueError):
        return former == spot
    return opener.inode[0] == device and (former == spot or spot.endswith(".jsonl.lock"))
