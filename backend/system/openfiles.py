"""The files of one kind that a process has open for writing, wherever they are."""

from __future__ import annotations

import os
import stat

from msgspec import Struct

from lockdeck.backend.system.procfs import proc_is_ours

_DELETED = " (deleted)"


class OpenFile(Struct, frozen=True):
    """One file that is open: its path as the process's own mounts name it, device and inode."""

    path: str
    inode: tuple[int, int]


def files_open_for_writing(pid: int, suffix: str) -> tuple[OpenFile, ...] | None:
    """Return the regular files with this ending that a process has open for writing, also those deleted since.

    None where that can't be seen.
    """
    folder = f"/proc/{pid}/fd"
    try:
        names = os.listdir(folder) if proc_is_ours() else None
    except OSError:
        names = None
    if names is None:
        return None
    files: dict[tuple[int, int], OpenFile] = {}
    for name in names:
        try:
            path = os.readlink(f"{folder}/{name}").removesuffix(_DELETED)
            if not path.endswith(suffix):
                continue
            status, opened = os.stat(f"{folder}/{name}"), os.lstat(f"{folder}/{name}").st_mode
        except OSError:
            continue
        if stat.S_ISREG(status.st_mode) and opened & stat.S_IWUSR:
            inode = (status.st_dev, status.st_ino)
            files[inode] = OpenFile(path, inode)
    return tuple(files.values())
