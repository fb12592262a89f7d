"""Processes of OpenClaw that start, judge a lock, are slow, and then delete by path: what the rule about newcomers is for.

One at a time for each lock, one after another without end. Only such a process and the releaser ever remove a lock here,
so without a releaser nobody can be robbed.
"""

from __future__ import annotations

import json
import mmap
import os
import random
import struct
import time
from collections.abc import Callable
from contextlib import suppress

from lockdeck.backend.actions.release.newcomers import NEWCOMER_S, Newcomer, Newcomers, Patience
from lockdeck.backend.openclaw.roots.place import Place
from lockdeck.backend.system import processes
from lockdeck.backend.system.endings import await_an_end
from lockdeck.backend.system.text import safe

SLOW = 0.8
"""Between judging and deleting a start-up takes up to this share of NEWCOMER_S, on the race's clock."""
_ROW = struct.Struct("qd")


class Births:
    """Who has started last for each lock, and when: what a process table tells, on the race's clock."""

    def __init__(self, paths: list[str], compression: float) -> None:
        self.rows = {path: row for row, path in enumerate(paths)}
        self.compression = compression
        self._memory = mmap.mmap(-1, max(1, len(paths)) * _ROW.size)

    def enter(self, path: str) -> None:
        """Enter this process as the one that has just started for a lock."""
        _ROW.pack_into(self._memory, self.rows[path] * _ROW.size, os.getpid(), time.monotonic())

    def look(self, place: Place) -> Newcomers:
        """Return the young process of a lock's place, as lockdeck's own look does."""
        pid, born = _ROW.unpack_from(self._memory, self.rows[place.path] * _ROW.size)
        age = (time.monotonic() - born) * self.compression
        if not pid or age >= NEWCOMER_S or processes.look(pid).liveness is not processes.Liveness.ALIVE:
            return ()
        return (Newcomer(pid, safe("openclaw"), age),)

    def patience(self) -> Patience:
        """Return how a release waits for them."""
        return Patience(
            self.look,
            lambda: time.monotonic() * self.compression,
            lambda pids, seconds: await_an_end(pids, seconds / self.compression),
        )


def start_without_end(path: str, births: Births, ended: Callable[[], bool], seed: int) -> None:
    """Start one such process after another."""
    dice = random.Random(seed)
    while not ended():
        slow_s = dice.uniform(0, SLOW * NEWCOMER_S / births.compression)
        pid = os.fork()
        if pid == 0:
            births.enter(path)
            with suppress(OSError):
                _clear_away(path, slow_s)
            os._exit(0)
        os.waitpid(pid, 0)
        time.sleep(dice.uniform(0, 0.1))


def _clear_away(path: str, slow_s: float) -> None:
    """Judge a lock as OpenClaw's start-up does, and delete by path what stands there some time later."""
    with open(path, "rb") as source:
        raw = source.read()
    try:
        pid = json.loads(raw)["pid"]
    except ValueError:
        return
    if processes.look(pid).liveness is not processes.Liveness.ALIVE:
        time.sleep(slow_s)
        with suppress(FileNotFoundError):
            os.unlink(path)
