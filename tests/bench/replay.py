"""How fast logs of the past are read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.bench.bench_log import HANG, IDLE, peak_mib
from tests.bench.bench_log import measure as measure_log
from tests.bench.figures import Figure

AT_LEAST = {IDLE: 250.0, HANG: 100.0}
"""Budgets in MB/s, for lines in whatever is around them."""


def measure(_folder: Path) -> Iterator[Figure]:
    """Yield what `bench_log` measures, with the budgets of both kinds of lines."""
    for row in measure_log():
        versus = (
            f"{row.times_plain:.0f} x plain reading; {row.lines_s:,.0f} lines/s of {row.line_bytes:.0f} bytes"
        )
        what = f"log, {row.kind}, {row.shape}"
        yield Figure(what, row.megabytes_s, "MB/s", AT_LEAST[row.kind], at_least=True, versus=versus)
    yield Figure("log, peak memory of the process", peak_mib(), "MiB")
