"""The rule of ownership asked of the disk: whose a path is with all that leads to it, or what is open.

Nothing else decides whether something is ours. The path is looked at from the top: once a directory can be changed by
nobody but us, neither can the next name in it, so that a path that is ours stays ours while it is used.
"""

from __future__ import annotations

import errno
import json
import os
import shlex
import stat
from collections.abc import Iterator

from msgspec import Struct

from lockdeck.backend.model.trust import STICKY, Ownership, Trust, others_may_write
from lockdeck.backend.system.accounts import is_private_group, name_of, our_uid
from lockdeck.backend.system.text import safe
from lockdeck.backend.system.volumes import volume_of

MOST_LINKS = 40
"""So many links in one path, as the kernel follows."""

_ACL = "system.posix_acl_access"
_NO_ACL = frozenset({errno.ENODATA, errno.EOPNOTSUPP})
# fmt: off
MODELESS = frozenset({
    "9p", "cifs", "drvfs", "exfat", "fakeowner", "fuse", "fuseblk", "hfs", "msdos", "ntfs", "ntfs3", "osxfs", "prl_fs",
    "smb3", "smbfs", "vboxsf", "vfat", "vmhgfs", "wslfs",
})
# fmt: on
"""File systems that keep no modes or may make them up: there a mode of 0777 says nothing, and the user may vouch."""
_CONTAINER_VOLUMES = ("/docker/volumes/", "/containers/storage/volumes/")


class _Fault(Struct, frozen=True):
    """A reason why one thing is not ours. `foreign`: its owner; else that others may write it."""

    sentence: str
    foreign: bool
    keeps_modes: bool = True


def ownership_of(path: str, vouched: frozenset[int] = frozenset(), *, root: str | None = None) -> Ownership:
    """Say whose the place at `path` is: its owner, that of every directory and link above it, and who may write them.

    Links are followed, and what they lead to has to be ours as well. A sticky directory above (`/tmp`) may be written by
    all. Where nothing stands at the end, what stands above decides. `vouched`: uids that count as ours; `root`: the root
    that a person would vouch for, where that is another path. Whoever is only vouched for may lead us to nothing but what
    is theirs. Raises nothing.
    """
    trust = Trust(our_uid(), vouched)
    status: os.stat_result | None = None
    guides, linked = set[int](), False
    where, names, links = "/", _names(path if path.startswith("/") else os.path.join(_here(), path)), 0
    while True:
        try:
            status = os.lstat(where)
            fault = _fault(where, status, trust, above=bool(names), place=where)
            if fault is not None:
                return _not_ours(root or path, where, status, fault)
            if trust.only_vouches_for(status.st_uid):
                guides.add(status.st_uid)
            if stat.S_ISLNK(status.st_mode):
                links += 1
                linked = linked or bool(guides)
                if links > MOST_LINKS:
                    return Ownership(fault=safe(f"{path} leads through too many links", 4096))
                target = os.path.join(os.path.dirname(where), os.readlink(where))
                # Not normalised: `link/..` is the directory above what the link leads to.
                where, names = "/", [*_names(target), *names]
                continue
        except FileNotFoundError:
            break
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            return Ownership(fault=safe(f"whose {path} is can't be seen: {where}: {reason}", 4096))
        if not names:
            break
        name = names.pop(0)
        where = os.path.dirname(where) if name == ".." else os.path.join(where, name)
    astray = _led_astray(path, status, guides, linked)
    return _of_ours(status, vouched=bool(guides)) if astray is None else astray


def ownership_at(descriptor: int, path: str, vouched: frozenset[int] = frozenset()) -> Ownership:
    """Say whose an open file or directory is, by its own owner and mode alone; `path` is for the sentence.

    For what was opened below a place that is ours. Raises OSError.
    """
    trust = Trust(our_uid(), vouched)
    status = os.fstat(descriptor)
    fault = _fault(path, status, trust, above=False, place=descriptor)
    if fault is not None:
        return _not_ours(path, path, status, fault)
    return _of_ours(status, vouched=trust.only_vouches_for(status.st_uid))


def account(uid: int) -> str:
    """Return an account as a person knows it: name and number."""
    name = name_of(uid)
    return f"uid {uid}" if name is None else f"{safe(name, 40)} (uid {uid})"


