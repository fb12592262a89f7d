"""Runs lockdeck as a user would, against a real instance."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.folders import REPOSITORY
from tests.live.instance import Instance
from tests.live.waiting import eventually

COMMAND = [sys.executable, "-c", "from lockdeck.tui.entry import main; main()"]


def lockdeck(
    instance: Instance, *arguments: str, env: Mapping[str, str] | None = None
) -> tuple[int, Any, str]:
    """Run one command with `--json`; returns exit code, parsed stdout and stderr."""
    words = [*COMMAND, *arguments, "--json"]
    done = subprocess.run(
        words, capture_output=True, text=True, timeout=120, env=_env(instance, env), cwd=REPOSITORY
    )
    _no_credential(instance, done.stdout, done.stderr)
    try:
        return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr
    except ValueError as error:
        raise AssertionError(f"{arguments}: not JSON: {done.stdout[:400]!r} {done.stderr[-800:]}") from error


def status(instance: Instance) -> tuple[int, dict[str, Any]]:
    """Run `lockdeck status` on the instance's root and log."""
    code, found, narration = lockdeck(instance, "status", str(instance.root), "--log", str(instance.log_file))
    assert found is not None, narration
    return code, found


def by_agent(snapshot: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The main session of each agent in a status."""
    return {s["agent"]: s for s in snapshot["sessions"] if s["key"] == f"agent:{s['agent']}:main"}


class Watch:
    """A running `lockdeck watch --json`, its lines gathered as they come."""

    def __init__(self, process: subprocess.Popen[str], token: str) -> None:
        self.process = process
        self.token, self.leaked = token, False
        self.lines: list[dict[str, Any]] = []
        self.arrivals: list[float] = []
        """When each line came (epoch seconds)."""
        self._thread = threading.Thread(target=self._gather, daemon=True)
        self._thread.start()

    def _gather(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.arrivals.append(time.time())
            self.lines.append(json.loads(line))
            self.leaked |= self.token in line

    def close(self) -> None:
        """Wait for the last line; the process has ended."""
        self._thread.join(10)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def sessions(self, agent: str) -> list[dict[str, Any]]:
        """Every picture of an agent's main session so far, oldest first."""
        key = f"agent:{agent}:main"
        return [line["session"] for line in list(self.lines) if line.get("session", {}).get("key") == key]

    def state_at(self, agent: str, at: float) -> str | None:
        """Return the state that an agent's main session was last told to be in by then (epoch seconds)."""
        key, state = f"agent:{agent}:main", None
        for arrival, line in zip(list(self.arrivals), list(self.lines), strict=False):
            session = line.get("session", {})
            if arrival <= at and session.get("key") == key:
                state = str(session["state"])
        return state

    def unseen_at(self, at: float) -> bool:
        """Return whether the root was last told by then (epoch seconds) to have what can't be seen."""
        told = zip(list(self.arrivals), list(self.lines), strict=False)
        roots = [line["root"]["unseen"] for arrival, line in told if arrival <= at and "root" in line]
        return bool(roots and roots[-1])

    def states(self, agent: str) -> list[str]:
        """The states an agent's main session went through, repeats left out."""
        found: list[str] = []
        for session in self.sessions(agent):
            if not found or found[-1] != session["state"]:
                found.append(session["state"])
        return found


@contextmanager
def watching(instance: Instance) -> Iterator[Watch]:
    """`lockdeck watch --json` on the instance, interrupted at the end."""
    words = [*COMMAND, "watch", str(instance.root), "--log", str(instance.log_file), "--json"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=_env(instance), cwd=REPOSITORY)
    watch = Watch(process, instance.token)
    try:
        eventually(lambda: watch.lines, 120, "the first line of watch")
        yield watch
    finally:
        process.terminate()
        process.wait(20)
        watch.close()
        assert not watch.leaked, "the gateway's token was told"


def _no_credential(instance: Instance, *outputs: str) -> None:
    """Fail when the gateway's token stands in any output, or in anything that lockdeck has written so far."""
    folder = Path(_env(instance)["LOCKDECK_STATE_DIR"])
    written = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    for text in [*(output.encode() for output in outputs), *written]:
        assert instance.token.encode() not in text


def _env(instance: Instance, more: Mapping[str, str] | None = None) -> dict[str, str]:
    state = instance.root.parent / "lockdeck-state"
    return {**os.environ, "LOCKDECK_STATE_DIR": str(state), "LOCKDECK_CONFIG_DIR": str(state), **(more or {})}
