"""The instructions of one event, counted by valgrind: they do not depend on what else the machine does."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.bench.children import Holder
from tests.bench.fleet import Fleet
from tests.folders import REPOSITORY

EVENTS = 8
_TOTAL = re.compile(r"^totals: (\d+)", re.MULTILINE)


def of_one_event(fleet: Fleet, holder: Holder, path: str) -> int | None:
    """Count what it takes to look at a lock that comes or goes, on average; None where there is no valgrind.

    Nothing is counted before all else has been looked at twice. Raises RuntimeError where not all is seen.
    """
    if shutil.which("callgrind_control") is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        counts = Path(folder) / "counts"
        valgrind = [
            "valgrind",
            "-q",
            "--tool=callgrind",
            "--instr-atstart=no",
            f"--callgrind-out-file={counts}",
        ]
        looker = [
            sys.executable,
            "-m",
            "tests.bench.looker",
            str(fleet.root),
            str(fleet.log),
            str(Path(path).parent),
        ]
        with subprocess.Popen(
            [*valgrind, *looker],
            cwd=REPOSITORY,
            env={**fleet.environment, "PYTHONHASHSEED": "0"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            bufsize=1,
        ) as child:
            if int(_answer(child) or 0) < len(fleet.locks):
                raise RuntimeError("under valgrind not all sessions are seen: no instructions are counted")
            _events(child, holder, path, 2)
            _count(child.pid, "on", fleet)
            _events(child, holder, path, EVENTS)
            _count(child.pid, "off", fleet)
            child.communicate()
        total = _TOTAL.search(counts.read_text())
    return None if total is None else int(total[1]) // EVENTS


def _events(child: subprocess.Popen[str], holder: Holder, path: str, count: int) -> None:
    """Take and release a lock again and again, and have that looked at each time."""
    for number in range(count):
        (holder.release if number % 2 else holder.take)(path)
        if child.stdin is not None:
            child.stdin.write("look\n")
        _answer(child)


def _answer(child: subprocess.Popen[str]) -> str:
    return "" if child.stdout is None else child.stdout.readline()


def _count(pid: int, word: str, fleet: Fleet) -> None:
    """Have instructions counted from here on, or no longer; valgrind is found by way of its folder for what is temporary."""
    quiet = subprocess.DEVNULL
    command = ["callgrind_control", "-i", word, str(pid)]
    subprocess.run(command, env=fleet.environment, check=True, stdout=quiet, stderr=quiet)
