"""`python -m tests.live.matrix [VERSION...]`: every release through every scenario, and the table of docs/releases.md."""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.folders import REPOSITORY
from tests.live.install import install
from tests.live.instance import Instance
from tests.live.matrix import scenarios
from tests.live.matrix.scenarios import Findings
from tests.live.state import DIALECTS

PAGE = REPOSITORY / "docs" / "releases.md"
IDLE_S = 8
RUN_S = 16
"""Where a release has no idle timeout, what bounds an attempt (seconds) is the time of a run: longer than a slow answer."""
SCENARIOS = (
    scenarios.idle,
    scenarios.streaming,
    scenarios.hang,
    scenarios.failing,
    scenarios.cancelling,
    scenarios.killed,
)
HEAD = """# lockdeck beside real releases

Made by `make live-all`, not by hand: four agents, a model provider that answers slowly, hangs or fails, cancels and a SIGKILL on each
release. An answer is judged by what the provider saw: false green is an answer that shows nothing, or ends with 0 after two
timeouts, while a request of that agent is open.

| release | answers | false greens | flips | attempts right | decisions right | cancels true | other faults |
|---|---|---|---|---|---|---|---|
"""


def trial(version: str) -> Findings:
    """Try one release; a scenario that breaks off is a fault, and the next one goes on."""
    findings = Findings(version)
    with tempfile.TemporaryDirectory(prefix=f"matrix-{version}-") as folder:
        idles = DIALECTS[version].idle is not None
        options = {"run_timeout": 600, "idle_timeout": IDLE_S} if idles else {"run_timeout": RUN_S}
        with Instance(install(version), Path(folder), **options) as instance:
            for agent in ("main", "silas", "ezra", "juno"):
                instance.start_run(agent).wait(scenarios.PATIENCE_S)
            for scenario in SCENARIOS:
                began = time.monotonic()
                try:
                    instance.start()
                    instance.warm_up()
                    scenario(instance, findings)
                except Exception as error:
                    findings.faults.append(f"{scenario.__name__} broke off: {type(error).__name__}: {error}")
                print(f"{version} {scenario.__name__} {time.monotonic() - began:.0f} s", flush=True)
    return findings


def row(findings: Findings) -> str:
    """One line of the table."""
    cells = (
        findings.release,
        str(findings.looks),
        str(len(findings.false_greens)),
        str(findings.flips),
        *(_share(counter) for counter in (findings.attempts, findings.decisions, findings.cancels)),
        str(len(findings.faults)),
    )
    return f"| {' | '.join(cells)} |"


def _share(counter: Counter[str]) -> str:
    return f"{counter['right']} of {counter['all']}" if counter["all"] else "not tried"


def main(versions: list[str]) -> int:
    """Try the releases, print what is wrong, and write the table when all were tried."""
    every = []
    for version in versions or list(DIALECTS):
        findings = trial(version)
        every.append(findings)
        print(row(findings))
        for sentence in (*findings.false_greens, *findings.faults):
            print(f"    {sentence}", flush=True)
    if not versions:
        PAGE.write_text(HEAD + "".join(f"{row(findings)}\n" for findings in every))
    return int(any(f.false_greens or f.flips or f.faults for f in every))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
