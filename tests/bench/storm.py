"""A storm over a fleet: locks, a log that grows and is cut, a gateway that restarts, a root that goes and comes back."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime

from tests.bench.children import REPOSITORY
from tests.bench.fleet import RECORDED_LOG, Fleet

EVENTS_PER_SECOND = 40
LOG_S, CUT_S, GATEWAY_S, MOVE_S = 1.0, 20.0, 15.0, 45.0
"""Every so many seconds the log grows, is cut to nothing, the gateway restarts, and the root is away for a moment."""
AWAY_S = 1.0
_FOREVER_S = 10**7
_GATEWAY = ("openclaw-gateway", "-I", "-S", "-c", "import sys; sys.stdin.read()")


@contextmanager
def storm(fleet: Fleet) -> Iterator[None]:
    """Let it rage until the block ends."""
    over = threading.Event()
    with ExitStack() as parts:
        parts.enter_context(_churn(fleet))
        gateway = parts.enter_context(_restarting(fleet))
        works: tuple[tuple[float, Callable[[], None]], ...] = (
            (LOG_S, lambda: _grow(fleet)),
            (CUT_S, lambda: os.truncate(fleet.log, 0)),
            (GATEWAY_S, gateway),
            (MOVE_S, lambda: _move(fleet)),
        )
        threads = [threading.Thread(target=_again, args=(over, every, work)) for every, work in works]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            over.set()
            for thread in threads:
                thread.join()


def _again(over: threading.Event, every_s: float, work: Callable[[], None]) -> None:
    while not over.wait(every_s):
        with suppress(OSError):  # the root is away just now
            work()


@contextmanager
def _churn(fleet: Fleet) -> Iterator[None]:
    command = [sys.executable, "-m", "tests.bench.churn", str(EVENTS_PER_SECOND), str(_FOREVER_S)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdin=subprocess.PIPE, text=True) as churn:
        assert churn.stdin is not None
        churn.stdin.write("\n".join(fleet.locks.values()))
        churn.stdin.close()
        try:
            yield
        finally:
            churn.kill()


def _grow(fleet: Fleet) -> None:
    """Append a recorded run, as if it were of now."""
    today = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    with open(RECORDED_LOG, encoding="utf-8") as recorded, open(fleet.log, "a", encoding="utf-8") as log:
        for row in recorded:
            with suppress(ValueError):
                record = json.loads(row)
                if isinstance(record, dict) and "time" in record:
                    record["time"] = today
                    row = json.dumps(record) + "\n"
            log.write(row)


def _move(fleet: Fleet) -> None:
    away = fleet.root.with_name(".openclaw-away")
    fleet.root.rename(away)
    try:
        time.sleep(AWAY_S)
    finally:
        away.rename(fleet.root)


@contextmanager
def _restarting(fleet: Fleet) -> Iterator[Callable[[], None]]:
    """Yield what ends the gateway, which has its lock open, and starts another."""
    running: list[subprocess.Popen[bytes]] = []
    folder = fleet.home / f"openclaw-{os.getuid()}"
    folder.mkdir(mode=0o700)
    config = str(fleet.root / "openclaw.json")
    path = folder / f"gateway.{hashlib.sha256(config.encode()).hexdigest()[:8]}.lock"

    def end() -> None:
        for gateway in running:
            gateway.kill()
            gateway.wait()
        running.clear()

    def restart() -> None:
        end()
        with open(path, "w", encoding="utf-8") as lock:
            gateway = subprocess.Popen(
                _GATEWAY, executable=sys.executable, stdin=subprocess.PIPE, pass_fds=[lock.fileno()]
            )
            running.append(gateway)
            now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            json.dump({"pid": gateway.pid, "createdAt": now, "configPath": config}, lock)

    restart()
    try:
        yield restart
    finally:
        end()
