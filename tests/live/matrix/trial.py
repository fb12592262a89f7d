"""One release through the scenarios, within a budget of time."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.live.install import install
from tests.live.instance import Instance
from tests.live.matrix import cancels, credentials, scenarios
from tests.live.matrix.findings import Findings
from tests.live.state import AGENTS, DIALECTS

IDLE_S = 8
RUN_S = 16
"""Where a release has no idle timeout, what bounds an attempt (seconds) is the time of a run: longer than a slow answer."""
FIRST_RUN_S = 420
"""So long (seconds) the first run of an agent may take: 2026.4.15 loads for longer than three minutes on a busy machine."""
BUDGET_S = 1500.0
"""So long (seconds) one release may take, beside the others; a scenario that would begin later is not tried."""
SCENARIOS: tuple[Callable[[Instance, Findings], None], ...] = (
    scenarios.idle,
    scenarios.streaming,
    scenarios.hang,
    scenarios.failing,
    cancels.cancelling,
    cancels.cancelling_retries,
    scenarios.killed,
    credentials.without_credentials,
    scenarios.refusing,
)


def trial(version: str, only: Sequence[str] | None = None, keep: Path | None = None) -> Findings:
    """Try one release; a scenario that breaks off is a fault, and the next one goes on."""
    findings = Findings(version)
    with tempfile.TemporaryDirectory(prefix=f"matrix-{version}-") as folder:
        try:
            _try(version, Path(folder), findings, only)
        except Exception as error:
            findings.faults.append(f"it could not be started: {type(error).__name__}: {error}")
        if keep is not None:
            kept = keep / version
            shutil.rmtree(kept, ignore_errors=True)
            shutil.copytree(folder, kept, symlinks=True, ignore_dangling_symlinks=True)
    return findings


def instance_of(version: str, folder: Path) -> Instance:
    """A new instance of a release, in which an attempt takes as long as the scenarios expect."""
    idles = DIALECTS[version].idle is not None
    options = {"run_timeout": 600, "idle_timeout": IDLE_S} if idles else {"run_timeout": RUN_S}
    return Instance(install(version), folder, **options)


def first_runs(instance: Instance) -> None:
    """Run every agent once: what a release loads when it is first asked is no part of a scenario."""
    for agent in AGENTS:
        instance.start_run(agent).wait(FIRST_RUN_S)


def _try(version: str, folder: Path, findings: Findings, only: Sequence[str] | None) -> None:
    began = time.monotonic()
    with instance_of(version, folder) as instance:
        first_runs(instance)
        for scenario in SCENARIOS:
            if only is not None and scenario.__name__ not in only:
                continue
            if time.monotonic() - began > BUDGET_S:
                findings.faults.append(f"{scenario.__name__} was not tried: {BUDGET_S:.0f} s are over")
                continue
            _step(scenario, instance, findings)
    print(f"{version} took {time.monotonic() - began:.0f} s of {BUDGET_S:.0f} s", flush=True)


def _step(scenario: Callable[[Instance, Findings], None], instance: Instance, findings: Findings) -> None:
    began = time.monotonic()
    try:
        instance.start()
        instance.warm_up()
        scenario(instance, findings)
    except Exception as error:
        findings.faults.append(f"{scenario.__name__} broke off: {type(error).__name__}: {error}")
    print(f"{findings.release} {scenario.__name__} {time.monotonic() - began:.0f} s", flush=True)
