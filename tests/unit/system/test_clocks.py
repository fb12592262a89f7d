"""The clocks: what a step of the wall clock may move, and what it may not."""

from __future__ import annotations

import os
import time

import pytest

from lockdeck.backend.system import clocks, procfs

ONLY_LINUX = pytest.mark.skipif(not procfs.LINUX, reason="needs CLOCK_BOOTTIME")


def step(monkeypatch, seconds):
    """Set the wall clock of this process, as a person or NTP sets that of the machine."""
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + seconds)


@pytest.mark.parametrize("seconds", [3600.0, -3600.0])
def test_a_step_of_the_wall_clock_moves_the_boot_with_it_and_no_age_and_no_wait(monkeypatch, seconds):
    before = clocks.boot_time(), clocks.uptime(), clocks.steady_time()
    step(monkeypatch, seconds)
    assert clocks.boot_time() - before[0] == pytest.approx(seconds, abs=1)
    assert 0 <= clocks.uptime() - before[1] < 60
    assert 0 <= clocks.steady_time() - before[2] < 60


def test_the_boot_stays_where_it_is_while_the_clock_is_only_adjusted(monkeypatch):
    before = clocks.boot_time()
    step(monkeypatch, 0.1)
    assert clocks.boot_time() == before


@ONLY_LINUX
@pytest.mark.parametrize("seconds", [3600.0, -3600.0])
def test_the_age_of_a_process_is_the_same_after_a_step_of_the_wall_clock(monkeypatch, seconds):
    stat = procfs.read_stat(os.getpid())
    before = procfs.age_of(stat.start_ticks)
    step(monkeypatch, seconds)
    assert before <= procfs.age_of(stat.start_ticks) < before + 60
