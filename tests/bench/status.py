"""`lockdeck status --json` as a whole process: a small fleet, and large ones with many locks."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.bench.children import LOCKDECK, REPOSITORY
from tests.bench.figures import Figure
from tests.bench.fleet import AGENTS, Fleet, furnish, locked

SIZES = (2500, 5000, 10000)
HELD = 20


def measure(folder: Path) -> Iterator[Figure]:
    """Yield the figures of a small fleet and of growing ones."""
    yield small(folder)
    yield from large(folder)


def small(folder: Path) -> Figure:
    """Return how long a status of one session per agent takes, against an empty Python process."""
    fleet = furnish(folder / "small", len(AGENTS))
    empty = _seconds((sys.executable, "-c", "pass"), fleet, 10)
    with locked(fleet, 2, held=1):
        ours = _seconds(_status(fleet), fleet, 10)
    versus = f"{ours / empty:.1f} x `python -c pass` ({empty:.3f} s)"
    return Figure(f"status --json, {len(AGENTS)} agents", ours, "s", 0.30, versus=versus)


def large(folder: Path) -> Iterator[Figure]:
    """Yield how long a status takes as the fleet grows."""
    took: dict[int, float] = {}
    for size in SIZES:
        fleet = furnish(folder / str(size), size)
        with locked(fleet, size // 10, HELD):
            took[size] = _seconds(_status(fleet), fleet, 3)
        limit = 1.5 if size == SIZES[-1] else None
        yield Figure(f"status --json, {size:,} sessions, {size // 10:,} locks", took[size], "s", limit)
    growth = took[SIZES[-1]] / took[SIZES[-2]]
    yield Figure(
        "  the last against the one before, twice as many sessions (linear: at most 2)", growth, "x", 2
    )


def _status(fleet: Fleet) -> tuple[str, ...]:
    return (*LOCKDECK, *fleet.arguments("status", "--json"))


def _seconds(command: Sequence[str], fleet: Fleet, rounds: int) -> float:
    """Return the median wall time of the whole process."""
    return statistics.median(_once(command, fleet) for _ in range(rounds))


def _once(command: Sequence[str], fleet: Fleet) -> float:
    begin = time.perf_counter()
    done = subprocess.run(command, cwd=REPOSITORY, env=fleet.environment, capture_output=True, check=False)
    took = time.perf_counter() - begin
    if done.returncode not in (0, 1):
        raise RuntimeError(f"{command}: exit code {done.returncode}: {done.stderr.decode()[-500:]}")
    return took
