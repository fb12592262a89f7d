"""The dashboard with 10,000 sessions: what one changed row costs, and how much memory it needs."""

from __future__ import annotations

import asyncio
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import ClassVar, cast

import psutil
from msgspec.structs import replace
from textual.drivers.headless_driver import HeadlessDriver

from lockdeck.backend.model.delta import Change, FleetDelta
from lockdeck.backend.model.fleet import FleetSnapshot, RootView, SessionView
from lockdeck.backend.model.runs.records import Blocked
from lockdeck.tui.app import LockdeckApp
from lockdeck.tui.screens.fleet import FleetScreen
from lockdeck.tui.view.names import row_key
from tests.bench.children import COLUMNS, ROWS, Terminal
from tests.bench.figures import Figure, percentile
from tests.bench.fleet import AGENTS, furnish

ROOT = "/home/ops/.openclaw"
SESSIONS = 10_000
FIRST_AGENT = AGENTS.index(min(AGENTS))
"""Idle rows stand in the order of their agents: this one's are seen."""
TIMES = 100


def measure(folder: Path) -> Iterator[Figure]:
    """Yield the figures of repainting and of memory."""
    table, whole = asyncio.run(_repaints())
    what = f"one changed row of {SESSIONS:,}"
    yield Figure(f"{what}: table updated and painted: p50", statistics.median(table), "ms")
    yield Figure(f"{what}: table updated and painted: p99", percentile(table, 0.99), "ms", 8)
    yield Figure(f"{what}: from the snapshot to the bytes: p50", statistics.median(whole), "ms")
    yield Figure(f"{what}: from the snapshot to the bytes: p99", percentile(whole, 0.99), "ms")
    yield Figure(f"resident memory, dashboard, {SESSIONS:,} sessions", _megabytes(folder), "MB", 150)


class _Silent:
    """A source that never speaks: the bench hands over the snapshots itself."""

    def run(self, publish: Callable[[FleetSnapshot], None], stop: threading.Event) -> None:
        stop.wait()


class _Paper(HeadlessDriver):
    """A terminal that is painted like a real one; the bytes go nowhere, only their coming is told."""

    painted: ClassVar[asyncio.Event]

    @property
    def is_headless(self) -> bool:
        return False

    def write(self, data: str) -> None:
        if "cron:" in data or "idle" in data:
            self.painted.set()


async def _repaints() -> tuple[list[float], list[float]]:
    """Return milliseconds of processor time: of the table alone, and of the whole way of a snapshot."""
    _Paper.painted = asyncio.Event()
    app = LockdeckApp(_Silent(), update_gap_s=0.0)
    app.driver_class = _Paper
    running = asyncio.create_task(app.run_async(size=(COLUMNS, ROWS), mouse=False))
    snapshot = _snapshot()
    app.publish(snapshot)
    await asyncio.wait_for(_Paper.painted.wait(), 10)
    await app.screen.run_action("command('idle')")  # idle rows are folded: all 10,000 are to be seen
    await asyncio.sleep(0.5)
    fleet = cast("FleetScreen", app.screen)
    shown = fleet.table
    table: list[float] = []
    whole: list[float] = []
    for number in range(TIMES):
        snapshot = _with_one_change(snapshot, number)
        whole.append(await _spent(partial(app.publish, snapshot)))
        again = _changed(snapshot.sessions[_place(number)])
        items = {**fleet.items, row_key(again): again}
        table.append(await _spent(partial(shown.show, shown.order, items)))
    app.exit()
    await running
    return table, whole


async def _spent(change: Callable[[], object]) -> float:
    """Return the processor time from a change to the bytes for the terminal, in milliseconds."""
    await asyncio.sleep(0.05)  # what the change before has left to do is done
    _Paper.painted.clear()
    begin = time.thread_time()
    change()
    await asyncio.wait_for(_Paper.painted.wait(), 10)
    return 1000 * (time.thread_time() - begin)


def _snapshot() -> FleetSnapshot:
    now = time.time()
    sessions = tuple(
        SessionView(ROOT, agent, f"agent:{agent}:cron:{n:06}", f"{n}", since=now - n)
        for n in range(SESSIONS)
        for agent in (AGENTS[n % len(AGENTS)],)
    )
    return FleetSnapshot(now, "bench", (RootView(ROOT, "files", watch="live"),), sessions)


def _with_one_change(snapshot: FleetSnapshot, number: int) -> FleetSnapshot:
    """Let one of the rows that are seen say another thing."""
    sessions = list(snapshot.sessions)
    old = sessions[_place(number)]
    new = sessions[_place(number)] = _changed(old)
    delta = FleetDelta((Change(old, new),))
    return replace(snapshot, generated_at=time.time(), sessions=tuple(sessions), delta=delta)


def _place(number: int) -> int:
    return FIRST_AGENT + len(AGENTS) * (number % 10)


def _changed(view: SessionView) -> SessionView:
    return replace(view, blocked=Blocked(view.blocked.count + 1, view.blocked.last))


def _megabytes(folder: Path) -> float:
    fleet = furnish(folder, SESSIONS)
    with Terminal(fleet.arguments("dashboard"), fleet.environment) as terminal:
        terminal.painted(f"{SESSIONS} idle", within=30)
        terminal.idle(8.0)  # two full looks: what they need at most is by then part of the process
        return psutil.Process(terminal.pid).memory_info().rss / 1e6
