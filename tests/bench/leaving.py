"""From the key `q` to the end of the process, while a scan hangs that will never return."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench.figures import Figure
from tests.pty.terminal import Terminal

TIMES = 20
SETTLED_S = 0.3


def measure(_folder: Path) -> Iterator[Figure]:
    """Yield how long it takes to leave."""
    spent = sorted(_leavings())
    what = "q -> process gone, a scan hangs"
    yield Figure(f"{what}: p50", statistics.median(spent), "ms")
    yield Figure(f"{what}: worst of {TIMES}", spent[-1], "ms", 200)


def _leavings() -> Iterator[float]:
    for _time in range(TIMES):
        with Terminal("hanging") as terminal:
            terminal.read_until(b"silas")
            time.sleep(SETTLED_S)
            begun = time.monotonic()
            terminal.type(b"q")
            if terminal.end() != 0:
                raise RuntimeError("the dashboard ended with an error")
            yield 1000 * (time.monotonic() - begun)
