"""What a command costs as a whole process: processor time, memory, and instructions where the machine counts them."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
from collections.abc import Mapping, Sequence

from msgspec import Struct

from tests.folders import REPOSITORY

PERF = ("perf", "stat", "--no-big-num", "-x", ",", "-e", "instructions:u", "-o")


class Cost(Struct, frozen=True):
    """Processor seconds of a process and its children, resident bytes at most, and instructions (None: not counted)."""

    cpu_s: float
    rss: int
    instructions: int | None = None


def cost_of(
    command: Sequence[str], environment: Mapping[str, str], rounds: int, codes: Sequence[int] = (0, 1)
) -> Cost:
    """Return the median cost of some rounds; several follow one that is not counted: it fills the caches.

    Raises RuntimeError at other exit codes.
    """
    costs = [_once(command, environment, codes) for _ in range(rounds + (rounds > 1))][-rounds:]
    cpu_s, rss = statistics.median(cost.cpu_s for cost in costs), max(cost.rss for cost in costs)
    return Cost(cpu_s, rss, _instructions(command, environment))


def _once(command: Sequence[str], environment: Mapping[str, str], codes: Sequence[int]) -> Cost:
    with (
        open(os.devnull, "wb") as nowhere,
        subprocess.Popen(
            command, cwd=REPOSITORY, env=environment, stdin=subprocess.DEVNULL, stdout=nowhere, stderr=nowhere
        ) as child,
    ):
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in codes:
        raise RuntimeError(f"{command[0]}: exit code {child.returncode}")
    return Cost(usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def _instructions(command: Sequence[str], environment: Mapping[str, str]) -> int | None:
    """Count the instructions of one more round; None where there is no perf, or this machine has no such counter."""
    if shutil.which(PERF[0]) is None:
        return None
    reader, writer = os.pipe()
    try:
        subprocess.run(
            [*PERF, f"/dev/fd/{writer}", *command],
            cwd=REPOSITORY,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(writer,),
            check=False,
        )
        os.close(writer)
        with os.fdopen(reader, encoding="utf-8") as told:
            counts = [line.split(",")[0] for line in told if "instructions" in line]
    except OSError:
        return None
    return int(counts[0]) if counts and counts[0].isdecimal() else None
