"""Bring a lock's name and our folder back into order after a swap, whether it was done, lost a race, failed or was cut off.

`restore` needs to know nothing but what stands where: it may be killed itself and run again.  Afterwards the
lock is either at its name as before or released, nobody's lock is displaced, and nothing of ours is left.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
from collections.abc import Callable, Mapping
from contextlib import suppress

from msgspec import Struct

from lockdeck.backend.actions.journal_chain import Entry
from lockdeck.backend.actions.release.proof import Search
from lockdeck.backend.actions.release.quarantine import keep, quarantined_lock
from lockdeck.backend.actions.release.site import (
    DRAFT,
    LOCK,
    SLOT,
    FileKind,
    Site,
    is_file,
    kind_at,
    mark_name,
    opened,
    read_all,
)
from lockdeck.backend.actions.release.swap import freeze, thaw, thaw_with, was_taken
from lockdeck.backend.openclaw.locks.examination import SETTLE_S
from lockdeck.backend.openclaw.locks.lockfile import work_folder_name
from lockdeck.backend.system.text import safe

Wait = Callable[[float], object]


class Restoration(Struct, frozen=True):
    """The result of `restore`.

    `released`: the original lock is off its name for good; `quarantined` is where it is now.  `displaced` names
    locks that somebody holds and that have no name to go back to, because a newer lock stands there: they stay
    in our folder until they are let go.
    """

    released: bool
    quarantined: str | None
    displaced: tuple[str, ...]
    sentences: tuple[str, ...]


def restore(site: Site, begin: Entry, state: str, search: Search, wait: Wait) -> Restoration:
    """Bring name and folder of one action into order; `begin` is its begin entry, `state` lockdeck's folder.

    Raises OSError; it can then be run again.
    """
    results = [_put_right(site, search)]
    results.append(_finish_removal(site, begin, search, wait))
    quarantined, displaced = _sweep(site, begin, state, search)
    if not displaced:
        results.append(_remove_folder(site))
        site.step("folder removed")
    originals = [path for path, original in quarantined if original]
    earlier = quarantined_lock(state, site.action)
    originals += [earlier] if earlier and not originals else []
    results += [f"{name} is held by somebody, and a newer lock stands at its name" for name in displaced]
    sentences = tuple(sentence for sentence in results if sentence)
    return Restoration(bool(originals), originals[0] if originals else None, displaced, sentences)


def _put_right(site: Site, search: Search) -> str | None:
    """See to it that the lock's name holds what it should: never a stand-in, never our directory."""
    taken_out = kind_at(site, site.work_folder, LOCK) is FileKind.LOCK
    at_name = kind_at(site, site.directory, site.name)
    if at_name is FileKind.DIRECTORY:
        frozen = kind_at(site, site.work_folder, SLOT)
    elif at_name is FileKind.STAND_IN or (
        at_name is FileKind.NOTHING and taken_out and _is_held(site.work_folder, LOCK, search)
    ):
        _ensure_slot(site)
        frozen = freeze(site)
        site.step("frozen")
    else:
        return None
    if frozen is FileKind.LOCK:
        thaw_with(site, SLOT)
        return "a newer lock stands at the name"
    if taken_out:
        thaw_with(site, LOCK)
        return "the lock that was taken out stands at its name again"
    thaw(site)
    return "our stand-in is off the name"


def _ensure_slot(site: Site) -> None:
    """Have an empty directory in slot, whatever an interrupted run left there."""
    kind = kind_at(site, site.work_folder, SLOT)
    if kind is FileKind.DIRECTORY:
        return
    if kind is not FileKind.NOTHING:
        spare = f"aside-{secrets.token_hex(4)}"
        os.rename(SLOT, spare, src_dir_fd=site.work_folder, dst_dir_fd=site.work_folder)
        site.step("slot cleared")
    os.mkdir(SLOT, 0o700, dir_fd=site.work_folder)
    site.step("slot made")


