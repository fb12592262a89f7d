"""What one event costs the collector, by the number of sessions that are watched: calls, instructions, processor time.

Calls of Python functions and instructions repeat from run to run; times do not, on a machine with others.
"""

from __future__ import annotations

import gc
import statistics
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import FrameType

import psutil

from lockdeck.backend.settings.records import Settings
from lockdeck.backend.watch.collector import Collector
from lockdeck.backend.watch.directory import QUIET_S
from tests.bench.children import Holder
from tests.bench.figures import Figure
from tests.bench.fleet import Fleet, furnish, locked
from tests.bench.instructions import of_one_event

SIZES = (1_000, 10_000, 100_000)
PER_AGENT = 100
EVENTS = 6
LOOKS = 2
LIMIT = 1.5
"""An event may cost so many times as much in the largest fleet as in the smallest."""


class Calls:
    """Counts the calls of Python functions in threads that begin after it was made."""

    def __init__(self) -> None:
        self.count = 0

    def add(self, _frame: FrameType, what: str, _argument: object) -> None:
        """Count one, if it is a call."""
        self.count += what == "call"


def measure(folder: Path) -> Iterator[Figure]:
    """Yield the cost of one lock that comes or goes, of a full look, and the memory, at each size."""
    costs: list[tuple[float, float, float | None]] = []
    for sessions in SIZES:
        fleet = furnish(folder / str(sessions), sessions, agents=sessions // PER_AGENT, snapshot_bytes=0)
        with locked(fleet, sessions // 10, sessions // 50):
            costs.append((yield from _figures(fleet, sessions)))
    for what, least, most in zip(
        ("calls", "processor time", "instructions"), costs[0], costs[-1], strict=True
    ):
        if least is not None and most is not None:
            name = f"one event, {SIZES[-1]:,} against {SIZES[0]:,} sessions: {what}"
            yield Figure(name, most / least, "x", LIMIT)


def _figures(fleet: Fleet, sessions: int) -> Generator[Figure, None, tuple[float, float, float | None]]:
    """Yield the figures of one fleet; return calls, milliseconds and, where valgrind counts them, instructions of an event."""
    what = f"{sessions:,} sessions, {sessions // 10:,} locks"
    gc.collect()
    begun = time.process_time()
    collector = Collector.discover(
        [str(fleet.root)], Settings(), logs=[str(fleet.log)], env=fleet.environment
    )
    with closing(collector), Holder() as holder:
        if len(collector.look().sessions) < sessions:
            raise RuntimeError(f"of {what} not all are seen: nothing is measured")
        yield Figure(f"first look, {what}: processor time", 1000 * (time.process_time() - begun), "ms")
        # What was just written is looked at again, and the second look asks how long what it builds stands.
        time.sleep(QUIET_S)
        collector.look()
        looks = [_milliseconds(collector.look) for _ in range(LOOKS)]
        yield Figure(f"full look, {what}: processor time", statistics.median(looks), "ms")
        took = statistics.median(map(_milliseconds, _events(fleet, collector, holder)))
        with _counted(collector) as calls:
            counts = []
            for event in _events(fleet, collector, holder):
                before = calls.count
                event()
                counts.append(calls.count - before)
        counted = of_one_event(fleet, holder, _event_path(fleet))
    yield Figure(f"one event, {what}: calls", statistics.median(counts), "")
    if counted is not None:
        yield Figure(f"one event, {what}: instructions", counted / 1e6, "million")
    yield Figure(f"one event, {what}: processor time", took, "ms")
    memory = psutil.Process().memory_info().rss / 2**20
    yield Figure(f"collector, {what}: resident memory of the process", memory, "MB")
    return statistics.median(counts), took, counted


def _events(fleet: Fleet, collector: Collector, holder: Holder) -> Iterator[Callable[[], object]]:
    """Take and release a lock again and again; yield each time what looks at that."""
    path = _event_path(fleet)
    for number in range(EVENTS):
        (holder.release if number % 2 else holder.take)(path)
        yield lambda: collector._look({str(Path(path).parent)})


def _event_path(fleet: Fleet) -> str:
    """Return the lock that comes and goes."""
    return list(fleet.locks.values())[-1]


@contextmanager
def _counted(collector: Collector) -> Iterator[Calls]:
    """Count calls in the thread that makes the steps of a look: another than the one that did so far."""
    calls = Calls()
    threading.setprofile(calls.add)
    collector._patience.close()
    try:
        yield calls
    finally:
        threading.setprofile(None)  # type: ignore[arg-type]


def _milliseconds(look: Callable[[], object]) -> float:
    begun = time.process_time()
    look()
    return 1000 * (time.process_time() - begun)
