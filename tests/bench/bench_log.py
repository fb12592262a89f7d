"""How fast a log of the past is read, in MB/s and as a ratio to plainly reading the same file.

Run with `python -m tests.bench.bench_log`.
"""

from __future__ import annotations

import resource
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from lockdeck.backend.openclaw.log.stream import LineCounts, parse_line
from tests.folders import RECORDINGS
from tests.reading import read_events
from tests.unit.openclaw.wrappers import WRAPS, Line, recorded

SIZE = 100_000_000
BLOCK = 1 << 20
ROUNDS = 3
IDLE = "lines that don't concern us"
HANG = "recorded hang"
SHAPES = ("plain", "docker json-file", "kubectl --prefix --timestamps")
_FIRST_DAY = datetime(2020, 1, 1, tzinfo=UTC)

Row = tuple[str, float, str]


def measure(size: int = SIZE) -> list[Row]:
    """Return rows of name, value and unit; every row of one call is measured on the same machine state."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="lockdeck-bench-") as folder:
        path = Path(folder) / "openclaw.log"
        for shape in SHAPES:
            # The dense log is shorter: its events are what takes the time.
            for name, lines, length in ((IDLE, _idle_lines(), size), (HANG, _hang_lines(), size // 10)):
                _write(path, [_shaped(line, shape) for line in lines], length)
                rows += _rows(f"{name}, {shape}", path)
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


def _idle_lines() -> list[Line]:
    scenarios = sorted(log.parent.name for log in RECORDINGS.glob("*/gateway.log"))
    every = [line for scenario in scenarios for line in recorded(scenario)]
    lines = [line for line in every if parse_line(line.raw.encode(), at=0.0) is None]
    # Mostly what a busy gateway writes: replies and answered requests.
    return lines + [line for line in lines if "gateway/ws" in line.raw or "nominal" in line.raw] * 4


def _hang_lines() -> list[Line]:
    return [line for line in recorded("2026.4.5-incident-hang") if parse_line(line.raw.encode(), at=0.0)]


def _shaped(line: Line, shape: str) -> bytes:
    text = line.raw if shape == "plain" else WRAPS[shape](line, line.raw)
    return f"{text}\n".encode()


def _write(path: Path, lines: Sequence[bytes], size: int) -> None:
    """Write the lines over and over, each time as of another day: no time is told twice."""
    written, day = 0, _FIRST_DAY
    with path.open("wb") as file:
        while written < size:
            day += timedelta(1)
            date = f"{day:%Y-%m-%d}".encode()
            for line in lines:
                written += file.write(line.replace(b"2026-11-22", date))


def main() -> None:
    for name, value, unit in measure():
        print(f"{name:75} {value:10.1f} {unit}")


if __name__ == "__main__":
    main()
