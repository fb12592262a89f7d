"""The race with acquirers that run the lock code of an installed OpenClaw, found in the live tests' cache."""

from __future__ import annotations

import glob
import os
import subprocess
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.live.install import CACHE
from tests.race.contest import Clock, clean, fork, report
from tests.race.releasers import RELEASERS

ACQUIRER = str(Path(__file__).with_name("acquirer.mjs"))
LOCKS = 3
CONTESTS = (
    (1, "none"),
    (1, "check-then-unlink"),
    (1, "lockdeck, no waits"),
    (3, "none"),
    (3, "look only"),
    (3, "check-then-unlink"),
    (3, "lockdeck, no waits"),
    (3, "lockdeck, full waits"),
)
"""Acquirers per lock, releaser. With one per lock nobody but the releaser can rob."""


def main(version: str, seconds: float, folder: str) -> int:
    """Race with nobody, a script and lockdeck; 1 when lockdeck robbed somebody, 0 also when it can't run."""
    found = find(version)
    if found is None:
        print(f"no OpenClaw {version} in the cache: run `python -m tests.live.install {version}` first")
        return 0
    robbed = 0
    for per_lock, releaser in CONTESTS:
        with tempfile.TemporaryDirectory(prefix="lockdeck-real-", dir=folder) as fresh:
            count = run(*found, releaser, per_lock, seconds, fresh)
        print(f"{version} {per_lock} per lock, {releaser:20} {dict(sorted(count.items()))}", flush=True)
        if per_lock == 1 and releaser.startswith("lockdeck"):
            robbed += count["robbed"] + count["double"]
    return 1 if robbed else 0


def find(version: str) -> tuple[str, str] | None:
    """Return node and the module that exports acquireSessionWriteLock; None when it is not installed."""
    for cache in (CACHE, os.path.expanduser("~/.cache/openclaw-live")):
        modules = glob.glob(f"{cache}/{version}/node_modules/openclaw/dist/session-write-lock-*.js")
        nodes = glob.glob(f"{cache}/node24/node_modules/node-*/bin/node")
        ours = [name for name in modules if "acquireSessionWriteLock as t" in Path(name).read_text()]
        if ours and nodes:
            return nodes[0], ours[0]
    return None


def run(node: str, module: str, releaser: str, per_lock: int, seconds: float, folder: str) -> Counter[str]:
    """One contest: crashed acquirers come again at once; one releaser works beside them."""
    sessions = [os.path.join(folder, f"agent-{number}", "sessions", "race.jsonl") for number in range(LOCKS)]
    for session in sessions:
        os.makedirs(os.path.dirname(session))
    clock = Clock(seconds)
    events = os.path.join(folder, "events")

    def start(session: str) -> subprocess.Popen[bytes]:
        left = str(max(0.1, clock.began + seconds - time.monotonic()))
        # The last word: OpenClaw from 2026.5.18 takes the locks of processes that don't look like it.
        command = [node, ACQUIRER, module, session, left, "0.1", "openclaw"]
        with open(events, "ab") as log:
            return subprocess.Popen(command, stdout=log, stderr=log)

    running = [(session, start(session)) for session in sessions for _ in range(per_lock)]
    locks = [session + ".lock" for session in sessions]
    busy = RELEASERS[releaser] is not None
    cleaners = [fork(lambda: clean(releaser, locks, folder, clock, None, 1, 0))] if busy else []
    while not clock.ended():
        time.sleep(0.005)
        for number, (session, process) in enumerate(running):
            if process.poll() is not None and not clock.ended():
                running[number] = (session, start(session))
    for _, process in running:
        process.wait()
    for pid in cleaners:
        os.waitpid(pid, 0)
    return _events(events) + (report(folder, 0) if cleaners else Counter())


def _events(path: str) -> Counter[str]:
    names = {"a": "acquired", "c": "crashed", "r": "robbed", "d": "double"}
    events = Path(path).read_text(errors="replace").splitlines()
    return Counter(names.get(event, event[:90]) for event in events if event)
