"""Putting right what a release left behind, whether it lost a race, failed, or was killed half-way.

`restore` needs to know nothing but what stands where: it may be killed itself and run again.  Afterwards the
lock is either at its name as before or released, nobody's lock is displaced, and nothing of ours is left.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec import Struct

from lockdeck.backend.actions.journal import Journal
from lockdeck.backend.actions.journal_chain import Entry
from lockdeck.backend.actions.release.proof import Search, holder_of
from lockdeck.backend.actions.release.quarantine import keep, kept_of
from lockdeck.backend.actions.release.swap import (
    DRAFT,
    LOCK,
    SLOT,
    Kind,
    Site,
    Step,
    freeze,
    is_file,
    kind_at,
    open_site,
    opened,
    read_all,
    thaw,
    thaw_with,
    was_taken,
)
from lockdeck.backend.actions.turns import NotOurTurnError, turn
from lockdeck.backend.openclaw.locks.lockfile import shop_name
from lockdeck.backend.system.text import safe

BEGIN = "release-begin"
ENDS = frozenset({"released", "refused", "failed", "recovered"})
SETTLE_S = 0.2
"""A holder closes its lock before it removes it: how long a lock may look let go before it counts so."""


class Restoration(Struct, frozen=True):
    """What `restore` found and did.

    `released`: the original lock is off its name for good; `kept` is where it is now.  `left` names locks
    that somebody holds and that have no name to go back to, because a newer lock stands there: they stay in
    our folder until they are let go.
    """

    released: bool
    kept: str | None
    left: tuple[str, ...]
    sentences: tuple[str, ...]


def no_step(name: str) -> None:
    """Do nothing between two system calls."""


def recover(
    journal: Journal,
    *,
    search: Search = holder_of,
    wait: Callable[[float], object] = time.sleep,
    step: Step = no_step,
    turn_s: float = 0.0,
) -> list[str]:
    """Restore every release that was begun and not ended; what was done, as sentences.

    Cheap when there is nothing to do.  A release that another lockdeck is just doing is left to it (after
    waiting `turn_s` seconds for its end).  Raises OSError when the journal can't be read or written.
    """
    told: list[str] = []
    for begun in unfinished(journal.walk()):
        path = str(begun.get("path"))
        try:
            with turn(journal.folder, os.path.dirname(path), turn_s):
                # It may have been ended while we waited for our turn.
                if any(entry["action"] == begun["action"] for entry in unfinished(journal.walk())):
                    told.append(_recover_one(journal, begun, search, wait, step))
        except NotOurTurnError:
            told.append(f"another lockdeck is at work on {safe(path)}")
        except ValueError as error:  # what the entry names can't be a path
            told.append(f"{safe(path)}: an interrupted release could not be put right: {safe(error)}")
    return told


def recover_journal(path: str) -> None:
    """Recover after the lockdeck that we stood in for has died; waits until its locks are gone."""
    recover(Journal(path), turn_s=30.0)


def unfinished(entries: Iterable[Entry]) -> list[Entry]:
    """Return the begin entries that no later entry ends, oldest first."""
    begun: dict[str, Entry] = {}
    for entry in entries:
        action = entry.get("action")
        if not isinstance(action, str) or not action.isalnum() or not isinstance(entry.get("kind"), str):
            continue
        if entry.get("kind") == BEGIN and isinstance(entry.get("path"), str):
            begun[action] = entry
        elif entry.get("kind") in ENDS:
            begun.pop(action, None)
    return list(begun.values())


def _recover_one(
    journal: Journal, begun: Entry, search: Search, wait: Callable[[float], object], step: Step
) -> str:
    path, action = begun["path"], begun["action"]
    try:
        with open_site(path, action, step) as site:
            restored = restore(site, begun, journal.folder, search, wait)
    except OSError as error:
        # Only our folder tells by its absence; a sessions directory may be away for a while (a home not mounted).
        if not (isinstance(error, FileNotFoundError) and error.filename == shop_name(action)):
            return f"{safe(path)}: an interrupted release could not be put right: {safe(error)}"
        kept = kept_of(journal.folder, action)
        done = (
            "an interrupted release was done"
            if kept
            else "an interrupted release had changed nothing, or was done"
        )
        return _journaled(journal, begun, done, kept)
    ended = "the lock is off its name" if restored.released else "all is as before"
    sentence = "; ".join(restored.sentences or (ended,))
    return (
        f"{safe(path)}: {sentence}" if restored.left else _journaled(journal, begun, sentence, restored.kept)
    )


def _journaled(journal: Journal, begun: Entry, sentence: str, kept: str | None) -> str:
    """Journal the end of an action and return it as a sentence; what was done is told in any case."""
    told = f"{safe(begun['path'])}: {sentence}"
    try:
        journal.append(
            "recovered", action=begun["action"], path=begun["path"], result=sentence, quarantined=kept
        )
    except OSError as error:
        return f"{told}; this can't be journaled: {safe(error)}"
    return told


def restore(
    site: Site, begun: Entry, state: str, search: Search, wait: Callable[[float], object]
) -> Restoration:
    """Bring name and folder of one action into order; `begun` is its begin entry, `state` lockdeck's folder.

    Raises OSError; it can then be run again.
    """
    told = [_put_right(site, search)]
    told.append(_finish_removal(site, begun, search, wait))
    kept, left = _sweep(site, begun, state, search)
    if not left:
        os.rmdir(shop_name(site.action), dir_fd=site.folder)
        site.step("folder removed")
    places = [place for place, original in kept if original]
    earlier = kept_of(state, site.action)
    places += [earlier] if earlier and not places else []
    told += [f"{name} is held by somebody, and a newer lock stands at its name" for name in left]
    sentences = tuple(sentence for sentence in told if sentence)
    return Restoration(bool(places), places[0] if places else None, left, sentences)


def half_done(site: Site, error: OSError) -> str:
    """Say where everything is after `restore` has failed, and the way out. Raises OSError where that can't be seen."""
    standing = _STANDING[kind_at(site, site.folder, site.name)]
    folder = os.path.join(os.path.dirname(site.path), shop_name(site.action))
    return (
        f"{standing}, and what was taken out of it is in {safe(folder)} or in the quarantine: it could not be put in "
        f"order ({safe(error)}); lockdeck's watchman tries again at once, and `lockdeck journal` later"
    )


