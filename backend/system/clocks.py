"""The clocks of the machine, each for its own question. Nothing else in lockdeck's actions reads a clock.

Only `wall_time` can be set by hand or by NTP, forwards or back. It dates what people and OpenClaw date; no wait and
no age of a process depends on it.
"""

from __future__ import annotations

import time

_STEP_S = 0.5
"""A wall clock that has moved by more than this (seconds) was set; less is its slow adjustment."""


def wall_time() -> float:
    """Return the time of day, in epoch seconds."""
    return time.time()


def steady_time() -> float:
    """Return seconds of a clock that nobody can set and that stands still while the machine sleeps: for waits."""
    return time.monotonic()


def uptime() -> float:
    """Return the seconds since the machine started, sleep included: what the start times of processes count in."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    import psutil

    return time.time() - psutil.boot_time()


def time_asleep() -> float:
    """Return the seconds that the machine has slept since it started; 0 where no clock tells."""
    if not hasattr(time, "CLOCK_BOOTTIME"):
        return 0.0
    return max(0.0, uptime() - steady_time())


class _BootMoment:
    """The moment of the boot by the wall clock, the same at each look until that clock is set."""

    def __init__(self) -> None:
        self._epoch: float | None = None

    def read(self) -> float:
        latest = wall_time() - uptime()
        if self._epoch is None or abs(latest - self._epoch) > _STEP_S:
            self._epoch = latest
        return self._epoch


_BOOT = _BootMoment()


def boot_time() -> float:
    """Return when the machine started, in epoch seconds of the wall clock as it is set now."""
    return _BOOT.read()
