"""`python -m tests.race`: how often somebody is robbed, with nobody, a script, and lockdeck cleaning up."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile

from tests.race.contest import SCENARIOS, Result, run
from tests.race.releasers import RELEASERS

OWN_NAMESPACE = "LOCKDECK_RACE_NAMESPACE"
ENOUGH = {"kills": 2000, "errors": 1000, "stops": 500}
OVER_THE_WIRE = "lockdeck, over the wire"
MOST_OVER_THE_WIRE = 500
"""Each of those is asked for over a pipe, and journaled at both ends."""
COLUMNS = (
    "released",
    "refused",
    "lost",
    "failed",
    "acquired",
    "crashed",
    "robbed",
    "double",
    "disturbed",
    "displaced",
)


def main() -> int:
    """Run the contests or the kill test and print a table; 1 when lockdeck robbed somebody."""
    options = _options()
    if not os.environ.get(OWN_NAMESPACE) and _can_have_own_namespace():
        return _again_in_own_namespace()
    if options.all:
        return _all(options)
    code = _points(options)
    if code is not None:
        return code
    if options.turns:
        from tests.race.turns import main as turns

        return turns(options)
    if options.real:
        from tests.race.real import main as real

        return real(options.real, options.seconds or 120, options.folder)
    return _contests(options)


def _contests(options: argparse.Namespace) -> int:
    """Run the contests; 1 when lockdeck robbed somebody."""
    results = []
    for name in options.scenario or SCENARIOS:
        for releaser in options.releaser or _releasers_for(name):
            folder = tempfile.mkdtemp(prefix="lockdeck-race-", dir=options.folder)
            try:
                results.append(_one(name, releaser, folder, options))
            finally:
                shutil.rmtree(folder, ignore_errors=True)
            print(_row(results[-1]), flush=True)
    if options.json:
        with open(options.json, "w") as file:
            json.dump([{**vars(result), "counts": dict(result.counts)} for result in results], file, indent=1)
    ours = [
        result
        for result in results
        if result.releaser.startswith("lockdeck") and SCENARIOS[result.scenario].attributable
    ]
    return 1 if any(result.counts["robbed"] or result.counts["double"] for result in ours) else 0


def _points(options: argparse.Namespace) -> int | None:
    """Run the kills, errors and stops that are asked for; 1 when one broke a rule, None where none is asked for."""
    from tests.race import errors, kills, stops

    parts = ((kills.main, options.kills), (errors.main, options.errors), (stops.main, options.stops))
    codes = [main(count, options.folder) for main, count in parts if count]
    return max(codes, default=None)


def _all(options: argparse.Namespace) -> int:
    """Run what a release of lockdeck has to pass: the contests, then kills, injected errors and stops."""
    contests = _contests(options)
    for name, count in ENOUGH.items():
        setattr(options, name, getattr(options, name) or count)
    return max(contests, _points(options) or 0)


def _one(name: str, releaser: str, folder: str, options: argparse.Namespace) -> Result:
    scenario = SCENARIOS[name]
    long = scenario.many_releases and releaser.startswith("lockdeck")
    releases = min(options.releases, MOST_OVER_THE_WIRE) if releaser == OVER_THE_WIRE else options.releases
    seconds = options.seconds if long or options.even else min(options.seconds, options.short)
    return run(
        scenario,
        releaser,
        folder,
        seconds=seconds,
        releases=releases if long else None,
        robberies=options.robberies,
        seed=options.seed,
    )


def _releasers_for(name: str) -> tuple[str, ...]:
    """Return who cleans up in a scenario where nobody is named."""
    usual = ("none", "check-then-unlink", "lockdeck")
    if SCENARIOS[name].many_releases:
        return (*usual, "lockdeck, clock steps", OVER_THE_WIRE)
    return ("none", "without the rule", "lockdeck") if SCENARIOS[name].starters else usual


def _row(result: Result) -> str:
    counts = result.counts
    head = f"{result.scenario:22} {result.releaser:20} {result.seconds:6.1f} s "
    rest = {key: value for key, value in counts.items() if key not in COLUMNS and value}
    return head + " ".join(f"{name} {counts[name]}" for name in COLUMNS) + (f" {rest}" if rest else "")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.race", description=__doc__)
    parser.add_argument(
        "--releases", type=int, default=5000, help="for lockdeck, and again with a stepping clock"
    )
    parser.add_argument("--seconds", type=float, default=900, help="at most, for each of those")
    parser.add_argument("--short", type=float, default=30, help="seconds for every other contest")
    parser.add_argument("--robberies", type=int, help="end a contest after so many")
    parser.add_argument("--even", action="store_true", help="the same time for all contests")
    parser.add_argument(
        "--turns", type=int, help="compare rates instead: so many turns of --short seconds for each"
    )
    parser.add_argument("--scenario", action="append", choices=SCENARIOS)
    parser.add_argument("--releaser", action="append", choices=RELEASERS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--folder", default="/var/tmp", help="where locks are made: the file system that is tested"
    )
    parser.add_argument("--json", help="write the numbers to this file")
    parser.add_argument("--kills", type=int, help="the kill test instead: how many SIGKILLs")
    parser.add_argument("--errors", type=int, help="instead: how many injected errors")
    parser.add_argument("--stops", type=int, help="instead: how many SIGSTOPs")
    parser.add_argument(
        "--all", action="store_true", help=f"the contests, then {ENOUGH}, or as many as are asked for"
    )
    parser.add_argument(
        "--real", metavar="VERSION", help="acquirers run the code of an installed OpenClaw instead"
    )
    parser.add_argument("title", nargs="*", help=argparse.SUPPRESS)
    return parser.parse_args()


def _can_have_own_namespace() -> bool:
    probe = ["unshare", "--pid", "--fork", "--mount-proc", "true"]
    return shutil.which("unshare") is not None and subprocess.run(probe, capture_output=True).returncode == 0


def _again_in_own_namespace() -> int:
    """A pid namespace of its own keeps the process table short; the last word makes us OpenClaw to 2026.7."""
    inner = [sys.executable, "-m", "tests.race", *sys.argv[1:], "openclaw"]
    outer = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", *inner]
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with subprocess.Popen(outer, env={**os.environ, OWN_NAMESPACE: "1"}) as inside:
        try:
            return inside.wait()
        except KeyboardInterrupt:
            # unshare ignores SIGTERM; when it dies, all in its namespace die with it.
            inside.kill()
            return 130


if __name__ == "__main__":
    sys.exit(main())
