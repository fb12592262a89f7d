"""Names the tests that a run waits for when none has ended for a while."""

from __future__ import annotations

import threading
import time

import pytest
from _pytest.terminal import TerminalReporter

QUIET_S = 10.0


def pytest_configure(config: pytest.Config) -> None:
    """Watch from the process that reports, not from xdist's workers."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Progress(reporter), "progress")


class Progress:
    """Knows which tests run, in every worker, and since when none has ended."""

    def __init__(self, reporter: TerminalReporter) -> None:
        self._reporter = reporter
        self._running: dict[str, float] = {}
        self._quiet_since = time.monotonic()
        self._over = threading.Event()

    def pytest_sessionstart(self) -> None:
        threading.Thread(target=self._watch, name="progress", daemon=True).start()

    def pytest_sessionfinish(self) -> None:
        self._over.set()

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._running[nodeid] = time.monotonic()

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        self._running.pop(nodeid, None)
        self._quiet_since = time.monotonic()

    def waits(self, now: float) -> list[str]:
        """Say what is waited for, the longest wait first; nothing when a test has ended just now."""
        running = sorted((started, test) for test, started in list(self._running.items()))
        if not running or now - self._quiet_since < QUIET_S:
            return []
        self._quiet_since = now
        return [f"waiting for {test}, {now - started:.0f} s so far" for started, test in running]

    def _watch(self) -> None:
        while not self._over.wait(1.0):
            waits = self.waits(time.monotonic())
            if waits:
                self._reporter.ensure_newline()
            for line in waits:
                self._reporter.write_line(line)
