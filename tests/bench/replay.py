"""How fast logs of the past are read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.bench.bench_log import HANG, IDLE
from tests.bench.bench_log import measure as measure_log
from tests.bench.figures import Figure

AT_LEAST = {IDLE: 250.0, HANG: 100.0}
"""Budgets in MB/s, for lines in whatever is around them."""


def measure(_folder: Path) -> Iterator[Figure]:
    """Yield what `bench_log` measures, with the budgets of both kinds of lines."""
    for what, value, unit in measure_log():
        budget = AT_LEAST.get(what.partition(",")[0]) if what.endswith(": replay") else None
        yield Figure(f"log, {what}", value, unit, budget, at_least=budget is not None)
