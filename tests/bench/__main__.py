"""Measure every budget and print the table: `python -m tests.bench [PART...] [--doctor]`.

Time never fails it: the exit code is 0 also where a budget is exceeded, and 1 where something could not run.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench import dashboard, doctor, event, hosts, latency, leaving, load, replay, status
from tests.bench.figures import Figure, table

PARTS = {
    "latency": latency.measure,
    "event": event.measure,
    "status": status.measure,
    "load": load.measure,
    "replay": replay.measure,
    "dashboard": dashboard.measure,
    "leaving": leaving.measure,
    "hosts": hosts.measure,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench", description="Measure lockdeck against its budgets."
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"one of {', '.join(PARTS)}; default: all")
    parser.add_argument(
        "--doctor", action="store_true", help="compare with OpenClaw's own doctor as well (some 25 s)"
    )
    asked = parser.parse_args()
    unknown = set(asked.parts) - set(PARTS)
    if unknown:
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    chosen = {name: PARTS[name] for name in asked.parts or PARTS}
    if asked.doctor:
        chosen["doctor"] = doctor.measure
    figures: list[Figure] = []
    failed = False
    for name, measure in chosen.items():
        begin = time.monotonic()
        try:
            with tempfile.TemporaryDirectory(prefix="lockdeck-bench-") as folder:
                figures += measure(Path(folder).resolve())
        except (OSError, RuntimeError, subprocess.SubprocessError) as error:
            failed = True
            print(f"{name}: could not be measured: {error}", file=sys.stderr)
        print(f"{name}: {time.monotonic() - begin:.0f} s", file=sys.stderr)
    busy = ", ".join(f"{load:.1f}" for load in os.getloadavg())
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, load {busy}\n")
    print("\n".join(table(figures)))
    sys.exit(failed)


if __name__ == "__main__":
    main()
