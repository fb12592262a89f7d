"""Words that name an input which is no file on disk."""

from __future__ import annotations

import os
import stat

STDIN = "-"
_STDIN_PATHS = frozenset({STDIN, "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"})


def is_stdin(path: str) -> bool:
    """Return whether a word means what this process was given on stdin."""
    return path in _STDIN_PATHS


def is_pipe(path: str) -> bool:
    """Return whether a log is to be read as it comes: stdin or a pipe."""
    try:
        return is_stdin(path) or stat.S_ISFIFO(os.stat(path).st_mode)
    except (OSError, ValueError):
        return False


def label(path: str) -> str:
    """Return what an input is called in sentences."""
    return "stdin" if is_stdin(path) else path
