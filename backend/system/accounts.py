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
KEPT_S = 60.0
"""So long (seconds) an answer, or that there was none, is remembered."""
PASSWD, NSSWITCH = "/etc/passwd", "/etc/nsswitch.conf"
MOST_BYTES = 4 << 20
"""A longer list of accounts is not searched for members of a group."""
_LOCAL_SOURCES = frozenset({"files", "compat", "db", "altfiles", "systemd"})

T = TypeVar("T")
_answers: dict[object, tuple[float, object]] = {}


def name_of(uid: int) -> str | None:
    """Return the name of an account; None where it has none, or nobody tells in time."""
    entry = _asked(("name", uid), lambda: pwd.getpwuid(uid))
    return entry.pw_name if entry else None


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
    """Return whether a group is the primary group of an account and provably has no other member.

    With umask 002, as Fedora and Ubuntu have it, every directory is writable for such a group. Whose primary group it
    is besides is read from the local list of accounts; where there are other lists, which can't be searched (LDAP), only
    a group that bears the name of its account is taken for private.
    """
    return bool(_asked(("private", uid, gid), lambda: _is_private(uid, gid)))


def _is_private(uid: int, gid: int) -> bool:
    account, group = pwd.getpwuid(uid), grp.getgrgid(gid)
    if account.pw_gid != gid or not {account.pw_name, "root"}.issuperset(group.gr_mem):
        return False
    primary = _accounts_with_group(gid)
    if primary is None or not primary <= {uid, ROOT_UID}:
        return False
    return group.gr_name == account.pw_name or _only_local()


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
    _answers[question] = (time.monotonic(), answer)
    return answer


def our_uid() -> int:
    """Return the uid with whose rights this process acts."""
    return os.geteuid()
