"""Processes that take and leave locks, crash now and then, and are judged by the kernel.

While a process holds a lock it also holds a kernel lock (flock) on a side file, which ends with it: a second
holder can't get it, and that is a double hold.  A holder that finds its file without a name was robbed.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import random
import signal
import struct
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lockdeck.backend.system import processes
from tests.race.rules import Rules, let_go, try_to_acquire

FIELDS = ("acquired", "crashed", "robbed", "double", "disturbed", "displaced", "waited_out")
_RETURN_S = 1.0
"""How long a displaced lock may stay away before it counts as robbed."""
POLL_S = 0.001
"""OpenClaw's 50 ms, on the race's clock."""


class Tally:
    """Counters that survive their process: one row of integers per process, in shared memory."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self._memory = mmap.mmap(-1, max(1, rows) * len(FIELDS) * 8)

    def add(self, row: int, field: str) -> None:
        at = (row * len(FIELDS) + FIELDS.index(field)) * 8
        (value,) = struct.unpack_from("q", self._memory, at)
        struct.pack_into("q", self._memory, at, value + 1)

    def total(self, field: str) -> int:
        index = FIELDS.index(field)
        ats = ((row * len(FIELDS) + index) * 8 for row in range(self.rows))
        return sum(struct.unpack_from("q", self._memory, at)[0] for at in ats)


@dataclass(frozen=True)
class Habits:
    """How an acquirer behaves: share of holds that end in a crash, length of a hold, polls (both in seconds)."""

    crash: float = 0.12
    hold_s: tuple[float, float] = (0.0002, 0.002)
    poll_s: float = POLL_S


def live(
    paths: Sequence[str],
    rules: Rules,
    habits: Habits,
    tally: Tally,
    row: int,
    ended: Callable[[], bool],
    seed: int,
) -> None:
    """Take locks until `ended()` or a crash, which is a real SIGKILL."""
    dice = random.Random(seed)
    while not ended():
        path = dice.choice(paths)
        try:
            hold = try_to_acquire(path, rules)
        except OSError:
            tally.add(row, "disturbed")
            hold = None
        if hold is None:
            time.sleep(habits.poll_s * dice.uniform(0.5, 1.5))
            continue
        tally.add(row, "acquired")
        with open(path + ".truth", "r+b") as truth:
            if not _is_alone(truth.fileno()):
                tally.add(row, "double")
            time.sleep(dice.uniform(*habits.hold_s))
            if dice.random() < habits.crash:
                tally.add(row, "crashed")
                os.kill(os.getpid(), signal.SIGKILL)
            if _was_robbed(path, hold.fd, tally, row):
                tally.add(row, "robbed")
            fcntl.flock(truth, fcntl.LOCK_UN)
        let_go(path, hold, rules)


def _is_alone(truth: int) -> bool:
    """Take the kernel lock; False when a living process has it.

    A look into /proc/<pid>/fd keeps a dying holder's file, and with it its lock, for a moment longer: so the
    holder leaves its pid, and only one that is alive counts.
    """
    try:
        fcntl.flock(truth, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        (other,) = struct.unpack("q", os.pread(truth, 8, 0) or bytes(8))
        if processes.look(other).liveness is processes.Liveness.ALIVE:
            return False
        fcntl.flock(truth, fcntl.LOCK_EX)
    os.pwrite(truth, struct.pack("q", os.getpid()), 0)
    return True


def _was_robbed(path: str, fd: int, tally: Tally, row: int) -> bool:
    """Whether our lock has lost its name for good; one that is away for a moment must come back."""
    ours = os.fstat(fd)
    if _stands(path, ours):
        return False
    tally.add(row, "displaced")
    deadline = time.monotonic() + _RETURN_S
    while time.monotonic() < deadline:
        if os.fstat(fd).st_nlink == 0:
            return True
        if _stands(path, ours):
            return False
        time.sleep(POLL_S)
    return True


def _stands(path: str, ours: os.stat_result) -> bool:
    try:
        return os.path.samestat(os.lstat(path), ours)
    except FileNotFoundError:
        return False
