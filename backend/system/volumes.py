"""The kind of file system that a path lives on: local, network, or nobody knows."""

from __future__ import annotations

import os
import re
from functools import lru_cache
from typing import Literal

from msgspec import Struct

from lockdeck.backend.system.procfs import LINUX
from lockdeck.backend.system.text import SafeText, safe

Kind = Literal["local", "network", "unknown"]

_MOUNTINFO = "/proc/self/mountinfo"
_LIMIT = 16 << 20

# fmt: off
_LOCAL = frozenset({
    "apfs", "bcachefs", "btrfs", "devtmpfs", "erofs", "exfat", "ext2", "ext3", "ext4", "f2fs", "fuseblk",
    "hfs", "iso9660", "jfs", "msdos", "nilfs2", "ntfs", "ntfs3", "overlay", "ramfs", "reiserfs", "rootfs",
    "squashfs", "tmpfs", "udf", "ufs", "vfat", "xfs", "zfs",
})
_NETWORK = frozenset({
    "9p", "acfs", "afpfs", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "drvfs", "fakeowner", "fuse",
    "gfs2", "glusterfs", "gpfs", "lustre", "macfuse", "ncpfs", "nfs", "nfs4", "ocfs2", "orangefs", "osxfs",
    "osxfuse", "prl_fs", "pvfs2", "smb3", "smbfs", "vboxsf", "virtiofs", "vmhgfs", "webdav", "wekafs",
    "wslfs",
})
# fmt: on
"""Shared between machines, or served by a process outside: another kernel may hold files open there."""


class Volume(Struct, frozen=True):
    """The file system under a path.  `own_root`: the overlay that is this mount namespace's own root."""

    kind: Kind
    fs_type: SafeText
    mount_point: str
    own_root: bool


class Mount(Struct, frozen=True):
    """One line of the mount table.  `device` is st_dev as the kernel prints it, None where not known."""

    device: int | None
    mount_point: str
    fs_type: str


class Mounts(Struct, frozen=True):
    """The mount table at one moment, in mount order: read it once per scan."""

    entries: tuple[Mount, ...]

    def volume_of(self, path: str) -> Volume:
        """Return the file system under a path; `unknown` when no line of the table fits.

        The path may be missing (then its nearest place counts).  The device number decides between
        stacked mounts where it appears in the table (on btrfs and overlayfs it need not).
        """
        return _place_of(self, path).volume

    def reach_others(self, path: str) -> bool:
        """Return whether a path is on a drive that another machine or process serves, or one is mounted below it."""
        return _place_of(self, path).reaches_others

    def volume_at(self, real: str, device: int | None) -> Volume:
        """Return the file system of a resolved absolute path whose st_dev is `device`."""
        above = [mount for mount in self.entries if _lies_under(real, mount.mount_point)]
        if not above:
            return Volume("unknown", safe(""), "", own_root=False)
        exact = [mount for mount in above if device is not None and mount.device == device]
        # max() keeps the first of equals, and of two mounts on one place the later one is seen.
        nearest = max(reversed(exact or above), key=lambda mount: len(mount.mount_point))
        own_root = nearest.mount_point == "/" and nearest.fs_type == "overlay"
        # What lies below any other overlay has another name: a file that is open there is hidden from every search of
        # ours, and from the kernel's lease (seen on 6.18).
        hides = nearest.fs_type == "overlay" and not own_root
        return Volume(
            "unknown" if hides else kind_of(nearest.fs_type),
            safe(nearest.fs_type),
            nearest.mount_point,
            own_root,
        )


class _Place(Struct, frozen=True):
    volume: Volume
    reaches_others: bool


def _place_of(mounts: Mounts, path: str) -> _Place:
    """Find a place among the mounts, once for what stands at a path: where that and the mount table are the same, so is it."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return _find_place(mounts, path)
    return _found_place(mounts, path, (status.st_dev, status.st_ino))


@lru_cache(4096)
def _found_place(mounts: Mounts, path: str, _file: tuple[int, int]) -> _Place:
    return _find_place(mounts, path)


def _find_place(mounts: Mounts, path: str) -> _Place:
    try:
        real = os.path.realpath(path)
    except (OSError, ValueError):
        return _Place(Volume("unknown", safe(""), "", own_root=False), reaches_others=False)
    volume = mounts.volume_at(real, _device_of(real))
    below = (mount for mount in mounts.entries if _lies_under(mount.mount_point, real))
    reaches = volume.kind == "network" or any(kind_of(mount.fs_type) == "network" for mount in below)
    return _Place(volume, reaches)


def kind_of(fs_type: str) -> Kind:
    """Say whether a file system type is local; every FUSE type but fuseblk counts as network."""
    if fs_type in _NETWORK or fs_type.startswith("fuse."):
        return "network"
    return "local" if fs_type in _LOCAL else "unknown"


def read_mounts() -> Mounts:
    """Read the mount table; empty (everything unknown) when it can't be read."""
    if not LINUX:
        return _mounts_from_psutil()
    try:
        with open(_MOUNTINFO, "rb") as source:
            return parse_mounts(source.read(_LIMIT))
    except OSError:
        return Mounts(())


def volume_of(path: str) -> Volume:
    """Return the file system under one path; for many paths call `read_mounts` once."""
    return read_mounts().volume_of(path)


def may_be_shared(volume: Volume) -> bool:
    """Return whether a process outside our pid namespace may see this volume; ask only inside a container.

    Only the namespace's own overlay root is certainly its own; any other mount may be a bind mount.
    """
    return not volume.own_root


@lru_cache(1)
def parse_mounts(raw: bytes) -> Mounts:
    """Parse /proc/<pid>/mountinfo (proc_pid_mountinfo(5)); lines that are not such are skipped."""
    mounts = (_parse_line(line) for line in raw.split(b"\n"))
    return Mounts(tuple(mount for mount in mounts if mount is not None))


def _parse_line(line: bytes) -> Mount | None:
    head, dash, tail = line.partition(b" - ")
    fields, types = head.split(b" "), tail.split(b" ")
    if not dash or len(fields) < 6 or not types[0]:
        return None
    device = re.fullmatch(rb"(\d{1,9}):(\d{1,9})", fields[2])
    if device is None:
        return None
    number = os.makedev(int(device[1]), int(device[2]))
    return Mount(number, os.fsdecode(_unescape(fields[4])), os.fsdecode(_unescape(types[0])))


def _unescape(field: bytes) -> bytes:
    """Undo the kernel's octal escapes of blank, tab, newline, backslash and hash."""
    return re.sub(rb"\\([0-3][0-7]{2})", lambda match: bytes([int(match[1], 8)]), field)


def _lies_under(path: str, mount_point: str) -> bool:
    return mount_point == "/" or path == mount_point or path.startswith(mount_point + "/")


def _device_of(real: str) -> int | None:
    """Return st_dev of a path, or of its nearest existing parent."""
    while True:
        try:
            return os.stat(real, follow_symlinks=False).st_dev
        except FileNotFoundError:
            real = os.path.dirname(real)
        except (OSError, ValueError):
            return None


def _mounts_from_psutil() -> Mounts:
    import psutil

    parts = psutil.disk_partitions(all=True)
    return Mounts(tuple(Mount(None, part.mountpoint, part.fstype) for part in parts))