_STANDING = {
    Kind.NOTHING: "the lock's name is free",
    Kind.LOCK: "a lock stands at the name",
    Kind.STAND_IN: "our stand-in stands at the lock's name",
    Kind.DIRECTORY: "our directory stands at the lock's name",
}


def _put_right(site: Site, search: Search) -> str | None:
    """See to it that the lock's name holds what it should: never a stand-in, never our directory."""
    displaced = kind_at(site, site.shop, LOCK) is Kind.LOCK
    standing = kind_at(site, site.folder, site.name)
    if standing is Kind.DIRECTORY:
        found = kind_at(site, site.shop, SLOT)
    elif standing is Kind.STAND_IN or (
        standing is Kind.NOTHING and displaced and _held(site.shop, LOCK, search)
    ):
        _ensure_slot(site)
        found = freeze(site)
        site.step("frozen")
    else:
        return None
    if found is Kind.LOCK:
        thaw_with(site, SLOT)
        return "a newer lock stands at the name"
    if displaced:
        thaw_with(site, LOCK)
        return "the lock that was taken out stands at its name again"
    thaw(site)
    return "our stand-in is off the name"


def _ensure_slot(site: Site) -> None:
    """Have an empty directory in slot, whatever an interrupted run left there."""
    there = kind_at(site, site.shop, SLOT)
    if there is Kind.DIRECTORY:
        return
    if there is not Kind.NOTHING:
        aside = f"aside-{secrets.token_hex(4)}"
        os.rename(SLOT, aside, src_dir_fd=site.shop, dst_dir_fd=site.shop)
        site.step("slot cleared")
    os.mkdir(SLOT, 0o700, dir_fd=site.shop)
    site.step("slot made")


def _finish_removal(site: Site, begun: Entry, search: Search, wait: Callable[[float], object]) -> str | None:
    """Remove the lock at the name when its holder let go of it while it was displaced.

    That holder deleted by path, or compared and deleted nothing: either way it believes the lock gone.
    """
    if not was_taken(site):
        return None
    with opened(site.folder, site.name) as fd:
        if fd is None or is_original(fd, begun) or search(fd) is not None:
            return None
        wait(SETTLE_S)
        if not is_file(site.folder, site.name, fd) or search(fd) is not None:
            return None
        _ensure_slot(site)
        found = freeze(site)
        site.step("frozen")
        if found is Kind.LOCK and not (is_file(site.shop, SLOT, fd) and search(fd) is None):
            thaw_with(site, SLOT)
            return None
        thaw(site)
        return "its holder had let go meanwhile: the lock was removed for it"


def _sweep(
    site: Site, begun: Entry, state: str, search: Search
) -> tuple[list[tuple[str, bool]], tuple[str, ...]]:
    """Empty our folder: what is ours is deleted, locks that nobody holds go to the quarantine."""
    kept: list[tuple[str, bool]] = []
    left: list[str] = []
    for name in sorted(os.listdir(site.shop)):
        kind = kind_at(site, site.shop, name)
        if kind is Kind.DIRECTORY:
            os.rmdir(name, dir_fd=site.shop)
        elif kind is Kind.STAND_IN or name == DRAFT:
            os.unlink(name, dir_fd=site.shop)
        elif _held(site.shop, name, search):
            left.append(f"{shop_name(site.action)}/{name}")
        else:
            original = _holds_original(site.shop, name, begun)
            kept.append((keep(state, site.shop, name, _label(begun, original)), original))
        site.step(f"swept {name}")
    return kept, tuple(left)


def _label(begun: Entry, original: bool) -> Mapping[str, Any]:
    return {**begun, "original": original}


def is_original(fd: int, begun: Entry) -> bool:
    """Whether an open file is the very lock that the begin entry names: same inode, same bytes."""
    original, found = begun.get("original"), os.fstat(fd)
    if not isinstance(original, Mapping):
        return False
    same = (original.get("dev"), original.get("ino")) == (found.st_dev, found.st_ino)
    return same and original.get("sha256") == hashlib.sha256(read_all(fd)).hexdigest()


def _held(folder: int, name: str, search: Search) -> bool:
    """Whether somebody holds a file; one that can't be opened may be held, what is no file can't."""
    with opened(folder, name) as fd:
        if fd is not None:
            return search(fd) is not None
    try:
        return stat.S_ISREG(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
    except FileNotFoundError:
        return False


def _holds_original(folder: int, name: str, begun: Entry) -> bool:
    with opened(folder, name) as fd:
        return fd is not None and is_original(fd, begun)
