"""`lockdeck status --json` as a whole process: a small fleet, and large ones with many locks."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from tests.bench.children import LOCKDECK
from tests.bench.cost import cost_of
from tests.bench.figures import Figure
from tests.bench.fleet import AGENTS, Fleet, furnish, locked

SIZES = (2500, 5000, 10000)
HELD = 20
ROUNDS = 10


def measure(folder: Path) -> Iterator[Figure]:
    """Yield the figures of a small fleet and of growing ones."""
    yield small(folder)
    yield from large(folder)


def small(folder: Path) -> Figure:
    """Return what a status of one session per agent costs, against an empty Python process and the libraries alone."""
    fleet = furnish(folder / "small", len(AGENTS))
    empty = cost_of((sys.executable, "-c", "pass"), fleet.environment, ROUNDS).cpu_s
    libraries = cost_of((sys.executable, "-c", "import click, msgspec"), fleet.environment, ROUNDS).cpu_s
    with locked(fleet, 2, held=1):
        ours = cost_of(_status(fleet), fleet.environment, ROUNDS).cpu_s
    versus = f"{ours / empty:.1f} x `python -c pass` ({empty:.3f} s), which may be 8; `import click, msgspec` {libraries / empty:.1f} x"
    return Figure(f"status --json, {len(AGENTS)} agents: processor time", ours, "s", 0.09, versus=versus)


def large(folder: Path) -> Iterator[Figure]:
    """Yield what a status costs as the fleet grows."""
    took: dict[int, float] = {}
    for size in SIZES:
        fleet = furnish(folder / str(size), size)
        with locked(fleet, size // 10, HELD):
            took[size] = cost_of(_status(fleet), fleet.environment, 3).cpu_s
        limit = 0.45 if size == SIZES[-1] else None
        yield Figure(
            f"status --json, {size:,} sessions, {size // 10:,} locks: processor time", took[size], "s", limit
        )
    growth = took[SIZES[-1]] / took[SIZES[-2]]
    yield Figure(
        "  the last against the one before, twice as many sessions (linear: at most 2)", growth, "x", 2
    )


def _status(fleet: Fleet) -> tuple[str, ...]:
    return (*LOCKDECK, *fleet.arguments("status", "--json"))
