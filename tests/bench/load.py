"""What watching costs while it goes on: processor time of `lockdeck watch` and of the dashboard."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from tests.bench.children import LOCKDECK, REPOSITORY, Terminal
from tests.bench.figures import Figure
from tests.bench.fleet import Fleet, furnish

SESSIONS = 1000
IDLE = {1000: 0.3, 10_000: 1.0}
"""What an idle `watch` may use of a core (percent), by sessions."""
SECONDS = 15.0
EVENTS_PER_SECOND = 200
SETTLING_S = 3.0


def measure(folder: Path) -> Iterator[Figure]:
    """Yield the share of one core that is used when nothing happens, and when much does."""
    for sessions, limit in IDLE.items():
        fleet = furnish(folder / str(sessions), sessions)
        command = [*LOCKDECK, *fleet.arguments("watch", "--json")]
        with subprocess.Popen(
            command, cwd=REPOSITORY, env=fleet.environment, stdout=subprocess.DEVNULL
        ) as child:
            try:
                time.sleep(SETTLING_S)
                what = f"watch, idle, {sessions:,} sessions: share of a core"
                yield Figure(what, _share(child.pid), "%", limit)
                if sessions == SESSIONS:
                    yield _under_load(fleet, child.pid)
            finally:
                child.terminate()
    yield _dashboard(furnish(folder / "dashboard", SESSIONS))


def _dashboard(fleet: Fleet) -> Figure:
    with Terminal(fleet.arguments("dashboard"), fleet.environment) as terminal:
        terminal.painted(f"{SESSIONS} idle")
        terminal.idle(SETTLING_S)
        before = _used(terminal.pid)
        terminal.idle(SECONDS)
        share = 100 * (_used(terminal.pid) - before) / SECONDS
    return Figure(f"dashboard, idle, {SESSIONS:,} sessions: share of a core", share, "%", 0.6)


def _under_load(fleet: Fleet, pid: int) -> Figure:
    command = [sys.executable, "-m", "tests.bench.churn", str(EVENTS_PER_SECOND), str(SECONDS + 2)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdin=subprocess.PIPE, text=True) as churn:
        if churn.stdin is None:
            raise RuntimeError("the churning process has no stdin")
        churn.stdin.write("\n".join(fleet.locks.values()))
        churn.stdin.close()
        time.sleep(1.0)
        share = _share(pid)
    return Figure(f"watch, {EVENTS_PER_SECOND} file events/s: share of a core", share, "%", 6)


def _share(pid: int) -> float:
    before = _used(pid)
    time.sleep(SECONDS)
    return 100 * (_used(pid) - before) / SECONDS


def _used(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system
