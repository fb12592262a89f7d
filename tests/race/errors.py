"""Every errno at every call: one system call of a release fails, in every situation; then recovery.

What is injected leaves something unknown. Errors by which the file system tells a fact (nothing there, something there, a
link) are left out: as answers they would be lies.
"""

from __future__ import annotations

import errno
import itertools
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

from lockdeck.backend.actions.release import swap as swap_module
from tests.race.kills import SITUATIONS, Situation, case_of

CALLS = (
    *("open", "stat", "fstat", "lstat", "listdir", "mkdir", "rmdir", "rename", "unlink", "pread", "write"),
    *("fsync", "fchmod", "ftruncate", "readlink", "pipe"),
)
SWAPS = ("exchange", "rename_noreplace")
_FACTS = frozenset({errno.ENOENT, errno.EEXIST, errno.ELOOP, errno.ENOTDIR, errno.ENXIO, errno.ENODEV})
_SIGNALS = frozenset({errno.EINTR, errno.EAGAIN, errno.EWOULDBLOCK, errno.ESRCH, errno.ECHILD})
ERRNOS = sorted(set(errno.errorcode) - _FACTS - _SIGNALS)


class Injection:
    """Counts the calls of a process, and lets the one with a given number fail."""

    def __init__(self, at: int | None, code: int) -> None:
        self.at, self.code, self.count = at, code, 0

    @contextmanager
    def __call__(self) -> Iterator[None]:
        with ExitStack() as patches:
            for name in CALLS:
                patches.enter_context(mock.patch.object(os, name, self._counted(getattr(os, name))))
            for name in SWAPS:
                patches.enter_context(
                    mock.patch.object(swap_module, name, self._counted(getattr(swap_module, name)))
                )
            yield

    def _counted(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*words: Any, **options: Any) -> Any:
            number, self.count = self.count, self.count + 1
            if number == self.at:
                raise OSError(self.code, os.strerror(self.code))
            return call(*words, **options)

        return counted


def run(errors: int, folder: str) -> tuple[Counter[str], list[str]]:
    """Inject so many errors, spread over situations, calls and errnos; what was done, and what went wrong."""
    done: Counter[str] = Counter()
    wrong: list[str] = []
    calls = {situation.name: _calls(situation, folder) for situation in SITUATIONS}
    points = [(s, n) for n in range(max(calls.values())) for s in SITUATIONS if n < calls[s.name]]
    codes = itertools.cycle(ERRNOS)
    for (situation, at), code in zip(_spread(points, errors), codes, strict=False):
        problems = _one(situation, Injection(at, code), folder)
        done[situation.name] += 1
        wrong += [
            f"{situation.name} / call {at} / {errno.errorcode[code]}: {problem}" for problem in problems
        ]
    done["different calls"], done["different errnos"] = len(points), len(ERRNOS)
    return done, wrong


def _spread(points: Sequence[tuple[Situation, int]], count: int) -> Iterator[tuple[Situation, int]]:
    """Yield `count` of the points, in an order that has nothing to do with what they are."""
    shuffled = random.Random(1).sample(points, len(points))
    return itertools.islice(itertools.cycle(shuffled), count)


def _one(situation: Situation, injection: Injection, folder: str) -> list[str]:
    with case_of(folder, situation) as case:
        child, steps = case.start(lambda _number: None, injection)
        _finish(child, steps)
        case.recover()
        return list(case.problems())


def _finish(child: int, steps: int) -> None:
    with open(steps, "rb") as came:
        came.read()
    os.waitpid(child, 0)


def _calls(situation: Situation, folder: str) -> int:
    """Return how many calls a release makes in a situation."""
    injection, (reading, writing) = Injection(None, 0), os.pipe()
    with case_of(folder, situation) as case:

        @contextmanager
        def counted() -> Iterator[None]:
            with injection():
                yield
            os.write(writing, str(injection.count).encode())

        _finish(*case.start(lambda _number: None, counted))
        problems = list(case.problems())
    assert not problems, (situation.name, problems)
    os.close(writing)
    with open(reading, "rb") as count:
        return int(count.read())


def main(errors: int, folder: str) -> int:
    """Run the test and print what it found; 1 when a rule was broken."""
    began = time.monotonic()
    done, wrong = run(errors, folder)
    for name, count in done.items():
        print(f"{name:50} {count}")
    print(f"{errors} injected errors in {time.monotonic() - began:.0f} s: {len(wrong)} rules broken")
    for problem in wrong[:40]:
        print(" ", problem)
    return 1 if wrong else 0
