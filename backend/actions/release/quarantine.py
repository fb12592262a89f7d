"""The quarantine: released lock files, each with its evidence beside it, for undo and for the file."""

from __future__ import annotations

import errno
import json
import os
import secrets
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from lockdeck.backend.actions.release.account import LockAccount, give_to
from lockdeck.backend.actions.release.site import opened
from lockdeck.backend.model.wire import dumps
from lockdeck.backend.system.folders import private_folder

FOLDER = "quarantine"
_PIECE = 1 << 20
MOST_COPIED_BYTES = 1 << 20
"""What another account may have put at a lock's name is copied up to this size; a lock has about 100 bytes."""


def keep(state: str, folder: int, name: str, evidence: Mapping[str, Any], *, as_it_was: bool = False) -> str:
    """Move the file `name` of an open folder into lockdeck's quarantine and return where it is now.

    The inode itself is moved where state folder and sessions share a file system; elsewhere its bytes are
    copied first.  `evidence` is written beside it before the move.  Both are readable by their owner only; a file that
    is kept `as_it_was` has its owner and mode (in a folder that nobody else may enter): no file that another account
    may have brought there under a name is changed by us.
    Raises OSError; the file is then where it was and nothing is in quarantine: what fails after the move is not told.
    """
    stem = f"{evidence.get('action', 'unknown')}-{secrets.token_hex(3)}"
    with private_folder(state, FOLDER) as home, opened(folder, name) as lock:
        _write(home, stem + ".json", [dumps(evidence, indent=2).encode() + b"\n"])
        try:
            _move(folder, name, home, stem + ".lock", lock, as_it_was)
        except BaseException:
            _forget(home, stem + ".json")
            raise
        with suppress(OSError):
            os.fsync(home)
    return os.path.join(state, FOLDER, stem + ".lock")


def _move(folder: int, name: str, home: int, target: str, lock: int | None, as_it_was: bool) -> None:
    """Move a file; `lock` is its descriptor, None for what is no regular file."""
    try:
        os.rename(name, target, src_dir_fd=folder, dst_dir_fd=home)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        if as_it_was and lock is not None and os.fstat(lock).st_size > MOST_COPIED_BYTES:
            size = os.fstat(lock).st_size
            raise OSError(
                errno.EFBIG, f"{size} bytes of another account are not copied into the quarantine"
            ) from None
        _write(home, target, [] if lock is None else _pieces(lock), lock if as_it_was else None)
        os.unlink(name, dir_fd=folder)
        return
    if lock is not None and not as_it_was and os.fstat(lock).st_nlink == 1:
        with suppress(OSError):  # the folder is shut for others in any case
            os.fchmod(lock, 0o600)


def quarantined_lock(state: str, action: str) -> str | None:
    """Return where the lock that an action released is, by its evidence; None where none is in quarantine."""
    home = os.path.join(state, FOLDER)
    try:
        names = sorted(name for name in os.listdir(home) if name.startswith(f"{action}-"))
    except OSError:
        return None
    for name in names:
        stem = os.path.join(home, name.removesuffix(".json"))
        if name.endswith(".json") and os.path.lexists(stem + ".lock") and _tells_of_original(stem + ".json"):
            return stem + ".lock"
    return None


def _tells_of_original(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            evidence = json.loads(file.read(1 << 20))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(evidence, dict) and evidence.get("original") is True


def _pieces(lock: int) -> Iterator[bytes]:
    at, end = 0, os.fstat(lock).st_size
    while at < end and (piece := os.pread(lock, min(_PIECE, end - at), at)):
        yield piece
        at += len(piece)


def _write(home: int, name: str, pieces: Iterable[bytes], model: int | None = None) -> None:
    """Write a private file and bring it to the disk, with owner and mode of `model`; where that fails there is none."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    fd = os.open(name, flags, 0o600, dir_fd=home)
    try:
        with open(fd, "wb") as file:
            file.writelines(pieces)
            file.flush()
            if model is not None:
                give_to(fd, *_owner_and_mode(model))
            os.fsync(file.fileno())
    except BaseException:
        _forget(home, name)
        raise


def _owner_and_mode(fd: int) -> tuple[LockAccount, int]:
    status = os.fstat(fd)
    return LockAccount(status.st_uid, status.st_gid), stat.S_IMODE(status.st_mode)


def _forget(home: int, name: str) -> None:
    with suppress(OSError):
        os.unlink(name, dir_fd=home)
