"""The kill test: SIGKILL between any two system calls of a release, in every situation, then recovery.

Afterwards nobody's lock may be displaced, nothing of ours may stand at the name, and nothing may be lost.
"""

from __future__ import annotations

import itertools
import os
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from unittest import mock

from lockdeck.backend.actions.journal import Journal
from lockdeck.backend.actions.release import swap as swap_module
from lockdeck.backend.actions.release.entries import unfinished_actions
from lockdeck.backend.actions.release.plan import plan_at
from lockdeck.backend.actions.release.recovery import recover
from lockdeck.backend.actions.release.release import release
from lockdeck.backend.actions.release.site import Site
from lockdeck.backend.actions.release.swap import take
from lockdeck.backend.system.descriptors import open_for_writing
from tests.race.actor import Actor
from tests.race.releasers import NOBODY_NEW, place_of

ORIGINAL = b'{"pid": 4194305, "createdAt": "2026-04-05T03:00:00.000Z", "starttime": 17}'
TRANSCRIPT = b'{"type":"session"}\n'
NO_WAIT: Callable[[float], None] = lambda _seconds: None  # noqa: E731


@dataclass(frozen=True)
class Situation:
    """What others do meanwhile: `before_take` right before the exchange, `after_take` right after it."""

    name: str
    before_take: Callable[[str, Actor, Actor], None] | None = None
    after_take: Callable[[str, Actor, Actor], None] | None = None


def _replace(path: str, one: Actor, other: Actor) -> None:
    os.unlink(path)
    one.acquire()


def _vanish(path: str, one: Actor, other: Actor) -> None:
    os.unlink(path)


def _newer(path: str, one: Actor, other: Actor) -> None:
    os.unlink(path)
    other.acquire()


SITUATIONS = (
    Situation("stale lock"),
    Situation("holder appears", _replace),
    Situation("holder appears, lets go by path", _replace, lambda p, one, other: one.let_go("legacy")),
    Situation("holder appears, compares and lets go", _replace, lambda p, one, other: one.let_go("modern")),
    Situation("stand-in deleted", None, _vanish),
    Situation("stand-in deleted, newer lock", None, _newer),
    Situation("holder appears, stand-in deleted", _replace, _vanish),
    Situation("holder appears, stand-in deleted, newer lock", _replace, _newer),
)
VICTIMS = ("lockdeck", "lockdeck, watchman alone recovers", "lockdeck and its stand-in", "recovery too")


class Case:
    """One release in a folder of its own, killed at one step."""

    def __init__(self, folder: str, situation: Situation) -> None:
        self.situation = situation
        sessions = os.path.join(folder, "agents", "main", "sessions")
        os.makedirs(sessions)
        self.sessions = sessions
        self.path = os.path.join(sessions, "one.jsonl.lock")
        self.journal = Journal(os.path.join(folder, "state", "journal.jsonl"))
        for path, data in ((self.path, ORIGINAL), (self.path.removesuffix(".lock"), TRANSCRIPT)):
            with open(path, "wb") as file:
                file.write(data)
        self.one, self.other = Actor(self.path), Actor(self.path)

    def run(self, kill_at: int | None, with_stand_in: bool) -> int:
        """Release in a child that kills itself at step `kill_at`; the number of steps it came through."""

        def die_at(number: int) -> None:
            if number == kill_at:
                if with_stand_in:
                    _kill_children()
                _die()

        child, steps = self.start(die_at)
        with open(steps, "rb") as came:
            count = len(came.read())
        os.waitpid(child, 0)
        return count

    def start(
        self,
        at_step: Callable[[int], None],
        around: Callable[[], AbstractContextManager[object]] = nullcontext,
    ) -> tuple[int, int]:
        """Start a release in a child; its pid, and where it writes a byte for each step it came through.

        `at_step` is called with the number of each step, the whole release happens inside `around`.
        """
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            try:
                self._release(at_step, around, writing)
            finally:
                os._exit(0)
        os.close(writing)
        return child, reading

    def recover(self, kill_at: int | None = None) -> None:
        """Recover in a child, which may be killed at one of its steps too."""
        child = os.fork()
        if child == 0:
            numbers = itertools.count()
            recover(
                self.journal,
                wait=NO_WAIT,
                step=lambda _: _die() if next(numbers) == kill_at else None,
                turn_s=20,
            )
            os._exit(0)
        _, status = os.waitpid(child, 0)
        assert kill_at is not None or status == 0, "recovery failed"

    def wait_for_watchman(self) -> str | None:
        """Wait until the stand-in has recovered what its lockdeck left; what is wrong if it does not."""
        deadline = time.monotonic() + 20
        while unfinished_actions(self.journal.walk)[1] and not self._two_holders():
            if time.monotonic() > deadline:
                return "the stand-in has not recovered anything"
            time.sleep(0.005)
        return None

    def problems(self) -> Iterator[str]:
        """Yield every rule that does not hold now."""
        for name in os.listdir(self.sessions):
            if name.startswith(".lockdeck") and not self._two_holders():
                yield f"left behind: {name}: {os.listdir(os.path.join(self.sessions, name))}"
        yield from self._name_problems()
        with open(self.path.removesuffix(".lock"), "rb") as file:
            if file.read() != TRANSCRIPT:
                yield "the transcript was touched"
        reading = self.journal.read()
        if reading.broken_at is not None:
            yield f"journal: {reading.problem}"
        if self.situation.before_take is None and not self._original_is_somewhere():
            yield "the original lock is lost"
        if unfinished_actions(self.journal.walk)[1] and not self._two_holders():
            yield "the action is still unfinished"

    def close(self) -> None:
        self.one.end()
        self.other.end()

    def _name_problems(self) -> Iterator[str]:
        if os.path.isdir(self.path):
            yield "our directory stands at the name"
        elif os.path.exists(self.path):
            with open(self.path, "rb") as file:
                raw, held = file.read(), open_for_writing(file.fileno())
            if b"lockdeck" in raw:
                yield "our stand-in stands at the name"
            elif raw != ORIGINAL and not held:
                yield f"a lock that nobody holds was left at the name: {raw!r}"
        elif self._holders():
            yield f"a live holder's lock is displaced: {self._holders()}"

    def _holders(self) -> list[int]:
        """The actors that hold a lock file which still has a name, wherever it is."""
        return [pid for pid in (self.one.pid, self.other.pid) if _holds_named_lock(pid)]

    def _two_holders(self) -> bool:
        return len(self._holders()) == 2

    def _original_is_somewhere(self) -> bool:
        quarantine = os.path.join(self.journal.folder, "quarantine")
        kept = (
            [os.path.join(quarantine, name) for name in os.listdir(quarantine)]
            if os.path.isdir(quarantine)
            else []
        )
        return any(_has(path, ORIGINAL) for path in (self.path, *kept))

    def _release(
        self,
        at_step: Callable[[int], None],
        around: Callable[[], AbstractContextManager[object]],
        report: int,
    ) -> None:
        numbers, tell = itertools.count(), os.write

        def step(name: str) -> None:
            if name == "taken" and self.situation.after_take:
                self.situation.after_take(self.path, self.one, self.other)
            at_step(next(numbers))
            tell(report, b".")

        def take_late(site: Site) -> None:
            if self.situation.before_take:
                self.situation.before_take(self.path, self.one, self.other)
            take(site)

        with mock.patch.object(swap_module, "take", take_late):
            plan = plan_at(place_of(self.path), None)
            with around():
                release(
                    plan, journal=self.journal, wait=NO_WAIT, watch_s=0, on_step=step, patience=NOBODY_NEW
                )


