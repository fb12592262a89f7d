"""The output of the command line: data to stdout, narration to stderr, on streams that may be odd, full or gone."""

from __future__ import annotations

import io
import os
import select
import sys
from collections.abc import Iterable
from itertools import islice
from typing import Any

from lockdeck.backend.system.text import safe

_AT_ONCE = 200
"""So many lines are put into one write at most."""


class Sink(io.FileIO):
    """A standard stream that raises nothing: from the first `trouble` on, what is written goes nowhere.

    So a reader that went away never ends a command early, and an action is not left half done.
    """

    trouble: OSError | None = None

    def __init__(self, descriptor: int) -> None:
        """`descriptor` stays open."""
        super().__init__(descriptor, "wb", closefd=False)

    def write(self, data: Any) -> int:
        """Write some of the bytes and return how many."""
        while self.trouble is None:
            try:
                written: int | None = super().write(data)
            except OSError as error:
                self.trouble = error
            else:
                if written is not None:
                    return written
                select.select([], [self], [])  # somebody made the stream non-blocking for all who share it
        return len(data)


def take_streams() -> None:
    """Take stdin, stdout and stderr as they were given.

    One that is closed is as good as empty. A character that the encoding does not have is written as its escape.
    """
    if sys.stdin is None:
        sys.stdin = os.fdopen(_nowhere())
    sys.stdout, sys.stderr = _sink(sys.stdout), _sink(sys.stderr)


def _sink(stream: Any) -> io.TextIOWrapper:
    descriptor, encoding = (stream.fileno(), stream.encoding) if stream is not None else (_nowhere(), "utf-8")
    buffer = io.BufferedWriter(Sink(descriptor))
    return io.TextIOWrapper(buffer, encoding, errors="backslashreplace", line_buffering=True)


def _nowhere() -> int:
    """Open the null device; it gets the lowest number that is free, which is that of the closed stream."""
    return os.open(os.devnull, os.O_RDWR)


def output_trouble() -> OSError | None:
    """Return why stdout can't be written to any more; None while it can."""
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    return raw.trouble if isinstance(raw, Sink) else None


def terminal_width() -> int | None:
    """Return how many cells wide the terminal on stdout is; None where stdout is none: there nothing is cut."""
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns if sys.stdout.isatty() else None
    except (OSError, ValueError):
        return None


def emit(text: str) -> None:
    """Write one line of data to stdout."""
    sys.stdout.write(f"{text}\n")


def emit_all(lines: Iterable[str]) -> None:
    """Write lines of data to stdout, many in one write: whoever reads is woken once for what belongs together."""
    left = iter(lines)
    while batch := tuple(islice(left, _AT_ONCE)):
        emit("\n".join(batch))


def narrate(text: str) -> None:
    """Write one line of narration to stderr; what comes from outside is made safe."""
    sys.stderr.write(f"{safe(text, 4096)}\n")
