"""The countdown of a release that waits, on stderr: one line that is written over on a terminal, else one for each change."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from lockdeck.backend.actions.release.newcomers import Newcomers
from lockdeck.backend.actions.release.sentences import waiting
from lockdeck.backend.system.text import safe
from lockdeck.tui.cli.output import narrate

_START_OF_LINE = "\r\x1b[K"
_COLUMNS = 120


class Countdown:
    """Hears how long a release waits at most, and for whom."""

    def __init__(self) -> None:
        self.pids: frozenset[int] = frozenset()

    def __call__(self, seconds: float, newcomers: Newcomers) -> None:
        """Say it, where there is something new to say."""
        pids = frozenset(one.pid for one in newcomers)
        if sys.stderr.isatty():
            sys.stderr.write(f"{_START_OF_LINE}{safe(waiting(seconds, newcomers), _COLUMNS)}")
            sys.stderr.flush()
        elif pids != self.pids:
            narrate(waiting(seconds, newcomers))
        self.pids = pids


@contextmanager
def countdown() -> Iterator[Countdown]:
    """Yield a countdown; its line is gone afterwards."""
    count = Countdown()
    try:
        yield count
    finally:
        if count.pids and sys.stderr.isatty():
            sys.stderr.write(_START_OF_LINE)
            sys.stderr.flush()
