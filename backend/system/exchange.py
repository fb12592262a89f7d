"""Swap two names in one step, or rename without ever replacing: what no portable call offers.

Linux: renameat2(2) with RENAME_EXCHANGE / RENAME_NOREPLACE (works on ext4, tmpfs and overlayfs, seen on
6.18; NFS and 9p refuse, so `probe` before relying on it).  macOS: renameatx_np(2), from its manual.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import functools
import os
import secrets
import sys
from typing import TYPE_CHECKING

from lockdeck.backend.system.text import safe

if TYPE_CHECKING:
    from collections.abc import Callable

_CALLS = {"linux": ("renameat2", 0x2, 0x1), "darwin": ("renameatx_np", 0x2, 0x4)}
"""By platform: name of the call, its flag for swap, its flag for no-replace."""
_UNSUPPORTED = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP}


class ExchangeUnsupported(OSError):  # noqa: N818 - a state of the file system, named like the fact
    """This platform or file system can't swap or rename atomically."""


def exchange(dir_fd_a: int, name_a: str, dir_fd_b: int, name_b: str) -> None:
    """Swap two names, each a plain name inside an open directory; at no time is either name vacant.

    Raises ExchangeUnsupported, or OSError as rename(2) does (FileNotFoundError when either is missing).
    """
    call, swap, _ = _rename_call()
    _rename(call, (dir_fd_a, name_a), (dir_fd_b, name_b), swap)


def rename_noreplace(dir_fd_from: int, name_from: str, dir_fd_to: int, name_to: str) -> None:
    """Rename unless the new name exists.

    Raises FileExistsError then, ExchangeUnsupported, or OSError as rename(2) does.
    """
    call, _, no_replace = _rename_call()
    _rename(call, (dir_fd_from, name_from), (dir_fd_to, name_to), no_replace)


def probe(directory: str) -> str | None:
    """Try an exchange of two files of our own in a directory; None when it works, else the reason against it."""
    name = safe(directory)
    try:
        folder = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        return f"{name} can't be opened: {_reason(error)}"
    try:
        return _probe_in(folder)
    except ExchangeUnsupported as error:
        return f"the file system of {name} can't swap two names atomically: {_reason(error)}"
    except OSError as error:
        return f"the exchange probe in {name} failed: {_reason(error)}"
    finally:
        os.close(folder)


def _probe_in(folder: int) -> str | None:
    stem = f".lockdeck-probe-{secrets.token_hex(8)}"
    names: list[str] = []
    try:
        inodes = [_create(folder, f"{stem}-{side}", names) for side in "ab"]
        exchange(folder, names[0], folder, names[1])
        swapped = [os.stat(name, dir_fd=folder, follow_symlinks=False).st_ino for name in names]
    finally:
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name, dir_fd=folder)
    return None if swapped == inodes[::-1] else "the exchange probe reported success but swapped nothing"


def _create(folder: int, name: str, names: list[str]) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    handle = os.open(name, flags, 0o600, dir_fd=folder)
    names.append(name)
    try:
        return os.fstat(handle).st_ino
    finally:
        os.close(handle)


def _reason(error: Exception) -> str:
    return str(safe(getattr(error, "strerror", None) or error))


@functools.cache
def _rename_call() -> tuple[Callable[..., int], int, int]:
    if sys.platform not in _CALLS:
        raise ExchangeUnsupported(errno.ENOSYS, f"no atomic exchange of names on {sys.platform}")
    symbol, swap, no_replace = _CALLS[sys.platform]
    try:
        call = getattr(ctypes.CDLL(None, use_errno=True), symbol)
    except AttributeError as error:
        raise ExchangeUnsupported(errno.ENOSYS, f"the C library has no {symbol}") from error
    call.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint]
    call.restype = ctypes.c_int
    return call, swap, no_replace


def _rename(call: Callable[..., int], old: tuple[int, str], new: tuple[int, str], flag: int) -> None:
    if call(old[0], _plain_name(old[1]), new[0], _plain_name(new[1]), flag) == 0:
        return
    code = ctypes.get_errno()
    kind = ExchangeUnsupported if code in _UNSUPPORTED else OSError
    raise kind(code, os.strerror(code), old[1], None, new[1])


def _plain_name(name: str) -> bytes:
    """Encode one path component; C would read another file behind a NUL or a slash."""
    if name in {"", ".", ".."} or "/" in name or "\0" in name:
        message = f"not a plain file name: {safe(name)!r}"
        raise ValueError(message)
    return os.fsencode(name)
