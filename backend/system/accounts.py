"""Names of accounts and members of groups, asked of the system within a bound: a directory server may be slow or away."""

from __future__ import annotations

import grp
import os
import pwd
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from lockdeck.backend.model.trust import ROOT_UID
from lockdeck.backend.system.procfs import LINUX

LOOKUP_S = 2.0
"""No answer within so many seconds is no answer."""
MOST_ANSWERS = 4096
"""So many answers are remembered."""
KEPT_S = 60.0
"""So long (seconds) an answer, or that there was none, is remembered."""
PASSWD, NSSWITCH = "/etc/passwd", "/etc/nsswitch.conf"
MOST_BYTES = 4 << 20
"""A longer list of accounts is not searched for members of a group."""
UNKNOWN_GID = 65534
"""Stands for every group that a user namespace does not know."""
_LOCAL_SOURCES = frozenset({"files", "compat", "db", "altfiles", "systemd"})

T = TypeVar("T")
_answers: dict[object, tuple[float, object]] = {}


def name_of(uid: int) -> str | None:
    """Return the name of an account; None where it has none, or nobody tells in time."""
    entry = _asked(("name", uid), lambda: pwd.getpwuid(uid))
    return entry.pw_name if entry else None


def person() -> str | None:
    """Return who runs us, for people: our account, and who became root with sudo. As `name_of` otherwise."""
    account, caller = name_of(our_uid()), os.environ.get("SUDO_UID", "")
    by = name_of(int(caller)) if our_uid() == ROOT_UID and caller.isdecimal() and len(caller) <= 10 else None
    return account if by is None or by == account else f"{by} as {account}"


def uid_of(name: str) -> int | None:
    """Return the uid of an account, by its name or number; None where there is no such name. As `name_of` otherwise."""
    if name.isascii() and name.isdigit() and len(name) <= 10:
        return int(name) if int(name) < 2**32 - 1 else None
    entry = _asked(("uid", name), lambda: pwd.getpwnam(name))
    return entry.pw_uid if entry else None


def home_of_account(uid: int) -> str | None:
    """Return the home directory of an account. As `name_of` otherwise."""
    entry = _asked(("name", uid), lambda: pwd.getpwuid(uid))
    return entry.pw_dir if entry and entry.pw_dir.startswith("/") else None


def is_private_group(uid: int, gid: int) -> bool:
    """Return whether a group provably has no member but an account (and root).

    With umask 002, as Fedora and Ubuntu have it, every directory is writable for such a group. Whose primary group it
    is besides is read from the local list of accounts; where there are other lists, which can't be searched (LDAP), only
    the account's primary group that bears its name is taken for private. An account that no list knows (a container's)
    has a group of its own where the numbers are the same.
    """
    return bool(_asked(("private", uid, gid), lambda: _is_private(uid, gid)))


def _is_private(uid: int, gid: int) -> bool:
    account, group = _entry(pwd.getpwuid, uid), _entry(grp.getgrgid, gid)
    if group is None and gid != uid:
        return False  # nobody says who is in it
    names = {"root", *((account.pw_name,) if account else ())}
    primary = _accounts_with_group(gid)
    if (
        primary is None
        or not primary <= {uid, ROOT_UID}
        or not names.issuperset(group.gr_mem if group else ())
    ):
        return False
    if account and group and (account.pw_gid, account.pw_name) == (gid, group.gr_name):
        return True
    return gid != UNKNOWN_GID and _only_local()


def _entry(ask: Callable[[int], T], number: int) -> T | None:
    """Return what the system knows of an account or a group; None where that has no entry."""
    try:
        return ask(number)
    except KeyError:
        return None


def _accounts_with_group(gid: int) -> set[int] | None:
    """Return the local accounts with this primary group; None where the list can't be searched."""
    try:
        with open(PASSWD, "rb") as file:
            raw = file.read(MOST_BYTES + 1)
    except OSError:
        return None
    if len(raw) > MOST_BYTES:
        return None
    rows = (line.split(b":") for line in raw.splitlines())
    wanted = str(gid).encode()
    return {int(row[2]) for row in rows if len(row) > 3 and row[3] == wanted and row[2].isdigit()}


def _only_local() -> bool:
    """Return whether no other list of accounts than the local one is asked (nsswitch.conf(5))."""
    try:
        with open(NSSWITCH, encoding="utf-8", errors="replace") as file:
            rows = [line.split("#")[0].split() for line in file.read(1 << 16).splitlines()]
    except FileNotFoundError:
        return LINUX  # musl knows nothing else
    except OSError:
        return False
    sources = {word for row in rows if row and row[0] in ("passwd:", "group:") for word in row[1:]}
    return LINUX and all(word in _LOCAL_SOURCES or word.startswith("[") for word in sources)


def _asked(question: object, ask: Callable[[], T]) -> T | None:
    """Return an answer that is remembered, or ask in a thread; None where there is none in time."""
    now = time.monotonic()
    at, remembered = _answers.get(question, (-KEPT_S, None))
    if now - at < KEPT_S:
        return remembered  # type: ignore[return-value]
    box: list[T] = []

    def run() -> None:
        try:
            box.append(ask())
        except (KeyError, OSError, ValueError, OverflowError):
            return  # no such account or group

    thread = threading.Thread(target=run, name="lockdeck-accounts", daemon=True)
    thread.start()
    thread.join(LOOKUP_S)
    answer = box[0] if box else None
    if len(_answers) >= MOST_ANSWERS:
        _answers.clear()
    _answers[question] = (time.monotonic(), answer)
    return answer


def our_uid() -> int:
    """Return the uid with whose rights this process acts."""
    return os.geteuid()
