"""The site of a release: a lock's name, the sessions directory it is in, and our work folder beside it.

The work folder is hidden, `.lockdeck-<action>`: same file system, no name that OpenClaw, its doctor or a
dashboard counts.  It holds:

    lock   the stand-in's lock; after `take`, the lock that stood at the name
    draft  the stand-in's lock before it is ready
    slot   an empty directory; after `freeze`, what stood at the name then, if anything
    mark-<action>  tells our folder from any other of ours, where another account may write the sessions directory
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum

from msgspec import Struct

from lockdeck.backend.actions.release.account import LockAccount, account_for
from lockdeck.backend.actions.release.standin import is_lock_of
from lockdeck.backend.actions.turns import NotOurTurnError
from lockdeck.backend.model.trust import ROOT_UID
from lockdeck.backend.openclaw.locks.lockfile import work_folder_name
from lockdeck.backend.system.folders import ForeignFolderError
from lockdeck.backend.system.ownership import ownership_at, ownership_of

LOCK = "lock"
SLOT = "slot"
DRAFT = "draft"
_PAYLOAD_LIMIT = 65536
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NO_FILE = frozenset({errno.ENOENT, errno.ELOOP, errno.ENXIO, errno.ENODEV})
"""Nothing there, a link, a socket, a device: no file that could be opened. Every other error leaves it unknown."""

StepHook = Callable[[str], None]
"""Called with a name between any two system calls that change something: where tests kill us."""


def no_hook(_name: str) -> None:
    """Do nothing between two system calls."""


class FileKind(StrEnum):
    """The kinds of things that stand at a name."""

    NOTHING = "nothing"
    STAND_IN = "stand-in"
    DIRECTORY = "directory"
    LOCK = "lock"


class Site(Struct, frozen=True):
    """The open sessions directory, our open folder in it, and the lock's name. `path` is for messages.

    `shared`: an account that the user vouches for may exchange all that is not in our folder, and our folder for
    another. `account`: whose the stand-in has to be; None: ours.
    """

    path: str
    directory: int
    work_folder: int
    name: str
    action: str
    step: StepHook
    shared: bool = False
    account: LockAccount | None = None


def _directory_fault(path: str, owners: frozenset[int]) -> str | None:
    """Say why no lock is released in the directory of the one at `path`: others may exchange what is in it; None: none."""
    ownership = ownership_of(os.path.dirname(path), owners)
    if ownership.fault is None:
        return None
    way_out = "".join(f"; {sentence}" for sentence in ownership.ways_out[:1])
    return f"{ownership.fault}, so what a release puts there could be exchanged under it{way_out}"


@contextmanager
def open_site(
    path: str,
    action: str,
    step: StepHook,
    *,
    make: bool = False,
    owners: frozenset[int] = frozenset(),
    pin: int | None = None,
) -> Iterator[Site]:
    """Open the folder of an action beside the lock at `path`; `make` it first. `owners`: uids that count as ours there.

    `pin` is our descriptor of the lock: where the directory can be exchanged, nothing is made but beside that lock.

    All that follows goes through these two descriptors, so that no path is looked up twice. Raises ForeignFolderError
    where sessions directory or folder are not ours alone, FileNotFoundError when one of them is not there,
    NotOurTurnError where one is to be made and the lockdeck of another account has one there.
    """
    parent, name = os.path.split(path)
    fault = _directory_fault(path, owners)
    if fault is not None and os.path.isdir(parent):
        raise ForeignFolderError(fault)
    directory = os.open(parent, _DIRECTORY)
    try:
        _check(directory, parent, owners)
        if not _has_turn(directory) and make:  # a recovery is never held up by whoever can open the directory
            raise NotOurTurnError(parent)
        shared = bool(owners - {ROOT_UID, os.geteuid()})
        account = None if pin is None else account_for(os.fstat(pin), os.fstat(directory), owners)
        if shared and pin is not None and not is_file(directory, name, pin):
            raise ForeignFolderError(f"the lock that was proven does not stand in {parent} any more")
        work_folder = _open_work_folder(directory, parent, action, step, make, shared)
        try:
            yield Site(path, directory, work_folder, name, action, step, shared, account)
        finally:
            os.close(work_folder)
    finally:
        os.close(directory)


def _has_turn(directory: int) -> bool:
    """Have an open directory to ourselves among the lockdecks of all accounts, whose other turns are their own."""
    try:
        fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True  # a file system without such locks
    return True


def _open_work_folder(
    directory: int, parent: str, action: str, step: StepHook, make: bool, shared: bool
) -> int:
    name = work_folder_name(action)
    if make:
        os.mkdir(name, 0o700, dir_fd=directory)
        step("folder made")
    try:
        folder = os.open(name, _DIRECTORY, dir_fd=directory)
        try:
            _check(folder, os.path.join(parent, name))
            if shared:
                _make_sure(folder, os.path.join(parent, name), action, step, make)
            elif stat.S_IMODE(os.fstat(folder).st_mode) & 0o077:
                os.fchmod(folder, 0o700)  # a default ACL of the directory, or a file system that adds bits
        except BaseException:
            os.close(folder)
            raise
    except OSError:
        if make:
            with suppress(OSError):
                os.rmdir(name, dir_fd=directory)
        raise
    return folder


def _make_sure(folder: int, path: str, action: str, step: StepHook, make: bool) -> None:
    """See to it that an open folder is that of an action, where others may put any other that is ours in its place.

    It is one that nobody else may enter, with nothing in it, or with the mark that only we can have put there.
    Changes nothing but to leave that mark. Raises ForeignFolderError, OSError.
    """
    status = os.fstat(folder)
    entered = status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) & 0o077
    names = os.listdir(folder)
    if entered or (names and (make or not _is_marked(folder, action))):
        raise ForeignFolderError(
            f"{path} is not the folder that this release has made: somebody has put it there"
        )
    if make:
        os.close(os.open(mark_name(action), _NEW_FILE, 0o600, dir_fd=folder))
        os.fsync(folder)
        step("folder marked")


def _is_marked(folder: int, action: str) -> bool:
    with opened(folder, mark_name(action)) as fd:
        return fd is not None and os.fstat(fd).st_uid == os.geteuid()


def mark_name(action: str) -> str:
    """Return the name of the empty file that tells the folder of an action from others of ours."""
    return f"mark-{action}"


def _check(folder: int, path: str, owners: frozenset[int] = frozenset()) -> None:
    """Check whose an open folder is."""
    fault = ownership_at(folder, path, owners).fault
    if fault is not None:
        raise ForeignFolderError(fault)


def kind_at(site: Site, folder: int, name: str) -> FileKind:
    """Say what stands at a name; whatever is neither ours nor a directory counts as a lock."""
    while True:
        try:
            status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            return FileKind.NOTHING
        if stat.S_ISDIR(status.st_mode):
            return FileKind.DIRECTORY
        with opened(folder, name) as fd:
            if fd is not None:
                return FileKind.STAND_IN if is_lock_of(read_all(fd), site.action) else FileKind.LOCK
        if _stands(folder, name, status):
            return FileKind.LOCK
        # What stood there a moment ago has gone: look again, for nothing may stand there now.


def _stands(folder: int, name: str, status: os.stat_result) -> bool:
    try:
        return os.path.samestat(os.stat(name, dir_fd=folder, follow_symlinks=False), status)
    except FileNotFoundError:
        return False


@contextmanager
def opened(folder: int, name: str) -> Iterator[int | None]:
    """Open a regular file for reading; None where no such file stands there.

    Raises OSError where that can't be told (EMFILE, EACCES, ESTALE …): what is not known is no lock and no vacancy.
    """
    try:
        fd = os.open(name, _FILE, dir_fd=folder)
    except OSError as error:
        if error.errno not in _NO_FILE:
            raise
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
    """Return whether the file at a name is the open one."""
    try:
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return os.path.samestat(status, os.fstat(fd))
