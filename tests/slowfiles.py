"""Files that a file system does not give out: whoever opens one waits in the kernel until it is let go.

Made with permission events of fanotify(7), which need root and a kernel that has them; no file system of our own is.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_CLASS_CONTENT, _CLOEXEC, _NONBLOCK = 0x04, 0x01, 0x02
_MARK_ADD, _OPEN_PERM, _ON_DIR = 0x01, 0x00010000, 0x40000000
_AT_FDCWD = -100


@contextmanager
def not_given_out(*paths: Path) -> Iterator[None]:
    """Let every opening of some files and directories wait; skips the test where that is not possible."""
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "fanotify_init"):
        pytest.skip("no fanotify here")
    group = libc.fanotify_init(_CLASS_CONTENT | _CLOEXEC | _NONBLOCK, os.O_RDONLY | os.O_CLOEXEC)
    if group < 0:
        pytest.skip(f"fanotify is not possible here: {os.strerror(ctypes.get_errno())}")
    try:
        for path in paths:
            mask = ctypes.c_uint64(_OPEN_PERM | (_ON_DIR if path.is_dir() else 0))
            if libc.fanotify_mark(group, _MARK_ADD, mask, _AT_FDCWD, os.fsencode(path)) < 0:
                pytest.skip(f"no permission events here: {os.strerror(ctypes.get_errno())}")
        yield
    finally:
        os.close(group)  # who waits is let through
