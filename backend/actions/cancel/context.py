"""The context of one cancel: the run that is to end, the limits, and the tools that its rungs work with."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from msgspec import Struct, field

from lockdeck.backend.actions.cancel.log import HeardLog
from lockdeck.backend.actions.cancel.records import CancelPlan
from lockdeck.backend.actions.journal import Journal
from lockdeck.backend.model.locks import LockKind, LockRecord
from lockdeck.backend.model.runs.chain import FailoverChain
from lockdeck.backend.openclaw.gateway.access import Line
from lockdeck.backend.openclaw.locks.lockfile import read_lock
from lockdeck.backend.system.clocks import steady_time, wall_time

Clock = Callable[[], float]
Wait = Callable[[float], object]
Report = Callable[[str], None]


def _no_report(_sentence: str) -> None:
    """Tell nobody."""


class NothingToEndError(Exception):
    """No run of the session is there to be ended: it is over, or another process has the lock by now."""


class NoLockTakenError(NothingToEndError):
    """No lock was taken for as long as a gap between two attempts may last."""


class CancelLimits(Struct, frozen=True):
    """The longest times that things may take, in seconds.

    `ripe`: how long a lock must stand before a run is aborted: an abort in the first half second of an
    attempt left 3 of 36 sessions locked for a minute on 2026.7.35. `gap`: until a lock is there to act on
    (18.5 s were seen between two attempts). `free`: until the lock is gone after a call. `quiet`: for how long
    it must stay away; `quiet_blind` the same where no log can be read, or where it says that a next attempt
    was decided on (gaps of 11 s were seen on a busy machine). `brief`: a lock that is taken again for less
    than this is the run's last write and no attempt (holds of some ms follow an abort on 2026.7.35).
    `wind_up`: how much longer a lock may stand while the gateway shows no active run any more: it cleans up
    after the abort (2 s were seen on 2026.7.35). `request`: for how long a request that outlives its run is waited
    for. `restart`: until a process that is told to end has ended, and
    until a new gateway is there; `drain` the former for a gateway that lets its runs end first (2026.9).
    `poll`: between looks.
    """

    ripe: float = 1.0
    gap: float = 30.0
    free: float = 4.0
    quiet: float = 5.0
    quiet_blind: float = 12.0
    brief: float = 1.0
    wind_up: float = 8.0
    request: float = 10.0
    restart: float = 60.0
    drain: float = 340.0
    poll: float = 0.01


class CancelTools(Struct, frozen=True):
    """The tools of a cancel: its journal, time, limits, and `report`, which hears each sentence as it comes.

    `clock` gives epoch seconds, to date things; `steady` the seconds of a clock that nobody can set, for all waits.
    """

    journal: Journal
    clock: Clock = wall_time
    wait: Wait = time.sleep
    report: Report = _no_report
    limits: CancelLimits = CancelLimits()
    steady: Clock = steady_time


class RunTarget(Struct, frozen=True):
    """The run that is to end: its session, the lock it holds and the process that has it, its id where known."""

    key: str
    lock_path: str
    pid: int
    run_id: str | None = None
    chain: FailoverChain = field(default_factory=FailoverChain)


class CancelContext(Struct, frozen=True):
    """All that the rungs of one cancel work with. `report` is told what is going on, `connect` opens a new line.

    `clock` and `steady` are those of the tools.
    """

    plan: CancelPlan
    target: RunTarget
    limits: CancelLimits
    line: Line | None
    log: HeardLog
    clock: Clock
    steady: Clock
    wait: Wait
    report: Report
    connect: Callable[[], Line]

    def lock_stands(self) -> bool:
        """Return whether something stands where the session's lock would."""
        return bool(self.target.lock_path) and os.path.lexists(self.target.lock_path)

    def read_lock(self) -> LockRecord:
        """Read the lock as it is now."""
        return read_lock(self.target.lock_path, self.plan.root, None, LockKind.SESSION)
