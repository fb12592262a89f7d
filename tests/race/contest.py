"""One contest: many acquirers on a few locks, some releasers, a time limit; what happened, in numbers."""

from __future__ import annotations

import json
import mmap
import os
import random
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from tests.race.acquirers import FIELDS, Habits, Tally, live
from tests.race.releasers import COMPRESSION, NOBODY_NEW, PATIENCE, RELEASERS
from tests.race.rules import LEGACY, MODERN, PATIENT, PATIENT_MODERN, Rules
from tests.race.starters import Births, start_without_end


@dataclass(frozen=True)
class Scenario:
    """Who competes. `attributable`: without a releaser no robbery is possible, so each is the releaser's.

    `starters`: processes that start, judge the lock, and delete by path later. `many_releases`: stale locks come as
    fast as they can be released.
    """

    name: str
    rules: Rules
    attributable: bool
    locks: int
    acquirers_per_lock: int
    habits: Habits = Habits()  # noqa: RUF009 - an immutable value
    starters: bool = False
    many_releases: bool = False


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("patient", PATIENT, True, 6, 3, many_releases=True),
        Scenario("slow starts", PATIENT, True, 6, 2, starters=True),
        Scenario("legacy, one per lock", LEGACY, True, 6, 1),
        Scenario("legacy, many per lock", LEGACY, False, 2, 3),
        Scenario("modern, many per lock", MODERN, False, 2, 3),
        # Every hold ends in a crash, and polls are as slow as OpenClaw's: how often a release disturbs one.
        Scenario("waiting modern agents", PATIENT_MODERN, True, 3, 4, Habits(crash=1.0, poll_s=0.05)),
    )
}


@dataclass(frozen=True)
class Result:
    """The numbers of one contest."""

    scenario: str
    releaser: str
    seconds: float
    counts: Counter[str]


class Clock:
    """When a contest ends: at a time, or earlier when somebody says so to all its processes."""

    def __init__(self, seconds: float) -> None:
        self.began = time.monotonic()
        self._deadline = self.began + seconds
        self._ended = mmap.mmap(-1, 1)

    def end(self) -> None:
        self._ended[0] = 1

    def ended(self) -> bool:
        return self._ended[0] == 1 or time.monotonic() >= self._deadline


def run(
    scenario: Scenario,
    releaser: str,
    folder: str,
    *,
    seconds: float,
    releases: int | None = None,
    robberies: int | None = None,
    releasers: int = 3,
    seed: int = 1,
) -> Result:
    """Let them compete in `folder` for `seconds`, or until there were that many releases or robberies of both kinds."""
    paths = [_sessions(folder, number) for number in range(scenario.locks)]
    clock = Clock(seconds)
    tally = Tally(scenario.locks * scenario.acquirers_per_lock)

    # Where OpenClaw's processes also rob each other, only rates compare: the releasers' searching must not
    # slow the acquirers down, for a slow acquirer robs more.
    acquirers_cpus, releasers_cpus = _apart() if not scenario.attributable else (None, None)
    _stay_on(acquirers_cpus)  # we too, who start every crashed one again: else releasers push us about

    def acquire(row: int, life: int) -> None:
        _stay_on(acquirers_cpus)
        own = [paths[row % scenario.locks]]
        live(own, scenario.rules, scenario.habits, tally, row, clock.ended, hash((seed, row, life)))

    births = Births(paths, COMPRESSION)
    PATIENCE[0] = births.patience() if scenario.starters else NOBODY_NEW
    starting = {
        fork(lambda n=n: start_without_end(paths[n], births, clock.ended, hash((seed, "start", n))))
        for n in range(scenario.locks if scenario.starters else 0)
    }
    cleaners = releasers if RELEASERS[releaser] is not None else 0
    share = None if releases is None else -(-releases // max(cleaners, 1))
    alive = {fork(lambda r=row: acquire(r, 0)): (row, 0) for row in range(tally.rows)}

    def suffices(count: Counter[str]) -> bool:
        if robberies is not None and min(tally.total("robbed"), tally.total("double")) >= robberies:
            return True
        return share is not None and count["released"] >= share

    def release(number: int) -> None:
        _stay_on(releasers_cpus)
        clean(releaser, paths, folder, lambda count: clock.ended() or suffices(count), seed, number)

    cleaning = {fork(lambda n=n: release(n)) for n in range(cleaners)}
    while alive or cleaning or starting:
        pid, status = os.wait()
        starting.discard(pid)
        if pid in cleaning:
            cleaning.discard(pid)
            if not cleaning:
                clock.end()
        elif pid in alive:
            row, life = alive.pop(pid)
            if os.WIFSIGNALED(status) and not clock.ended():
                alive[fork(lambda: acquire(row, life + 1))] = (row, life + 1)  # noqa: B023 - forked at once
    counts = sum((report(folder, number) for number in range(cleaners)), Counter())
    counts.update({name: tally.total(name) for name in FIELDS})
    return Result(scenario.name, releaser, round(time.monotonic() - clock.began, 1), counts)


def _apart() -> tuple[set[int] | None, set[int] | None]:
    """One processor for the acquirers, with or without a releaser, and the others for releasers."""
    if not hasattr(os, "sched_getaffinity"):
        return None, None
    first, *others = sorted(os.sched_getaffinity(0))
    return ({first}, set(others)) if others else (None, None)


def _stay_on(processors: set[int] | None) -> None:
    if processors is not None:
        os.sched_setaffinity(0, processors)


def _sessions(folder: str, number: int) -> str:
    """Make a sessions directory of its own for a lock: one lockdeck at a time works in each."""
    directory = os.path.join(folder, "agents", f"agent-{number}", "sessions")
    os.makedirs(directory, exist_ok=True)
    path = os.path.join(directory, "race.jsonl.lock")
    with open(path + ".truth", "wb"):
        return path


def clean(
    releaser: str, paths: list[str], folder: str, over: Callable[[Counter[str]], bool], seed: int, number: int
) -> None:
    """Let one releaser work until the contest is over; it leaves a report."""
    act, dice, count = RELEASERS[releaser], random.Random(hash((seed, number))), Counter()
    assert act is not None
    journal = os.path.join(folder, "state", "journal.jsonl")
    while not over(count):
        act(paths, journal, count, dice)
    with open(_report_path(folder, number), "w") as file:
        json.dump(count, file)


def _report_path(folder: str, number: int) -> str:
    return os.path.join(folder, f"report-{number}.json")


def report(folder: str, number: int) -> Counter[str]:
    """What a releaser said at its end."""
    try:
        with open(_report_path(folder, number)) as file:
            return Counter(json.load(file))
    except FileNotFoundError:
        return Counter({"releaser died": 1})


def fork(work: Callable[[], None]) -> int:
    """Do `work` in a process of its own; its pid."""
    pid = os.fork()
    if pid:
        return pid
    try:
        work()
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)
