"""The quarantine: released lock files, each with its evidence beside it, for undo and for the file."""

from __future__ import annotations

import errno
import json
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from lockdeck.backend.actions.journal import make_private_folder, sync_folder
from lockdeck.backend.model.wire import dumps

FOLDER = "quarantine"


def keep(state: str, folder: int, name: str, evidence: Mapping[str, Any]) -> str:
    """Move the file `name` of an open folder into lockdeck's quarantine and return where it is now.

    The inode itself is moved where state folder and sessions share a file system; elsewhere its bytes are
    copied first.  `evidence` is written beside it before the move.  Both are readable by their owner only.
    Raises OSError; the file is then where it was: what fails after the move is not told.
    """
    home = os.path.join(state, FOLDER)
    make_private_folder(home)
    stem = os.path.join(home, f"{evidence.get('action', 'unknown')}-{secrets.token_hex(3)}")
    _write(stem + ".json", dumps(evidence, indent=2).encode() + b"\n")
    target = stem + ".lock"
    try:
        os.rename(name, target, src_dir_fd=folder)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _write(target, _bytes(folder, name))
        os.unlink(name, dir_fd=folder)
    with suppress(OSError):
        os.chmod(target, 0o600)
        sync_folder(home)
    return target


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


def _bytes(folder: int, name: str) -> bytes:
    source = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    with open(source, "rb") as file:
        return file.read(1 << 20)


def _write(path: str, data: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with open(os.open(path, flags, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
