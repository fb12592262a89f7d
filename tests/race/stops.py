"""SIGSTOP between any two steps of a release: it stands still while others take, leave and replace locks, then goes on."""

from __future__ import annotations

import itertools
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable

from lockdeck.backend.actions.release import standin
from tests.race.kills import SITUATIONS, Case, Situation, case_of

STOPPED = ("lockdeck", "its stand-in too, for good")
LEAVE_S = 0.1
"""A stopped stand-in is waited for so long here, instead of seconds."""


def _nothing(_case: Case) -> None:
    """Let the time pass."""


def _let_go(case: Case) -> None:
    """Let those who hold a lock let go of it, each by its rules."""
    case.one.let_go_if_any("legacy")
    case.other.let_go_if_any("modern")


def _take_if_free(case: Case) -> None:
    """Let somebody take the name where it is free."""
    case.other.acquire_if_free()


MEANWHILE: dict[str, Callable[[Case], None]] = {
    "nothing": _nothing,
    "let go": _let_go,
    "take": _take_if_free,
}


def run(stops: int, folder: str) -> tuple[Counter[str], list[str]]:
    """Stop that many releases, spread over situations, steps, who is stopped and what happens meanwhile."""
    done: Counter[str] = Counter()
    wrong: list[str] = []
    steps = {situation.name: _steps(situation, folder) for situation in SITUATIONS}
    plans = [
        (s, who, what, k)
        for k in range(max(steps.values()))
        for s in SITUATIONS
        for who in STOPPED
        for what in MEANWHILE
        if k < steps[s.name]
    ]
    shuffled = random.Random(1).sample(plans, len(plans))
    for situation, who, what, at in itertools.islice(itertools.cycle(shuffled), stops):
        problems = _one(situation, who, what, at, folder)
        done[f"{who} stopped"] += 1
        done[f"meanwhile: {what}"] += 1
        wrong += [f"{situation.name} / {who} / {what} / step {at}: {problem}" for problem in problems]
    done["different points"] = len(plans)
    return done, wrong


def _steps(situation: Situation, folder: str) -> int:
    with case_of(folder, situation) as case:
        return case.run(None, with_stand_in=False)


def _one(situation: Situation, who: str, what: str, at: int, folder: str) -> list[str]:
    with case_of(folder, situation) as case:

        def stop_at(number: int) -> None:
            if number != at:
                return
            if who != "lockdeck":
                _stop_children()
            os.kill(os.getpid(), signal.SIGSTOP)  # who watches us lets us go on

        child, steps = case.start(stop_at)
        _, status = os.waitpid(child, os.WUNTRACED)
        if os.WIFSTOPPED(status):
            MEANWHILE[what](case)
            os.kill(child, signal.SIGCONT)
            os.waitpid(child, 0)
        os.close(steps)
        case.recover()
        return list(case.problems())


def _stop_children() -> None:
    standin.LEAVE_S = LEAVE_S
    with open(f"/proc/self/task/{os.getpid()}/children") as file:
        for child in file.read().split():
            os.kill(int(child), signal.SIGSTOP)


def main(stops: int, folder: str) -> int:
    """Run the test and print what it found; 1 when a rule was broken."""
    began = time.monotonic()
    done, wrong = run(stops, folder)
    for name, count in done.items():
        print(f"{name:50} {count}")
    print(f"{stops} stops in {time.monotonic() - began:.0f} s: {len(wrong)} rules broken")
    for problem in wrong[:40]:
        print(" ", problem)
    return 1 if wrong else 0
