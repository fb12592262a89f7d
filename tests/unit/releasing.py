"""A real lock in a real root, and a release whose waits cost nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from lockdeck.backend.actions.journal import Journal
from lockdeck.backend.actions.release.plan import plan_at
from lockdeck.backend.actions.release.release import release
from lockdeck.backend.system import procfs
from tests.unit.fleetdir import lock_place

NO_SUCH_PID = 4194305
"""Above PID_MAX_LIMIT."""
HOLDER = """
import json, os, sys, time
path, = sys.argv[1:]
fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
ticks = int(open('/proc/self/stat').read().rpartition(')')[2].split()[19])
now = time.strftime('%Y-%m-%dT%H:%M:%S.000Z', time.gmtime())
os.write(fd, json.dumps({'pid': os.getpid(), 'createdAt': now, 'starttime': ticks}).encode())
print('held', flush=True)
for line in sys.stdin:
    if line == 'close\\n':
        os.close(fd)
        print('closed', flush=True)
"""


class Root:
    """An OpenClaw root with one session; `waits` lists what a release waited for."""

    def __init__(self, folder: Path) -> None:
        self.sessions = folder / "root" / "agents" / "main" / "sessions"
        self.sessions.mkdir(parents=True)
        (folder / "root" / "openclaw.json").write_text("{}")
        self.lock = self.sessions / "one.jsonl.lock"
        self.transcript = self.sessions / "one.jsonl"
        self.transcript.write_text('{"type":"session"}\n')
        self.journal = Journal(str(folder / "state" / "journal.jsonl"))
        self.place = lock_place(self.lock, folder / "root")
        self.waits: list[float] = []

    def write(
        self, pid: int = NO_SUCH_PID, created: str = "2026-04-05T03:00:00.000Z", **more: object
    ) -> bytes:
        raw = json.dumps({"pid": pid, "createdAt": created, **more}).encode()
        self.lock.write_bytes(raw)
        return raw

    def plan(self, release_id: str | None = None, **more):
        return plan_at(self.place, release_id, **more)

    def release(self, plan=None, **more):
        return release(
            plan or self.plan(), journal=self.journal, wait=self.waits.append, **{"watch_s": 0.0, **more}
        )

    def kinds(self) -> list[str]:
        return [entry["kind"] for entry in self.journal.read().entries]

    def names(self) -> list[str]:
        return sorted(os.listdir(self.sessions))

    def hold(self) -> subprocess.Popen[str]:
        """A live process that takes the lock and keeps it open until told `close`."""
        holder = subprocess.Popen(
            [sys.executable, "-S", "-c", HOLDER, str(self.lock)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        return holder


def tell(holder: subprocess.Popen[str], word: str) -> None:
    """Give a holder an order and wait until it has carried it out."""
    assert holder.stdin is not None
    assert holder.stdout is not None
    holder.stdin.write(word + "\n")
    holder.stdin.flush()
    assert holder.stdout.readline()


def end(holder: subprocess.Popen[str]) -> None:
    """End a holder; its lock file stays."""
    holder.communicate()


def our_ticks() -> int:
    stat = procfs.read_stat(os.getpid())
    assert stat is not None
    return stat.start_ticks
