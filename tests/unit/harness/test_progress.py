"""A run that is quiet says what it waits for."""

from __future__ import annotations

import time
from types import SimpleNamespace

from tests.progress import QUIET_S, Progress


def test_tests_that_run_are_named_when_none_has_ended_for_a_while() -> None:
    progress = Progress(SimpleNamespace())
    progress.pytest_runtest_logstart("test_a.py::test_slow")
    progress.pytest_runtest_logstart("test_b.py::test_quick")
    progress.pytest_runtest_logfinish("test_b.py::test_quick")
    now = time.monotonic()
    assert progress.waits(now) == []
    (line,) = progress.waits(now + QUIET_S + 1)
    assert line.startswith("waiting for test_a.py::test_slow, 11 s")
    assert progress.waits(now + QUIET_S + 2) == []
