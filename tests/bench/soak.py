"""Memory, threads and descriptors of `watch` and of the dashboard while a storm goes on: `python -m tests.bench.soak`.

The figures after the first five minutes are compared with those at the end: what rises in between rises for weeks.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
from msgspec import Struct

from tests.bench.children import LOCKDECK, REPOSITORY, Terminal
from tests.bench.figures import Figure, table
from tests.bench.fleet import Fleet, furnish
from tests.bench.storm import storm

SESSIONS = 400
SETTLED_S = 300.0
SAMPLE_S = 5.0


class Sample(Struct, frozen=True):
    """What a process has at a moment (seconds since the beginning): resident bytes, threads, open descriptors."""

    at: float
    rss: int
    threads: int
    descriptors: int


def main() -> int:
    """Run the storm, print the figures; 1 when a process did not live to its end."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0, help="how long the storm lasts (60)")
    parser.add_argument("--quiet", action="store_true", help="no storm: what rises by itself")
    asked = parser.parse_args()
    seconds = 60 * asked.minutes
    with tempfile.TemporaryDirectory(prefix="lockdeck-soak-") as folder:
        fleet = furnish(Path(folder).resolve(), SESSIONS)
        with ExitStack() as running:
            pids = {
                "watch": running.enter_context(_watch(fleet)),
                "dashboard": running.enter_context(_dashboard(fleet)),
            }
            if not asked.quiet:
                running.enter_context(storm(fleet))
            samples = _sample(pids, seconds)
    settled = min(SETTLED_S, seconds / 2)
    figures = [figure for name in pids for figure in _figures(name, samples[name], settled)]
    print("\n".join(table(figures)))
    return 0 if all(len(of_one) == len(samples["watch"]) for of_one in samples.values()) else 1


@contextmanager
def _watch(fleet: Fleet) -> Iterator[int]:
    command = [*LOCKDECK, *fleet.arguments("watch", "--json")]
    with subprocess.Popen(command, cwd=REPOSITORY, env=fleet.environment, stdout=subprocess.DEVNULL) as child:
        try:
            yield child.pid
        finally:
            child.terminate()


@contextmanager
def _dashboard(fleet: Fleet) -> Iterator[int]:
    with Terminal(fleet.arguments("dashboard"), fleet.environment) as terminal:
        terminal.painted(f"{SESSIONS} idle", within=60)
        _TERMINALS.append(terminal)
        yield terminal.pid


_TERMINALS: list[Terminal] = []


def _sample(pids: dict[str, int], seconds: float) -> dict[str, list[Sample]]:
    """Look at the processes again and again, and take meanwhile what the dashboard paints."""
    begun = time.monotonic()
    samples: dict[str, list[Sample]] = {name: [] for name in pids}
    while (at := time.monotonic() - begun) < seconds:
        for name, pid in pids.items():
            try:
                process = psutil.Process(pid)
                sample = Sample(at, process.memory_info().rss, process.num_threads(), process.num_fds())
            except psutil.Error as error:
                print(f"{name} has gone after {at:.0f} s: {error}", file=sys.stderr)
                continue
            samples[name].append(sample)
        _tell(at, samples)
        for terminal in _TERMINALS:
            terminal.idle(SAMPLE_S)
    return samples


def _tell(at: float, samples: dict[str, list[Sample]]) -> None:
    now = "  ".join(
        f"{name} {of_one[-1].rss / 1e6:.1f} MB {of_one[-1].threads} threads {of_one[-1].descriptors} descriptors"
        for name, of_one in samples.items()
        if of_one
    )
    print(f"{at:6.0f} s  {now}", file=sys.stderr, flush=True)


def _figures(name: str, samples: Sequence[Sample], settled: float) -> Iterator[Figure]:
    """Yield what there was once all had settled, what there is at the end, and by how much memory rises in an hour."""
    later = [sample for sample in samples if sample.at >= settled]
    if len(later) < 4:
        return
    tail = max(2, len(later) // 10)
    first, last = later[:tail], later[-tail:]
    before, after = _mean(first), _mean(last)
    hours = (last[-1].at - first[0].at) / 3600
    minutes = f"after {settled / 60:.0f} min"
    yield Figure(
        f"{name}: resident memory at the end", after / 1e6, "MB", versus=f"{before / 1e6:.1f} MB {minutes}"
    )
    yield Figure(f"{name}: rise of resident memory in an hour", (after - before) / 1e6 / hours, "MB", 1)
    for what, most_before, most_after in (
        ("threads", max(s.threads for s in first), max(s.threads for s in last)),
        ("descriptors", max(s.descriptors for s in first), max(s.descriptors for s in last)),
    ):
        yield Figure(
            f"{name}: {what} at the end", most_after, "", most_before + 2, versus=f"{most_before} {minutes}"
        )


def _mean(samples: Sequence[Sample]) -> float:
    return sum(sample.rss for sample in samples) / len(samples)


if __name__ == "__main__":
    sys.exit(main())
