"""A test that hangs ends its run, and says where."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from tests.folders import REPOSITORY

PATIENCE_S = 60
"""Far more than the limit of one second and the start of an interpreter on a busy machine; far less than for ever."""

WAITING_TASK = """
    import asyncio

    async def waits_for_ever():
        await asyncio.Event().wait()

    async def test_hangs():
        await asyncio.create_task(waits_for_ever(), name="the one that hangs")
"""
TEARDOWN_OF_A_MACHINE = """
    import threading
    from hypothesis.stateful import RuleBasedStateMachine, rule

    class Machine(RuleBasedStateMachine):
        @rule()
        def step(self): pass
        def teardown(self):
            while True:
                try:
                    threading.Event().wait()
                except BaseException:  # what a time limit throws into the test
                    pass

    TestMachine = Machine.TestCase
"""
NO_THREAD_CAN_RUN = """
    import re

    def test_hangs():
        re.match("(a+)+b", "a" * 100)
"""


def run(folder: Path, code: str, *options: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_it.py").write_text(dedent(code))
    (folder / "conftest.py").write_text('pytest_plugins = ("tests.watchdog", "tests.progress")\n')
    (folder / "pytest.ini").write_text("[pytest]\nasyncio_mode = auto\ntimeout = 1\n")
    words = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options, "."]
    env = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    return subprocess.run(words, cwd=folder, env=env, capture_output=True, text=True, timeout=PATIENCE_S)


@pytest.mark.parametrize(
    ("code", "place"),
    [(TEARDOWN_OF_A_MACHINE, "in teardown"), (NO_THREAD_CAN_RUN, "in test_hangs")],
    ids=["hypothesis", "no-thread-can-run"],
)
def test_a_test_that_hangs_ends_its_run_and_shows_the_place(tmp_path: Path, code: str, place: str) -> None:
    done = run(tmp_path, code)
    assert done.returncode == 1
    assert place in done.stderr


def test_beside_a_test_that_hangs_the_others_end(tmp_path: Path) -> None:
    done = run(tmp_path, WAITING_TASK + "\n    def test_passes(): pass\n", "-n", "1")
    assert "1 failed, 1 passed" in done.stdout
    for place in ("Thread MainThread", "Task the one that hangs", "in waits_for_ever"):
        assert place in done.stderr
