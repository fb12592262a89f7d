"""Asks whose connections are cut at every byte, and whose agents are killed at every step; more of them: `tests.hosts.cuts`."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.folders import REPOSITORY

ASKS = 400


@pytest.mark.timeout(300)
def test_every_ask_is_done_once_at_most_and_known_wherever_it_is_cut():
    words = (sys.executable, "-m", "tests.hosts.cuts", "--asks", str(ASKS))
    done = subprocess.run(words, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    print(done.stdout)
    assert done.returncode == 0, done.stderr
