"""One lockdeck at a time in each sessions directory: two dashboards, one release."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager

from lockdeck.backend.system.folders import private_folder

_FOLDER = "turns"
TURN_S = 10.0
"""How long, in seconds, an action waits for another lockdeck at work in the same sessions directory."""


class NotOurTurnError(Exception):
    """Another lockdeck is at work in this sessions directory."""


@contextmanager
def turn(state: str, directory: str, timeout_s: float) -> Iterator[None]:
    """Have a sessions directory to ourselves, for lockdeck's processes of this user.

    The lock is a kernel lock on a file in lockdeck's own state folder, so it ends with its process.  Raises
    NotOurTurnError after `timeout_s` seconds, ForeignFolderError or another OSError when the state folder can't be used.
    """
    from filelock import FileLock, Timeout

    name = hashlib.sha256(os.fsencode(os.path.realpath(directory))).hexdigest()[:24]
    lock = FileLock(
        os.path.join(state, _FOLDER, name + ".lock"),
        mode=0o600,
        poll_interval=0.01,
        fallback_to_soft=False,
        preserve_lock_file=True,
    )
    try:
        with private_folder(state, _FOLDER):
            lock.acquire(timeout=timeout_s)
    except Timeout:
        raise NotOurTurnError(directory) from None
    try:
        yield
    finally:
        lock.release()
