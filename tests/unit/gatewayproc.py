"""A process that stands for the gateway of a root without lock files: it holds the gateway lock until it ends."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

SCRIPT = """
import json, os, signal, sys
path, config, root, manner = sys.argv[1:]
os.makedirs(os.path.dirname(path), exist_ok=True)
try:
    os.unlink(path)
except FileNotFoundError:
    pass
held = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
ticks = int(open('/proc/self/stat').read().rpartition(')')[2].split()[19])
told = {'pid': os.getpid(), 'createdAt': '2026-11-22T18:36:46.094Z', 'configPath': config, 'stateDir': root,
        'startTime': ticks}
os.write(held, json.dumps(told).encode())
def end(number, frame):
    if manner == 'drains':
        return
    os.unlink(path)
    os._exit(0)
signal.signal(signal.SIGTERM, end)
print('up', flush=True)
while manner == 'alone' or sys.stdin.read(1):
    signal.pause()
"""


def lock_path(root: Path) -> Path:
    """Where 2026.8 and later keep the lock of the gateway of `root`."""
    name = hashlib.sha256(os.fsencode(root / "openclaw.json")).hexdigest()[:8]
    return root / "tmp" / f"openclaw-{os.getuid()}" / f"gateway.{name}.lock"


def command(root: Path, manner: str = "ends") -> list[str]:
    """The command line of such a process. `manner`: it `ends` at SIGTERM (`alone`: and only then), or `drains`."""
    return [
        sys.executable, "-S", "-c", SCRIPT, str(lock_path(root)), str(root / "openclaw.json"), str(root), manner,
    ]  # fmt: skip


class GatewayProcess:
    """Such a process, up when made; ends with its input."""

    def __init__(self, root: Path, manner: str = "ends") -> None:
        self.process = subprocess.Popen(
            command(root, manner), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.pid = self.process.pid
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "up\n"

    def close(self) -> None:
        """End it and wait for it."""
        self.process.communicate()