def run(kills: int, folder: str, seed: int = 0) -> tuple[Counter[str], list[str]]:
    """Kill that many releases, spread over situations, victims and steps; what was done, and what went wrong."""
    done: Counter[str] = Counter()
    wrong: list[str] = []
    steps = {situation.name: _steps(situation, folder) for situation in SITUATIONS}
    plans = [
        (s, v, k)
        for k in range(max(steps.values()))
        for s in SITUATIONS
        for v in VICTIMS
        if k < steps[s.name]
    ]
    for number, (situation, victim, kill_at) in zip(range(kills), itertools.cycle(plans), strict=False):
        problems = _one(situation, victim, kill_at, (seed + number) % 7, folder)
        done[victim] += 1
        done[situation.name] += 1
        wrong += [f"{situation.name} / {victim} / step {kill_at}: {problem}" for problem in problems]
    done["different points"] = len(plans)
    return done, wrong


def _one(situation: Situation, victim: str, kill_at: int, again_at: int, folder: str) -> list[str]:
    with case_of(folder, situation) as case:
        idle = None
        case.run(kill_at, with_stand_in=victim in {"lockdeck and its stand-in", "recovery too"})
        if victim == "recovery too":
            case.recover(kill_at=again_at)
        # At the first step there is no stand-in yet.
        if victim == "lockdeck, watchman alone recovers" and kill_at > 0:
            idle = case.wait_for_watchman()
        case.recover()
        return [*([idle] if idle else []), *case.problems()]


def _steps(situation: Situation, folder: str) -> int:
    with case_of(folder, situation) as case:
        steps = case.run(None, with_stand_in=False)
        problems = list(case.problems())
    assert not problems, (situation.name, problems)
    return steps


@contextmanager
def case_of(folder: str, situation: Situation) -> Iterator[Case]:
    """A case in a fresh folder, with everything gone afterwards."""
    with tempfile.TemporaryDirectory(
        prefix="lockdeck-kill-", dir=folder, ignore_cleanup_errors=True
    ) as fresh:
        case = Case(fresh, situation)
        try:
            yield case
        finally:
            case.close()


def _holds_named_lock(pid: int) -> bool:
    links = [f"/proc/{pid}/fd/{fd}" for fd in os.listdir(f"/proc/{pid}/fd")]
    return any("/sessions/" in os.readlink(link) and os.stat(link).st_nlink for link in links)


def _has(path: str, data: bytes) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read() == data
    except OSError:
        return False


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _kill_children() -> None:
    with open(f"/proc/self/task/{os.getpid()}/children") as file:
        for pid in file.read().split():
            os.kill(int(pid), signal.SIGKILL)


def main(kills: int, folder: str) -> int:
    """Run the kill test and print what it found; 1 when a rule was broken."""
    began = time.monotonic()
    done, wrong = run(kills, folder)
    for name, count in done.items():
        print(f"{name:50} {count}")
    print(f"{kills} kills in {time.monotonic() - began:.0f} s: {len(wrong)} rules broken")
    for problem in wrong[:40]:
        print(" ", problem)
    return 1 if wrong else 0
