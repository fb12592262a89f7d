"""How fast logs of the past are read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.bench.bench_log import measure as measure_log
from tests.bench.figures import Figure


def measure(_folder: Path) -> Iterator[Figure]:
    """Yield what `bench_log` measures, with the budget of the lines that don't concern us."""
    for what, value, unit in measure_log():
        asked = unit == "MB/s" and what.startswith("lines") and what.endswith("replay")
        yield Figure(f"log, {what}", value, unit, 200 if asked else None, at_least=asked)
