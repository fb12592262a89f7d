"""From the creation of a lock file to its row on the terminal, against the bare file event."""

from __future__ import annotations

import random
import shutil
import statistics
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue

from tests.bench.children import ROWS, Holder, Terminal
from tests.bench.figures import Figure, percentile
from tests.bench.fleet import AGENTS, Fleet, furnish

SESSIONS = 1000
TIMES = 100
LARGER, A_FEW_TIMES = (10_000, 100_000), 50
PER_AGENT = 250
"""As many as each agent has where there are 1,000 sessions."""
START_S = 300.0
SEED = 62351
DEBOUNCE_MS, STEP_MS = 40, 8
"""What watchfiles is asked for as the measure, whatever lockdeck itself asks for."""


def measure(folder: Path) -> Iterator[Figure]:
    """Yield the figures of the dashboard in a real terminal, and of watchfiles alone on the same directories."""
    fleet = furnish(folder / str(SESSIONS), SESSIONS)
    bare = _milliseconds(_bare_events(fleet))
    painted = _milliseconds(_painted_rows(fleet, TIMES))
    worst, worst_bare = percentile(painted, 0.99), percentile(bare, 0.99)
    middle, middle_bare = statistics.median(painted), statistics.median(bare)
    what = f"lock created -> row painted, {SESSIONS:,} sessions"
    yield Figure(f"{what}: p50", middle, "ms", versus=f"bare watchfiles event {middle_bare:.1f} ms")
    yield Figure(f"{what}: p99", worst, "ms", versus=f"bare watchfiles event {worst_bare:.1f} ms")
    yield Figure(f"{what}: p99 against the bare event's", worst / worst_bare, "x", 2)
    for sessions in LARGER:
        home = folder / str(sessions)
        larger = furnish(home, sessions, agents=sessions // PER_AGENT, snapshot_bytes=0)
        late = percentile(_milliseconds(_painted_rows(larger, A_FEW_TIMES)), 0.99)
        what = f"lock created -> row painted, {sessions:,} sessions: p99"
        yield Figure(what, late, "ms", 1.5 * worst, versus=f"{late / worst:.2f} x that at {SESSIONS:,}")
        shutil.rmtree(home)


def _milliseconds(seconds: Iterator[float]) -> list[float]:
    return [1000 * one for one in seconds]


def _painted_rows(fleet: Fleet, times: int) -> Iterator[float]:
    """Sessions that stand below what the terminal shows come to the top when they begin to run."""
    chance = random.Random(SEED)
    below = f"cron:{ROWS * len(AGENTS):06}"
    chosen = chance.sample([item for item in fleet.locks.items() if item[0] > below], times)
    with Holder() as holder, Terminal(fleet.arguments("dashboard"), fleet.environment) as terminal:
        terminal.painted(f"{len(fleet.locks)} idle", START_S)
        terminal.idle(2.0)
        for name, path in chosen:
            begun = holder.take(path)
            yield terminal.painted(name) - begun
            holder.release(path)
            terminal.idle(chance.uniform(0.2, 0.5))


def _bare_events(fleet: Fleet) -> Iterator[float]:
    import watchfiles

    moments: SimpleQueue[tuple[float, set[str]]] = SimpleQueue()
    stop = threading.Event()
    root = fleet.root / "agents"

    def watch() -> None:
        for events in watchfiles.watch(
            root, debounce=DEBOUNCE_MS, step=STEP_MS, stop_event=stop, rust_timeout=100
        ):
            moments.put((time.monotonic(), {path for _, path in events}))

    thread = threading.Thread(target=watch)
    thread.start()
    chance = random.Random(SEED)
    with Holder() as holder:
        time.sleep(1.0)
        for path in chance.sample(list(fleet.locks.values()), TIMES):
            begun = holder.take(path)
            moment, paths = moments.get(timeout=5)
            while path not in paths:
                moment, paths = moments.get(timeout=5)
            yield moment - begun
            holder.release(path)
            time.sleep(chance.uniform(0.02, 0.1))
    stop.set()
    thread.join()
