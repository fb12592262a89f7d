"""Taking a lock's name and giving it back without a gap.

All of ours lives in a hidden folder beside the lock, `.lockdeck-<action>`: same file system, no name that
OpenClaw, its doctor or a dashboard counts.  It holds:

    lock   the stand-in's lock; after `take`, the lock that stood at the name
    draft  the stand-in's lock before it is ready
    slot   an empty directory; after `freeze`, what stood at the name then, if anything

`freeze` puts the empty directory at the lock's name.  A directory can't be taken, replaced or deleted by
anything that handles lock files (O_EXCL says it exists, unlink and fs.rm refuse it), and rmdir can't delete a
lock: so while a name is frozen nobody but us can change it, and what is decided then is true when it is done.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum

from msgspec import Struct

from lockdeck.backend.actions.release.standin import is_lock_of
from lockdeck.backend.openclaw.locks.lockfile import shop_name
from lockdeck.backend.system.exchange import exchange, rename_noreplace

LOCK = "lock"
SLOT = "slot"
DRAFT = "draft"
_TRIES = 1000
_PAYLOAD_LIMIT = 65536
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

Step = Callable[[str], None]
"""Called with a name between any two system calls that change something: where tests kill us."""


class Kind(StrEnum):
    """What stands at a name."""

    NOTHING = "nothing"
    STAND_IN = "stand-in"
    DIRECTORY = "directory"
    LOCK = "lock"


class Site(Struct, frozen=True):
    """An open sessions directory, our folder in it, and the lock's name. `path` is for messages."""

    path: str
    folder: int
    shop: int
    name: str
    action: str
    step: Step


@contextmanager
def open_site(path: str, action: str, step: Step) -> Iterator[Site]:
    """Open the folder of an action; FileNotFoundError when it (or the sessions directory) is not there."""
    directory, name = os.path.split(path)
    folder = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        shop = os.open(shop_name(action), _DIRECTORY, dir_fd=folder)
        try:
            yield Site(path, folder, shop, name, action, step)
        finally:
            os.close(shop)
    finally:
        os.close(folder)


def make_shop(path: str, action: str) -> None:
    """Make the folder of an action; FileExistsError when it is there."""
    os.mkdir(os.path.join(os.path.dirname(path), shop_name(action)), 0o700)


def furnish(site: Site, payload: bytes) -> None:
    """Put the stand-in's lock and the empty directory in place, and try out every swap that will be needed.

    Raises ExchangeUnsupported where the file system can't do them; the lock has not been touched then.
    """
    os.mkdir(SLOT, 0o700, dir_fd=site.shop)
    site.step("slot made")
    # Readable like OpenClaw's own locks, or its processes of another uid would call it unreadable.
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    draft = os.open(DRAFT, flags, 0o644, dir_fd=site.shop)
    try:
        site.step("draft made")
        os.write(draft, payload)
    finally:
        os.close(draft)
    site.step("draft written")
    for _ in range(2):
        exchange(site.shop, DRAFT, site.shop, SLOT)
        site.step("swap tried")
    os.rename(DRAFT, LOCK, src_dir_fd=site.shop, dst_dir_fd=site.shop)
    site.step("stand-in made")


def was_taken(site: Site) -> bool:
    """Whether `take` has happened: then `lock` is no longer the stand-in's."""
    return kind_at(site, site.shop, LOCK) in (Kind.LOCK, Kind.DIRECTORY)


def take(site: Site) -> None:
    """Swap the stand-in's lock with what stands at the name; FileNotFoundError when nothing does."""
    exchange(site.folder, site.name, site.shop, LOCK)
    site.step("taken")


def freeze(site: Site) -> Kind:
    """Put the empty directory at the name and say what stood there: NOTHING, STAND_IN or LOCK (now in slot)."""
    for _ in range(_TRIES):
        try:
            exchange(site.folder, site.name, site.shop, SLOT)
        except FileNotFoundError:
            try:
                rename_noreplace(site.shop, SLOT, site.folder, site.name)
            except FileExistsError:
                continue
        return kind_at(site, site.shop, SLOT)
    raise FileExistsError(f"{site.name} comes and goes too fast")


def thaw(site: Site) -> None:
    """Leave a frozen name vacant."""
    os.rmdir(site.name, dir_fd=site.folder)
    site.step("vacated")


def thaw_with(site: Site, what: str) -> None:
    """Give a frozen name the file `what` of our folder; the directory takes its place there."""
    exchange(site.folder, site.name, site.shop, what)
    site.step(f"put back {what}")


def vacate(site: Site) -> bool:
    """Remove the stand-in from the name; False when a newer lock stood there, which then stands there again."""
    found = freeze(site)
    if found is Kind.LOCK:
        site.step("frozen over a newer lock")
        thaw_with(site, SLOT)
        return False
    site.step("frozen")
    thaw(site)
    return True


def kind_at(site: Site, folder: int, name: str) -> Kind:
    """Say what stands at a name; whatever is neither ours nor a directory counts as a lock."""
    while True:
        try:
            found = os.stat(name, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            return Kind.NOTHING
        if stat.S_ISDIR(found.st_mode):
            return Kind.DIRECTORY
        with opened(folder, name) as fd:
            if fd is not None:
                return Kind.STAND_IN if is_lock_of(read_all(fd), site.action) else Kind.LOCK
        if _stands(folder, name, found):
            return Kind.LOCK
        # What stood there a moment ago has gone: look again, for nothing may stand there now.


def _stands(folder: int, name: str, found: os.stat_result) -> bool:
    try:
        return os.path.samestat(os.stat(name, dir_fd=folder, follow_symlinks=False), found)
    except FileNotFoundError:
        return False


@contextmanager
def opened(folder: int, name: str) -> Iterator[int | None]:
    """Open a regular file for reading; None when there is none or it may not be read."""
    try:
        fd = os.open(name, _FILE, dir_fd=folder)
    except OSError:
        yield None
        return
    try:
        yield fd if stat.S_ISREG(os.fstat(fd).st_mode) else None
    finally:
        os.close(fd)


def read_all(fd: int) -> bytes:
    """Return the bytes of an open lock file, at most 64 KiB and one byte of it."""
    return os.pread(fd, _PAYLOAD_LIMIT + 1, 0)


def is_file(folder: int, name: str, fd: int) -> bool:
    """Whether the file at a name is the open one."""
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return os.path.samestat(found, os.fstat(fd))
