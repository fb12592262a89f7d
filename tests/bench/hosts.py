"""Many hosts in one deck: what it costs to follow them, and how late a change comes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.bench.children import REPOSITORY
from tests.bench.figures import Figure, percentile

SESSIONS = 100
SOME, MANY, VERY_MANY = 50, 100, 1000
CHANGES = 300
SECONDS = 10
CONNECTING_S = 10
"""The first host hangs so long (seconds) after the others were to be measured without it."""


def measure(folder: Path) -> Iterator[Figure]:
    """Yield how late changes are at 50 hosts, what 100 and 1,000 cost, and what a viewer that is slow costs its host."""
    yield from _late(folder / "some")
    yield from _idle(folder / "many")
    yield from _very_many()
    facts = _deck("slow", 5000, 20)
    what = "a viewer that takes nothing, each row changed 20 times: memory at its owner, in rows for each row"
    yield Figure(what, facts["rows"], "rows", 2.0)


def _late(folder: Path) -> Iterator[Figure]:
    with _telling(folder, SOME, CHANGES, SECONDS + CONNECTING_S):
        facts = _deck("links", folder, SOME, SECONDS, "changing")
    alone, beside = (1000 * percentile(facts[name], 0.99) for name in ("late", "late_beside_a_hung_one"))
    what = f"{SOME} hosts, {CHANGES} changes a second: change there to picture here, p99"
    yield Figure(what, alone, "ms", 150)
    yield Figure(f"{what}, beside a host that hangs", beside, "ms", 150, versus=f"{alone:.0f} ms without")


def _idle(folder: Path) -> Iterator[Figure]:
    with _telling(folder, MANY, 0, 1e9):
        facts = _deck("links", folder, MANY, SECONDS, "silent")
    versus = "with the process that ends each command with us; ssh itself takes some 0.1 s more"
    yield Figure(f"{MANY} hosts connected: processor time", facts["connected_s"], "s", 15, versus=versus)
    yield Figure(f"idle viewer of {MANY} hosts: share of a core", 100 * facts["share"], "%", 2)


def _very_many() -> Iterator[Figure]:
    facts = _deck("frames", VERY_MANY, SESSIONS, CHANGES, SECONDS)
    what = f"{VERY_MANY:,} hosts with {SESSIONS} sessions each"
    after = f"{facts['memory_after_mb']:.0f} MB after {SECONDS} s of changes"
    yield Figure(f"{what}: memory", facts["memory_mb"], "MB", 300, versus=after)
    yield Figure(f"{what}, {CHANGES} changes a second: share of a core", 100 * facts["share"], "%", 10)


@contextmanager
def _telling(folder: Path, hosts: int, changes: int, seconds: float) -> Iterator[None]:
    """Have hosts tell until the block ends."""
    folder.mkdir()
    for number in range(hosts):
        os.mkfifo(folder / str(number))
    words = (folder, hosts, SESSIONS, changes, seconds)
    command = [sys.executable, "-m", "tests.bench.hostrows", *map(str, words)]
    with subprocess.Popen(command, cwd=REPOSITORY) as teller:
        try:
            yield
        finally:
            teller.kill()


def _deck(*words: object) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.bench.hostdeck", *map(str, words)]
    done = subprocess.run(command, cwd=REPOSITORY, stdout=subprocess.PIPE, check=True, timeout=600)
    facts: dict[str, Any] = json.loads(done.stdout)
    return facts
