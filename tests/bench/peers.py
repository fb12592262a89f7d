"""The same question to lockdeck and to its peers: `python -m tests.bench.peers`; writes the table of docs/performance.md.

Which session has which lock, and how is it? asked of clawmonitor (installed into a folder of its own) and of OpenClaw's
`doctor`, on one fleet after the other. Processor time and memory, never wall time.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from tests.bench.children import LOCKDECK
from tests.bench.cost import Cost, cost_of
from tests.bench.doctor import VERSION as DOCTOR
from tests.bench.fleet import Fleet, furnish, locked
from tests.folders import REPOSITORY
from tests.live.install import CACHE, install
from tests.live.isolation import environment, with_own_logs

CLAWMONITOR = "0.2.1"
SIZES = (4, 1000, 10_000)
HELD = 20
PAGE = REPOSITORY / "docs" / "performance.md"
BEGIN, END = "<!-- peers: made by `make bench-peers` -->", "<!-- /peers -->"
DOCTOR_S = 60


class Asked(Struct, frozen=True):
    """How somebody is asked about a fleet: command, environment, the exit codes of an answer, how often."""

    command: Sequence[str]
    environment: Mapping[str, str]
    codes: tuple[int, ...] = (0, 1)
    rounds: int = 3


Peer = Callable[[Fleet, Path], Asked]


def main() -> None:
    """Ask everybody at every size, and write the table into the page."""
    with tempfile.TemporaryDirectory(prefix="lockdeck-peers-") as name:
        folder = Path(name).resolve()
        rows = [row for size in SIZES for row in _rows(folder, size)]
    lines = [
        "| sessions | asked | processor time | memory | instructions | against lockdeck |",
        "|---|---|---|---|---|---|",
        *rows,
    ]
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text("\n".join([before + BEGIN, *lines, END]) + after, encoding="utf-8")


def _rows(folder: Path, size: int) -> Iterator[str]:
    fleet = furnish(folder / str(size), size)
    peers: tuple[tuple[str, Peer], ...] = (
        ("lockdeck `status --json`", _lockdeck),
        (f"clawmonitor {CLAWMONITOR} `status --format json`", _clawmonitor),
        (f"`openclaw doctor` of {DOCTOR}", _doctor),
    )
    ours: Cost | None = None
    with locked(fleet, max(2, size // 10), min(HELD, max(1, size // 20))):
        for title, peer in peers:
            try:
                asked = peer(fleet, folder)
                cost = cost_of(asked.command, asked.environment, asked.rounds, asked.codes)
            except (OSError, RuntimeError, subprocess.SubprocessError) as error:
                yield _told(f"| {size:,} | {title} | {_why(error)} | | | |")
                continue
            ours = ours or cost
            yield _told(_row(size, title, cost, ours))


def _row(size: int, title: str, cost: Cost, ours: Cost) -> str:
    counted = "not counted here" if cost.instructions is None else f"{cost.instructions / 1e6:,.0f} million"
    times = (
        ""
        if cost is ours
        else f"{cost.cpu_s / ours.cpu_s:.2g} ×"
        if cost.cpu_s < 99 * ours.cpu_s
        else f"{cost.cpu_s / ours.cpu_s:.0f} ×"
    )
    return f"| {size:,} | {title} | {cost.cpu_s:.2f} s | {cost.rss / 1e6:.0f} MB | {counted} | {times} |"


def _why(error: Exception) -> str:
    late = str(error).endswith("exit code 124")
    return f"no answer within {DOCTOR_S} s" if late else f"not to be had: {error}"


def _told(row: str) -> str:
    print(row, flush=True)
    return row


def _lockdeck(fleet: Fleet, _folder: Path) -> Asked:
    return Asked((*LOCKDECK, *fleet.arguments("status", "--json")), fleet.environment)


def _clawmonitor(fleet: Fleet, folder: Path) -> Asked:
    place = folder / "clawmonitor"
    if not place.exists():
        pip = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check", "install"]
        subprocess.run([*pip, "--target", str(place), f"clawmonitor=={CLAWMONITOR}"], check=True)
    options = ("--openclaw-root", str(fleet.root), "status", "--format", "json", "--no-gateway")
    return Asked(
        (sys.executable, "-m", "clawmonitor", *options), fleet.environment | {"PYTHONPATH": str(place)}
    )


def _doctor(fleet: Fleet, folder: Path) -> Asked:
    if not (CACHE / DOCTOR / ".ready").exists():
        raise RuntimeError(f"not installed (python -m tests.live.install {DOCTOR})")
    release = install(DOCTOR)
    command = ["timeout", str(DOCTOR_S), str(release.node), str(release.entry), "doctor", "--non-interactive"]
    own = with_own_logs(folder / "logs", command)
    return Asked(own, environment(release, fleet.home, fleet.root, folder / "refused"), rounds=1)


if __name__ == "__main__":
    main()