def _finish_removal(site: Site, begin: Entry, search: Search, wait: Wait) -> str | None:
    """Remove the lock at the name when its holder let go of it while it was displaced.

    That holder deleted by path, or compared and deleted nothing: either way it believes the lock gone.
    """
    if not was_taken(site):
        return None
    with opened(site.directory, site.name) as fd:
        if fd is None or is_original(fd, begin) or search(fd) is not None:
            return None
        # It closes its lock before it removes it.
        wait(SETTLE_S)
        if not is_file(site.directory, site.name, fd) or search(fd) is not None:
            return None
        _ensure_slot(site)
        frozen = freeze(site)
        site.step("frozen")
        if frozen is FileKind.LOCK and not (is_file(site.work_folder, SLOT, fd) and search(fd) is None):
            thaw_with(site, SLOT)
            return None
        thaw(site)
        return "its holder had let go meanwhile: the lock was removed for it"


def _sweep(
    site: Site, begin: Entry, state: str, search: Search
) -> tuple[list[tuple[str, bool]], tuple[str, ...]]:
    """Empty our folder: what is ours is deleted, locks that nobody holds go to the quarantine.

    Returns the locks in quarantine, each with whether it is the original, and those that somebody holds.
    """
    quarantined: list[tuple[str, bool]] = []
    displaced: list[str] = []
    for name in sorted(os.listdir(site.work_folder)):
        if site.shared and name == mark_name(site.action):
            continue  # it goes last
        kind = kind_at(site, site.work_folder, name)
        if kind is FileKind.DIRECTORY:
            os.rmdir(name, dir_fd=site.work_folder)
        elif kind is FileKind.STAND_IN or name == DRAFT:
            os.unlink(name, dir_fd=site.work_folder)
        elif _is_held(site.work_folder, name, search):
            displaced.append(f"{work_folder_name(site.action)}/{name}")
        else:
            original = _holds_original(site.work_folder, name, begin)
            evidence = {**begin, "original": original}
            quarantined.append(
                (keep(state, site.work_folder, name, evidence, as_it_was=site.shared), original)
            )
        site.step(f"swept {name}")
    return quarantined, tuple(displaced)


def _remove_folder(site: Site) -> str | None:
    """Remove our folder, which is empty; where another account may have moved it away, only what is ours."""
    name = work_folder_name(site.action)
    if site.shared:
        with suppress(FileNotFoundError):
            os.unlink(mark_name(site.action), dir_fd=site.work_folder)
        if not is_file(site.directory, name, site.work_folder):
            return "our folder was moved away meanwhile: it is empty, and left to whoever did that"
    os.rmdir(name, dir_fd=site.directory)
    return None


def is_original(fd: int, begin: Entry) -> bool:
    """Return whether an open file is the very lock that the begin entry names: same inode, same bytes."""
    original, status = begin.get("original"), os.fstat(fd)
    if not isinstance(original, Mapping):
        return False
    same = (original.get("dev"), original.get("ino")) == (status.st_dev, status.st_ino)
    return same and original.get("sha256") == hashlib.sha256(read_all(fd)).hexdigest()


def _holds_original(folder: int, name: str, begin: Entry) -> bool:
    with opened(folder, name) as fd:
        return fd is not None and is_original(fd, begin)


def _is_held(folder: int, name: str, search: Search) -> bool:
    """Return whether somebody holds a file; one that can't be opened may be held, what is no file can't."""
    with opened(folder, name) as fd:
        if fd is not None:
            return search(fd) is not None
    try:
        return stat.S_ISREG(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
    except FileNotFoundError:
        return False


def half_done(site: Site, error: OSError) -> str:
    """Say where everything is after `restore` has failed, as far as that can be seen, and the way out."""
    try:
        state = _AT_NAME[kind_at(site, site.directory, site.name)]
    except OSError as unseen:
        state = f"what stands at the lock's name can't be seen ({safe(unseen.strerror or unseen)})"
    folder = os.path.join(os.path.dirname(site.path), work_folder_name(site.action))
    return (
        f"{state}, and what was taken out of it is in {safe(folder)} or in the quarantine: it could not be put in "
        f"order ({safe(error)}); lockdeck's watchman tries again at once, and `lockdeck journal` later"
    )


_AT_NAME = {
    FileKind.NOTHING: "the lock's name is free",
    FileKind.LOCK: "a lock stands at the name",
    FileKind.STAND_IN: "our stand-in stands at the lock's name",
    FileKind.DIRECTORY: "our directory stands at the lock's name",
}