def _here() -> str:
    """Return the current directory; one that is gone can be nobody's."""
    try:
        return os.getcwd()
    except OSError:
        return "/nowhere"


def _names(path: str) -> list[str]:
    return [name for name in path.split("/") if name not in ("", ".")]


def _fault(
    where: str, status: os.stat_result, trust: Trust, *, above: bool, place: str | int
) -> _Fault | None:
    """Say why one thing on the way is not ours; None where it is. `place` is where its ACL can be read."""
    if not trust.covers(status.st_uid):
        sentence = f"{where} belongs to {account(status.st_uid)}, not to {account(trust.uid)}"
        return _Fault(sentence, foreign=True)
    if stat.S_ISLNK(status.st_mode) or (above and status.st_mode & STICKY):
        return None
    if not others_may_write(status, _acl_of(place), trust, is_private_group):
        return None
    fs_type = volume_of(where).fs_type
    if fs_type not in MODELESS and not fs_type.startswith("fuse."):
        mode = stat.S_IMODE(status.st_mode)
        return _Fault(f"others may write {where} (mode {mode:04o})", foreign=False)
    if status.st_uid in trust.vouched:
        return None
    sentence = f"others may write {where}: its file system ({fs_type}) keeps no modes"
    return _Fault(sentence, foreign=False, keeps_modes=False)


def _acl_of(place: str | int) -> bytes:
    """Return the POSIX ACL of a place; what nobody can read is no ACL, and the rule then says that others may write."""
    if not hasattr(os, "getxattr"):
        return b""
    try:
        return os.getxattr(place, _ACL)
    except OSError as error:
        return b"" if error.errno in _NO_ACL else b"?"


def _owner_word(uid: int) -> str:
    return safe(name_of(uid) or uid, 40)


def _of_ours(status: os.stat_result | None, *, vouched: bool) -> Ownership:
    if status is None:
        return Ownership(fault="nothing stands there")
    return Ownership(status.st_uid, _owner_word(status.st_uid), None, vouched=vouched)


def _led_astray(path: str, status: os.stat_result | None, guides: set[int], linked: bool) -> Ownership | None:
    """Say what an account that is only vouched for (`guides`) led us to that is not its own; None where it did not.

    A directory that is ours may stand among its own: it can't have been brought there. Behind a link nothing of ours may,
    and no file, since a file can have a second name (a hard link).
    """
    if status is None or guides <= {status.st_uid} or (not linked and stat.S_ISDIR(status.st_mode)):
        return None
    return not_of_guide(path, status.st_uid, min(guides - {status.st_uid}))


def not_of_guide(path: str, uid: int, guide: int) -> Ownership:
    """Return the ownership of what an account that is only vouched for leads to, and that is not its own."""
    rule = f"{account(guide)}, who is only vouched for, may lead to nothing but what is their own"
    way_out = f"put a file of their own in place of {path}"
    sentence = safe(f"{path} leads to what belongs to {account(uid)}, and {rule}", 4096)
    return Ownership(uid, _owner_word(uid), sentence, (safe(way_out, 4096),))


def _not_ours(root: str, where: str, status: os.stat_result, fault: _Fault) -> Ownership:
    uid = status.st_uid
    ways_out = tuple(safe(line, 4096) for line in _ways_out(root, where, uid, fault))
    return Ownership(uid, _owner_word(uid), safe(fault.sentence, 4096), ways_out)


def _ways_out(root: str, where: str, uid: int, fault: _Fault) -> Iterator[str]:
    """Yield what a person could do instead: one sentence first, then the lines that vouch for the owner."""
    if not fault.foreign and fault.keeps_modes:
        yield f"where nobody else has to write there: chmod go-w {shlex.quote(where)}"
        return
    name = name_of(uid)
    word = str(name or uid)
    if fault.foreign and any(part in where for part in _CONTAINER_VOLUMES):
        yield "it is a container's volume: run lockdeck in the container (docker exec)"
    elif fault.foreign:
        user = name or f"'#{uid}'"
        yield f"as its owner: sudo -u {user} lockdeck status {shlex.quote(root)}"
    yield f"to let what {word} owns there count as yours: --trust-owner {word}, or in lockdeck's own configuration"
    yield from ("[[roots]]", f"path = {json.dumps(root)}", f"trusted_owner = {json.dumps(word)}")
