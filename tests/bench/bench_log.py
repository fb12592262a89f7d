"""How fast a log of the past is read, in MB/s and as a ratio to plainly reading the same file.

Run with `python -m tests.bench.bench_log`.
"""

from __future__ import annotations

import itertools
import resource
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from lockdeck.backend.openclaw.log.stream import LineCounts, parse_line
from tests.folders import RECORDINGS
from tests.reading import read_events

SIZE = 200_000_000
BLOCK = 1 << 20
ROUNDS = 3

Row = tuple[str, float, str]


def measure(size: int = SIZE) -> list[Row]:
    """Return rows of name, value and unit; every row of one call is measured on the same machine state."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="lockdeck-bench-") as folder:
        path = Path(folder) / "openclaw.log"
        for name, lines in (("lines that don't concern us", _idle_lines()), ("recorded hang", _hang_lines())):
            # The dense log is shorter: its events are what takes the time.
            _write(path, lines, size if name.startswith("lines") else size // 10)
            rows += _rows(name, path)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return [*rows, ("peak memory of the process", peak, "MiB")]


def _rows(name: str, path: Path) -> Iterator[Row]:
    megabytes = path.stat().st_size / 1e6
    plain = min(_seconds(_read_plainly, path) for _ in range(ROUNDS))
    counts = LineCounts()
    ours = min(_seconds(_read_events, path, counts) for _ in range(ROUNDS))
    yield f"{name}: replay", megabytes / ours, "MB/s"
    yield f"{name}: plain reading", megabytes / plain, "MB/s"
    yield f"{name}: replay takes", ours / plain, "x plain reading"
    yield f"{name}: lines held to concern us", 100 * counts.relevant / counts.lines, "%"


def _seconds(run: Callable[..., object], *arguments: object) -> float:
    """Return the processor time of a run: others on the machine don't count."""
    begin = time.process_time()
    run(*arguments)
    return max(time.process_time() - begin, 1e-9)


def _read_plainly(path: Path) -> int:
    with path.open("rb", buffering=0) as file:
        return sum(map(len, iter(lambda: file.read(BLOCK), b"")))


def _read_events(path: Path, counts: LineCounts) -> int:
    return sum(1 for _ in read_events(path, counts))


def _recorded(pattern: str) -> list[bytes]:
    return [
        line
        for log in sorted(RECORDINGS.glob(f"{pattern}/gateway.log"))
        for line in log.read_bytes().splitlines(keepends=True)
    ]


def _idle_lines() -> list[bytes]:
    lines = [line for line in _recorded("*") if parse_line(line, at=0.0) is None]
    # Mostly what a busy gateway writes: replies and answered requests.
    return lines + [line for line in lines if b"gateway/ws" in line or b"nominal" in line] * 4


def _hang_lines() -> list[bytes]:
    return _recorded("2026.4.5-incident-hang")


def _write(path: Path, lines: Iterable[bytes], size: int) -> None:
    written = 0
    with path.open("wb") as file:
        for line in itertools.cycle(lines):
            written += file.write(line)
            if written >= size:
                return


def main() -> None:
    for name, value, unit in measure():
        print(f"{name:55} {value:10.1f} {unit}")


if __name__ == "__main__":
    main()
