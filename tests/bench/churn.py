"""A process that creates and removes locks at a steady pace: `python -m tests.bench.churn PER_SECOND SECONDS`.

The lock paths come on stdin, one a line: in argv they would be part of what is looked up about a holder.
"""

from __future__ import annotations

import itertools
import sys
import time
from collections import deque

from lockdeck.backend.simulate.lockfile import create, release, write_payload

HELD_AT_ONCE = 8


def churn(per_second: float, seconds: float, paths: list[str]) -> None:
    """Make `per_second` file events a second: every other one creates a lock, every other removes one."""
    held: deque[tuple[str, int]] = deque()
    begin = time.monotonic()
    for number, path in enumerate(itertools.cycle(paths)):
        due = begin + 2 * number / per_second
        if due > begin + seconds:
            break
        time.sleep(max(0.0, due - time.monotonic()))
        try:
            descriptor = create(path)
        except FileNotFoundError:  # the directory is away just now
            descriptor = None
        if descriptor is None:
            continue
        write_payload(descriptor)
        held.append((path, descriptor))
        if len(held) > HELD_AT_ONCE:
            release(*held.popleft())
    for path, descriptor in held:
        release(path, descriptor)


if __name__ == "__main__":
    churn(float(sys.argv[1]), float(sys.argv[2]), sys.stdin.read().splitlines())
