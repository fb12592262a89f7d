"""The folders in which this user keeps lockdeck's own files."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress

import lockdeck

_DIRECTORY = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_CLOEXEC
"""What stands above may be closed to readers, and yet be passed through."""


_USUAL = {"config": "~/.config", "state": "~/.local/state"}
"""Where XDG keeps them on Linux unless the environment names another place."""


class NoHomeError(OSError):
    """The account has no home directory, so there is no usual place for files."""


class ForeignFolderError(OSError):
    """A folder in which lockdeck would keep what it acts on belongs to others, or others may write it."""


def config_dir(env: Mapping[str, str] | None = None) -> str:
    """Return the folder of configuration and themes; `LOCKDECK_CONFIG_DIR` overrides it. NoHomeError."""
    return _folder("config", env)


def state_dir(env: Mapping[str, str] | None = None) -> str:
    """Return the folder of journal, quarantine and device key; `LOCKDECK_STATE_DIR` overrides it. NoHomeError."""
    return _folder("state", env)


@contextmanager
def private_folder(path: str, *below: str) -> Iterator[int]:
    """Open a folder that nobody but its owner, who is us, may enter, and yield its descriptor; made with its parents.

    `below` names folders in it, the last of which is opened. Whose the path is was checked from the top, before the first
    folder is made and again after the last, and what was opened is checked itself. Raises ForeignFolderError where it is
    not ours, OSError.
    """
    _must_be_ours(path)
    _make_missing(path)
    _must_be_ours(path)
    folder = _descend(_open_private(path, None, path), path, below)
    try:
        yield folder
    finally:
        os.close(folder)


@contextmanager
def own_folder(path: str) -> Iterator[int]:
    """Open a folder that is ours, and yield its descriptor; made with its parents where it is missing (0700).

    One that stands keeps its mode: others may read it. Raises as `private_folder`.
    """
    _must_be_ours(path)
    _make_missing(path)
    _must_be_ours(path)
    folder = os.open(path, _DIRECTORY)
    try:
        yield folder
    finally:
        os.close(folder)


def _must_be_ours(path: str) -> None:
    from lockdeck.backend.system.ownership import ownership_of

    ownership = ownership_of(path)
    if ownership.fault is not None:
        raise ForeignFolderError(_not_ours(path, ownership.fault))


def _make_missing(path: str) -> None:
    """Make the folders that are missing on a way whose existing part is ours, each below the descriptor of the one above.

    In a directory that all may write (`/tmp`) somebody else can be faster: each folder is looked at before anything is
    made in it.
    """
    existing, missing = os.path.realpath(path), list[str]()
    while not os.path.lexists(existing):
        existing, name = os.path.split(existing)
        missing.insert(0, name)
    if not missing:
        return
    os.close(_descend(os.open(existing, _DIRECTORY | os.O_NOFOLLOW), existing, missing))


def _descend(folder: int, path: str, names: Iterable[str]) -> int:
    """Open folders below an open one, each in the one before, made where it is missing; return the last one's descriptor.

    `folder`, at `path`, is closed, also where this raises.
    """
    for name in names:
        path = os.path.join(path, name)
        try:
            with suppress(FileExistsError):
                os.mkdir(name, 0o700, dir_fd=folder)
            inner = _open_private(name, folder, path)
        finally:
            os.close(folder)
        folder = inner
    return folder


def _open_private(name: str, folder: int | None, path: str) -> int:
    """Open a folder, shut it for others, and make sure that it is ours."""
    from lockdeck.backend.system.ownership import ownership_at

    link = (
        0 if folder is None else os.O_NOFOLLOW
    )  # a state folder may be a link of ours; nothing in it is one
    opened = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | link, dir_fd=folder)
    try:
        ownership = ownership_at(opened, path)
        if ownership.fault is not None:
            raise ForeignFolderError(_not_ours(path, ownership.fault))
        if stat.S_IMODE(os.fstat(opened).st_mode) & 0o077:
            os.fchmod(opened, 0o700)
    except BaseException:
        os.close(opened)
        raise
    return opened


def _not_ours(path: str, fault: str) -> str:
    way_out = "LOCKDECK_STATE_DIR and LOCKDECK_CONFIG_DIR name folders of your own"
    if "SUDO_UID" in os.environ:
        way_out += ", and sudo -H doesn't keep the HOME of another"
    return f"{fault}: lockdeck acts on nothing that is written in {path}; {way_out}"


def _folder(kind: str, env: Mapping[str, str] | None) -> str:
    name = f"LOCKDECK_{kind.upper()}_DIR"
    override = (env or {}).get(name) or os.environ.get(name)
    if override:
        return os.path.abspath(override)
    base = os.environ.get(f"XDG_{kind.upper()}_HOME", "")
    if not os.path.isabs(base) and os.path.isabs(os.environ.get("HOME", "")):
        base = os.path.expanduser(_USUAL[kind])
    if sys.platform == "linux" and os.path.isabs(base):
        return os.path.join(base, "lockdeck")
    # It knows all other cases; to be imported it takes longer than Python to start.
    import platformdirs

    find = {"config": platformdirs.user_config_dir, "state": platformdirs.user_state_dir}[kind]
    try:
        return find("lockdeck", appauthor=False)
    except RuntimeError:
        reason = "this account has no home directory and HOME names none"
        raise NoHomeError(f"no place for lockdeck's {kind}: {reason}; set HOME or {name}") from None


def import_folder() -> str:
    """Return the folder from which `lockdeck` is imported, for our own children that start without site packages."""
    return os.path.dirname(os.path.dirname(os.path.abspath(lockdeck.__file__)))
