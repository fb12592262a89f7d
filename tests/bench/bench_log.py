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
from typing import NamedTuple

from lockdeck.backend.openclaw.log.stream import LineCounts, parse_line
from tests.folders import RECORDINGS
from tests.reading import read_events
from tests.unit.openclaw.wrappers import WRAPS, Line, console, recorded, tslog

Form = Callable[[Line], str]
SIZE = 50_000_000
BLOCK = 1 << 20
ROUNDS = 3
IDLE = "lines that don't concern us"
HANG = "recorded hang"
SHAPES: tuple[tuple[str, Form, str | None], ...] = (
    ("plain", tslog, None),
    ("docker json-file", tslog, "docker json-file"),
    ("docker logs -t", tslog, "docker logs -t"),
    ("kubectl", tslog, "kubectl --prefix --timestamps"),
    ("CRI", tslog, "CRI"),
    ("compose", tslog, "compose"),
    ("journal json", tslog, "journal json"),
    ("journal short", tslog, "journal short"),
    ("console", console, None),
    ("console, docker logs -t", console, "docker logs -t"),
    ("console, docker json-file", console, "docker json-file"),
)
"""Forms of OpenClaw's lines and what is around them."""
_FIRST_DAY = datetime(2020, 1, 1, tzinfo=UTC)


class Row(NamedTuple):
    """One log read: what it holds, how fast, and how much longer it takes than plainly reading the same file."""

    kind: str
    shape: str
    megabytes_s: float
    lines_s: float
    times_plain: float
    line_bytes: float
    relevant: float


def measure(size: int = SIZE) -> Iterator[Row]:
    """Yield a row for each kind of lines in each shape; the two figures of a row are measured one after the other."""
    with tempfile.TemporaryDirectory(prefix="lockdeck-bench-") as folder:
        path = Path(folder) / "openclaw.log"
        for shape, form, wrap in SHAPES:
            # The dense log is shorter: its events are what takes the time.
            for kind, lines, length in ((IDLE, _idle_lines(), size), (HANG, _hang_lines(), size // 5)):
                _write(path, [_shaped(line, form, wrap) for line in lines], length)
                yield _row(kind, shape, path)


def peak_mib() -> float:
    """Return the most memory that this process had (MiB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _row(kind: str, shape: str, path: Path) -> Row:
    size = path.stat().st_size
    plain = min(_seconds(_read_plainly, path) for _ in range(ROUNDS))
    counts = LineCounts()
    ours = min(_seconds(_read_events, path, counts) for _ in range(ROUNDS))
    lines = counts.lines / ROUNDS
    return Row(
        kind,
        shape,
        megabytes_s=size / 1e6 / ours,
        lines_s=lines / ours,
        times_plain=ours / plain,
        line_bytes=size / lines,
        relevant=counts.relevant / counts.lines,
    )


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


def _shaped(line: Line, form: Form, wrap: str | None) -> bytes:
    text = form(line)
    return f"{text if wrap is None else WRAPS[wrap](line, text)}\n".encode()


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
    for row in measure():
        print(
            f"{row.kind}, {row.shape}: {row.megabytes_s:.0f} MB/s, {row.lines_s:,.0f} lines/s of {row.line_bytes:.0f} bytes, "
            f"{row.times_plain:.0f} x plain reading, {row.relevant:.0%} hold a marker"
        )
    print(f"peak memory of the process: {peak_mib():.0f} MiB")


if __name__ == "__main__":
    main()
