"""Giving up root for good, in a process of its own that has nothing of root's in it. Linux."""

from __future__ import annotations

import ctypes
import errno
import os
import re

from lockdeck.backend.model.pattern import late_pattern

_PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 4, 38
_JOIN_SESSION_KEYRING = 1
_KEYCTL = {"x86_64": 250, "aarch64": 219}
"""The number of keyctl(2), which the C library does not wrap."""
_NO_KEYRINGS = frozenset({errno.ENOSYS, errno.EPERM})
_CAPABILITIES = late_pattern(rb"^Cap(?:Prm|Eff|Amb):\t0+$", re.MULTILINE)


def become(uid: int, gid: int) -> None:
    """Become an account, which needs no entry anywhere, for good and without any power of root.

    Its /proc then is readable to that account, as those of all its processes are, so nothing secret may be in its memory.
    Where root's session keyring can't be left it stays shut. Raises OSError where something of root's is left.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    left = _leave_keyring(libc)
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    with open("/proc/self/status", "rb") as file:
        powerless = len(_CAPABILITIES.findall(file.read())) == 3
    if os.getresuid() != (uid,) * 3 or os.getresgid() != (gid,) * 3 or os.getgroups() or not powerless:
        raise PermissionError(errno.EPERM, f"root's power could not be given up for uid {uid}")
    _prctl(libc, _PR_SET_NO_NEW_PRIVS, 1)
    if left:
        _prctl(libc, _PR_SET_DUMPABLE, 1)


def _leave_keyring(libc: ctypes.CDLL) -> bool:
    """Join a new session keyring, so that root's can't be reached; return whether it can't."""
    number = _KEYCTL.get(os.uname().machine)
    if number is None:
        return False
    joined = libc.syscall(ctypes.c_long(number), ctypes.c_long(_JOIN_SESSION_KEYRING), None)
    # Where the kernel has no keyrings, or a sandbox forbids them to all of its processes, nothing can be reached.
    return joined >= 0 or ctypes.get_errno() in _NO_KEYRINGS


def _prctl(libc: ctypes.CDLL, option: int, value: int) -> None:
    nothing = ctypes.c_ulong(0)
    if libc.prctl(ctypes.c_int(option), ctypes.c_ulong(value), nothing, nothing, nothing) != 0:
        raise OSError(ctypes.get_errno(), f"prctl {option}")
