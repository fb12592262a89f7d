"""`python -m tests.live.matrix [VERSION...]`: every release through every scenario, and the table of docs/releases.md."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from tests.folders import REPOSITORY
from tests.live.matrix.findings import COLUMNS, Findings
from tests.live.matrix.trial import BUDGET_S, trial
from tests.live.state import DIALECTS

PAGE = REPOSITORY / "docs" / "releases.md"
HEAD = f"""# lockdeck beside real releases

Made by `make live-all`, not by hand: four agents, a model provider that answers slowly, hangs or fails, cancels and a SIGKILL on each
release. An answer (of `status` every two seconds, and of `watch` beside it) is judged by what the provider saw: false green is an
answer that shows nothing, or ends with 0 after two timeouts, while a request of that agent is open. A flip is a session that is told
to be better off than before, and then worse again. *Without credentials* are the answers while the gateway can't be asked, where
its word is needed, that were not green. An attempt is one that the provider saw, or that OpenClaw's own log tells.

| {" | ".join(COLUMNS)} |
|{"---|" * len(COLUMNS)}
"""


def main() -> int:
    """Try the releases, print what is wrong, and write the table when all were tried."""
    parser = argparse.ArgumentParser(prog="python -m tests.live.matrix", description=__doc__)
    parser.add_argument("versions", nargs="*", metavar="VERSION", help=f"one of {', '.join(DIALECTS)}")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="so many releases at once")
    parser.add_argument("--only", metavar="WORDS", help="only these scenarios, by name, with commas between")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep logs and answers there")
    options = parser.parse_args()
    versions = options.versions or list(DIALECTS)
    unknown = [version for version in versions if version not in DIALECTS]
    if unknown:
        parser.error(f"no such release here: {', '.join(unknown)}")
    only = options.only.split(",") if options.only else None
    print(
        f"{len(versions)} releases, {options.jobs} at once, each for {BUDGET_S / 60:.0f} min at most",
        flush=True,
    )
    every = _all(versions, options.jobs, only, options.keep)
    for version in versions:
        print(every[version].row())
    if not options.versions and only is None:
        rows = "".join(f"{every[version].row()}\n" for version in versions)
        PAGE.write_text(f"{HEAD}{rows}\n{_run(options.jobs)}\n")
    return int(not all(findings.clean for findings in every.values()))


def _run(jobs: int) -> str:
    """Say when the run ended, of which commit it was, and on what."""
    told = subprocess.run(
        ("git", "-C", REPOSITORY, "rev-parse", "--short=12", "HEAD"),
        capture_output=True,
        text=True,
        check=False,
    )
    commit = told.stdout.strip() or "an unknown commit"
    return f"Run of {commit}, {time.strftime('%Y-%m-%d')}: {jobs} releases at once on {os.cpu_count()} cores."


def _all(versions: list[str], jobs: int, only: list[str] | None, keep: Path | None) -> dict[str, Findings]:
    """Try releases, so many at once, each in a process of its own; tell of each as it ends."""
    every = {}
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), max_tasks_per_child=1) as pool:
        for done in as_completed([pool.submit(trial, version, only, keep) for version in versions]):
            findings = done.result()
            every[findings.release] = findings
            print("\n".join((findings.row(), *(f"    {line}" for line in findings.sentences))), flush=True)
    return every


if __name__ == "__main__":
    sys.exit(main())
