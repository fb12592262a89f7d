"""OpenClaw's own `doctor` on a small fleet, for comparison; only where a release is installed already."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.bench.cost import cost_of
from tests.bench.figures import Figure
from tests.bench.fleet import AGENTS, furnish
from tests.bench.status import small
from tests.live.install import CACHE, install
from tests.live.isolation import environment, with_own_logs

VERSION = "2026.4.5"


def measure(folder: Path) -> Iterator[Figure]:
    """Yield how many times cheaper a status is than the doctor; nothing where that release is not installed."""
    if not (CACHE / VERSION / ".ready").exists():
        print(f"doctor: openclaw {VERSION} is not installed (python -m tests.live.install {VERSION})")
        return
    ours, theirs = small(folder), _doctor(folder)
    versus = f"`openclaw doctor` of {VERSION} took {theirs:.1f} s of processor time"
    yield Figure(
        "status --json: times cheaper than doctor",
        theirs / ours.value,
        "x",
        100,
        at_least=True,
        versus=versus,
    )


def _doctor(folder: Path) -> float:
    release = install(VERSION)
    fleet = furnish(folder / "doctor", len(AGENTS))
    command = [str(release.node), str(release.entry), "doctor", "--non-interactive"]
    own = environment(release, fleet.home, fleet.root, folder / "refused")
    return cost_of(with_own_logs(folder / "logs", command), own, 1).cpu_s
