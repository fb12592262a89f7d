"""The swap: take a lock's name behind a stand-in, check what came out, and give the name back without a gap.

`freeze` puts an empty directory at the lock's name.  A directory can't be taken, replaced or deleted by
anything that handles lock files (O_EXCL says it exists, unlink and fs.rm refuse it), and rmdir can't delete a
lock: so while a name is frozen nobody but us can change it, and what is decided then is true when it is done.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable

from lockdeck.backend.actions.release.account import give_to
from lockdeck.backend.actions.release.proof import Search
from lockdeck.backend.actions.release.records import Status
from lockdeck.backend.actions.release.site import DRAFT, LOCK, SLOT, FileKind, Site, is_file, kind_at
from lockdeck.backend.model.locks import LockIdentity
from lockdeck.backend.openclaw.locks.deleted import deleted_holder
from lockdeck.backend.system.exchange import ExchangeUnsupported, exchange, rename_noreplace
from lockdeck.backend.system.text import safe

DRAIN_S = 0.25
"""How long the stand-in keeps the name after the proof: an OpenClaw up to 2026.5.7 that judged the old lock
stale a moment ago deletes by path whatever stands there, and must hit the stand-in, not the next lock."""
_TRIES = 1000


def swap_out(
    site: Site,
    payload: bytes,
    pin: int,
    identity: LockIdentity,
    search: Search,
    drain: Callable[[], object],
) -> tuple[Status, str] | None:
    """Take the lock out, verify it and free its name; otherwise say why not and leave the rest to `restore`.

    `payload` is the stand-in's lock, `pin` our descriptor of the lock that was proven. `drain` waits until nobody can
    act any more on a judgement of the lock that stood there.
    """
    try:
        furnish(site, payload, stat.S_IMODE(os.fstat(pin).st_mode))
        if not is_file(site.directory, site.name, pin):
            return Status.REFUSED, "the lock changed while the release was prepared"
        take(site)
        problem = _verify(site, pin, identity, search)
        if problem is not None:
            return Status.REFUSED, f"lost the race, nothing released: {problem}"
        drain()
        vacate(site)
    except ExchangeUnsupported as error:
        return Status.REFUSED, f"the file system can't swap two names atomically: {safe(error.strerror)}"
    except FileNotFoundError:
        return Status.REFUSED, "the lock is gone from its name: somebody removed it meanwhile"
    except OSError as error:
        return Status.FAILED, f"{type(error).__name__}: {safe(error)}"
    return None


def furnish(site: Site, payload: bytes, mode: int = 0o644) -> None:
    """Put the stand-in's lock and the empty directory in place, and try out every swap that will be needed.

    A stand-in of another account gets the `mode` of the lock. Raises ExchangeUnsupported where the file system can't do
    the swaps; the lock has not been touched then.
    """
    os.mkdir(SLOT, 0o700, dir_fd=site.work_folder)
    site.step("slot made")
    # Readable like OpenClaw's own locks, or its processes of another uid would call it unreadable.
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    draft = os.open(DRAFT, flags, 0o644, dir_fd=site.work_folder)
    try:
        site.step("draft made")
        os.write(draft, payload)
        if site.account is not None:
            give_to(draft, site.account, mode)
    finally:
        os.close(draft)
    site.step("draft written")
    for _ in range(2):
        exchange(site.work_folder, DRAFT, site.work_folder, SLOT)
        site.step("swap tried")
    os.rename(DRAFT, LOCK, src_dir_fd=site.work_folder, dst_dir_fd=site.work_folder)
    site.step("stand-in made")


def take(site: Site) -> None:
    """Swap the stand-in's lock with what stands at the name; FileNotFoundError when nothing does."""
    exchange(site.directory, site.name, site.work_folder, LOCK)
    site.step("taken")


def was_taken(site: Site) -> bool:
    """Return whether `take` has happened: then `lock` is no longer the stand-in's."""
    return kind_at(site, site.work_folder, LOCK) in (FileKind.LOCK, FileKind.DIRECTORY)


def _verify(site: Site, pin: int, identity: LockIdentity, search: Search) -> str | None:
    """Say what is wrong with what came out.

    None: it is the pinned lock, unchanged, nobody holds it, and nobody holds an earlier one of its name.
    """
    if not is_file(site.work_folder, LOCK, pin):
        return "another lock had taken its place"
    if not identity.has_bytes(os.pread(pin, identity.size + 1, 0)):
        return "its bytes have changed"
    return search(pin) or deleted_holder(site.path)


def vacate(site: Site) -> bool:
    """Remove the stand-in from the name; False when a newer lock stood there, which then stands there again."""
    kind = freeze(site)
    if kind is FileKind.LOCK:
        site.step("frozen over a newer lock")
        thaw_with(site, SLOT)
        return False
    site.step("frozen")
    thaw(site)
    return True


def freeze(site: Site) -> FileKind:
    """Put the empty directory at the name and say what stood there: NOTHING, STAND_IN or LOCK (now in slot).

    Where that can't be told it goes back to its name. Raises OSError then.
    """
    for _ in range(_TRIES):
        try:
            exchange(site.directory, site.name, site.work_folder, SLOT)
        except FileNotFoundError:
            try:
                rename_noreplace(site.work_folder, SLOT, site.directory, site.name)
            except FileExistsError:
                continue
        try:
            return kind_at(site, site.work_folder, SLOT)
        except OSError:
            thaw_with(site, SLOT)
            raise
    raise FileExistsError(f"{site.name} comes and goes too fast")


def thaw(site: Site) -> None:
    """Leave a frozen name vacant."""
    os.rmdir(site.name, dir_fd=site.directory)
    site.step("vacated")


def thaw_with(site: Site, file: str) -> None:
    """Give a frozen name a file of our folder; the directory takes its place there."""
    exchange(site.directory, site.name, site.work_folder, file)
    site.step(f"put back {file}")
