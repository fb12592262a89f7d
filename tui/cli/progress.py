"""How far a long reading is, on one line of stderr that goes away again; nothing where that is no terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lockdeck.backend.system.clocks import steady_time
from lockdeck.backend.system.text import safe
from lockdeck.backend.watch.logs.past import ReadingProgress
from lockdeck.tui.view.names import file_name

QUIET_S = 1.0
"""What is over within so many seconds shows nothing."""
EVERY_S = 0.2
"""The line changes at most so often (seconds)."""
_MB = 1_000_000
_CLEAR = "\r\x1b[K"


@contextmanager
def reading_shown(
    clock: Callable[[], float] = steady_time,
) -> Iterator[Callable[[ReadingProgress], None] | None]:
    """Yield what shows how far a reading is; None where stderr is no terminal."""
    if not sys.stderr.isatty() or os.environ.get("TERM", "dumb") in ("", "dumb"):
        yield None
        return
    next_at, shown_once = clock() + QUIET_S, False

    def report(progress: ReadingProgress) -> None:
        nonlocal next_at, shown_once
        if clock() >= next_at:
            next_at, shown_once = clock() + EVERY_S, True
            _write(f"{_CLEAR}{progress_line(progress, _columns())}")

    try:
        yield report
    finally:
        if shown_once:
            _write(_CLEAR)


def progress_line(progress: ReadingProgress, columns: int) -> str:
    """Return the line: what is read, bytes read and, where it is known, of how many."""
    amount = f"{progress.done / _MB:.0f} MB"
    if progress.total:
        part = min(100, 100 * progress.done // progress.total)
        amount = f"{progress.done / _MB:.0f} of {progress.total / _MB:.0f} MB, {part} %"
    name = file_name(progress.path) if progress.path != "-" else "stdin"
    return safe(f"reading {name}: {amount}", max(1, columns - 1))


def _columns() -> int:
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or 80
    except (OSError, ValueError):
        return 80


def _write(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()
