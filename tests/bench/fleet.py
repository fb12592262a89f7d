"""A state directory of any size on disk: real stores, real transcripts, real locks of dead and living processes."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.bench.children import Holder
from tests.folders import RECORDINGS

AGENTS = ("main", "silas", "ezra", "juno")
RECORDED_LOG = RECORDINGS / "2026.4.5-run-ok" / "gateway.log"
SNAPSHOT_BYTES = 4300
"""Size of the `skillsSnapshot` in each entry: 10,000 sessions make stores of 50 MB (4 to 8 KB seen on 2026.4.5)."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """`root` is the state directory, `log` the only log, `locks` the lock path of each session by key tail."""

    home: Path
    root: Path
    log: Path
    locks: dict[str, str]

    @property
    def environment(self) -> dict[str, str]:
        """The environment in which nothing but this fleet is found, and programs keep their byte code as installed ones do."""
        own = {"HOME": str(self.home), "TMPDIR": str(self.home), "LOCKDECK_CONFIG_DIR": str(self.home)}
        return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | own

    def arguments(self, command: str, *options: str) -> list[str]:
        """Return the arguments of a lockdeck command on this fleet."""
        return [command, *options, "--log", str(self.log), str(self.root)]


def furnish(
    home: Path, sessions: int, *, agents: int = len(AGENTS), snapshot_bytes: int = SNAPSHOT_BYTES
) -> Fleet:
    """Build a fleet of idle sessions, spread evenly over the agents."""
    names = [*AGENTS, *(f"agent{number:04}" for number in range(agents))][:agents]
    root = home / ".openclaw"
    root.mkdir(parents=True)
    (root / "openclaw.json").write_text(json.dumps(_config(names)), encoding="utf-8")
    log = home / "openclaw.log"
    log.write_bytes(RECORDED_LOG.read_bytes())
    locks: dict[str, str] = {}
    for place, agent in enumerate(names):
        folder = root / "agents" / agent / "sessions"
        folder.mkdir(parents=True)
        numbers = range(place, sessions, len(names))
        store = {f"agent:{agent}:cron:{n:06}": _session(folder, n, snapshot_bytes) for n in numbers}
        (folder / "sessions.json").write_text(json.dumps(store, indent=2), encoding="utf-8")
        locks |= {f"cron:{n:06}": str(folder / f"{_id(n)}.jsonl.lock") for n in numbers}
    return Fleet(home, root, log, locks)


@contextmanager
def locked(fleet: Fleet, count: int, held: int) -> Iterator[None]:
    """Put `count` locks into a fleet: `held` of them in the hands of a living process, the others of a dead one.

    Both are spread evenly over the sessions.
    """
    paths = list(fleet.locks.values())[:: max(1, len(fleet.locks) // count)][:count]
    living = set(paths[:: max(1, count // held)][:held])
    payload = _dead_payload()
    for path in paths:
        if path not in living:
            Path(path).write_bytes(payload)
    with Holder() as holder:
        for path in living:
            holder.take(path)
        yield


def _dead_payload() -> bytes:
    with subprocess.Popen(["true"]) as ended:
        pid = ended.pid
    created = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return json.dumps({"pid": pid, "createdAt": created, "starttime": 4711}, indent=2).encode()


def _id(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012}"


def _session(folder: Path, number: int, snapshot_bytes: int) -> dict[str, object]:
    session_id = _id(number)
    transcript = folder / f"{session_id}.jsonl"
    transcript.write_text(f'{{"type":"session","version":3,"id":"{session_id}"}}\n', encoding="utf-8")
    now = int(time.time() * 1000)
    return {
        "sessionId": session_id,
        "updatedAt": now - number * 1000,
        "sessionFile": str(transcript),
        "status": "done",
        "startedAt": now - number * 1000 - 5000,
        "endedAt": now - number * 1000,
        "abortedLastRun": False,
        "modelProvider": "openai",
        "model": "gpt-5.2",
        "skillsSnapshot": {"prompt": "a skill, told at length; " * (snapshot_bytes // 25)},
    }


def _config(names: list[str]) -> dict[str, object]:
    models = {"primary": "openai/gpt-5.2", "fallbacks": ["ollama/qwen3-coder"]}
    agents = [{"id": agent, "name": agent} for agent in names]
    return {
        "meta": {"lastTouchedVersion": "2026.4.5"},
        "auth": {"order": {"openai": ["openai:default", "openai:backup"], "ollama": ["ollama:default"]}},
        "agents": {"defaults": {"model": models, "timeoutSeconds": 60}, "list": agents},
    }
