"""The rule of ownership: whose things count as ours, and when others may change a thing. Pure.

Before our environment, our credentials, a connection, a command, a signal or a write is used for a root, it and all
that belongs to it must be ours. What is not ours is looked at and judged, and nothing more.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import Protocol

from msgspec import Struct

ROOT_UID = 0
"""What root owns is ours: whoever is root can do all that we can do."""
WRITE_WORLD, WRITE_GROUP, STICKY = 0o002, 0o020, 0o1000

IsPrivateGroup = Callable[[int, int], bool]
"""Says of an owner's uid and a gid whether that is the owner's primary group with no other member."""

_ACL_VERSION = 2
_ACL_WRITE = 2
_ACL_USER, _ACL_GROUP_OBJECT, _ACL_GROUP = 0x02, 0x04, 0x08


class FileStatus(Protocol):
    """The part of a stat result that the rule asks for."""

    @property
    def st_mode(self) -> int:
        """Kind and permission bits."""
        ...

    @property
    def st_uid(self) -> int:
        """The owner."""
        ...

    @property
    def st_gid(self) -> int:
        """The group."""
        ...


class Trust(Struct, frozen=True):
    """The accounts whose things count as ours: our own, root's, and those that the user vouches for."""

    uid: int
    vouched: frozenset[int] = frozenset()

    def covers(self, uid: int) -> bool:
        """Return whether what this account owns counts as ours."""
        return uid in (ROOT_UID, self.uid) or uid in self.vouched

    def only_vouches_for(self, uid: int) -> bool:
        """Return whether what this account owns counts as ours by the user's word alone."""
        return uid in self.vouched and uid not in (ROOT_UID, self.uid)


class Vouch(Struct, frozen=True):
    """The user's word about one root, from our own configuration or command line.

    `own_namespace`: all processes that write there share our pid namespace. `owners`: uids that count as ours there.
    """

    own_namespace: bool = False
    owners: frozenset[int] = frozenset()


class Ownership(Struct, frozen=True):
    """Whose a place is. `uid` is its owner, None where that can't be seen, `owner` the owner's name or number.

    `fault` says in a sentence why the place is not ours; None exactly when it is. `ways_out` are the commands and lines
    that would help, ready to be pasted. `vouched`: it is ours only because the user vouches for its owner, or for that of
    something on the way to it.
    """

    uid: int | None = None
    owner: str = "unknown"
    fault: str | None = "nobody has looked whose it is"
    ways_out: tuple[str, ...] = ()
    vouched: bool = False

    @property
    def ours(self) -> bool:
        """Whether it may be acted on, and trusted with what is ours."""
        return self.fault is None

    @property
    def confined(self) -> bool:
        """Whether readers follow no link in it: others decide where it leads."""
        return not self.ours or self.vouched

    @property
    def sentence(self) -> str | None:
        """Why it is only looked at, and what to do instead; None where it is ours."""
        if self.fault is None:
            return None
        return "; ".join((f"{self.fault}: it is looked at and nothing more", *self.ways_out[:1]))


def others_may_write(status: FileStatus, acl: bytes, trust: Trust, is_private: IsPrivateGroup) -> bool:
    """Return whether an account that is not ours may write a file or directory.

    `acl` is its POSIX ACL as Linux keeps it, empty without one. With an ACL the group bits are its mask, so that no
    entry of it may write where they don't say so; which entries may is read from the ACL itself. One that can't be
    read counts as writable. Other kinds of ACL (NFSv4, macOS) are known by their mode bits only.
    """
    if status.st_mode & WRITE_WORLD:
        return True
    if not status.st_mode & WRITE_GROUP:
        return False
    if not acl:
        return not is_private(status.st_uid, status.st_gid)
    try:
        entries = list(_acl_entries(acl))
    except ValueError:
        return True
    writers = [(tag, number) for tag, permissions, number in entries if permissions & _ACL_WRITE]
    return any(
        (tag == _ACL_USER and not trust.covers(number))
        or (tag == _ACL_GROUP and not is_private(status.st_uid, number))
        or (tag == _ACL_GROUP_OBJECT and not is_private(status.st_uid, status.st_gid))
        for tag, number in writers
    )


def _acl_entries(acl: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield tag, permissions and id of each entry of `system.posix_acl_access` (acl(5)). ValueError."""
    if len(acl) < 4 or len(acl) % 8 != 4 or int.from_bytes(acl[:4], "little") != _ACL_VERSION:
        raise ValueError("no POSIX ACL of version 2")
    yield from struct.iter_unpack("<HHI", acl[4:])
