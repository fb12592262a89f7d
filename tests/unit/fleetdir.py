"""Real OpenClaw state directories for tests: real files, real child processes that hold real locks."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psutil

from lockdeck.backend.model.locks import LockKind
from lockdeck.backend.model.trust import Vouch
from lockdeck.backend.openclaw.roots.place import Place, RootPlaces
from lockdeck.backend.settings.records import RootSettings, Settings
from tests.folders import REPOSITORY

PAST = 1_770_000_000.0
"""A time long ago, for payloads whose writer is gone."""

OWN_PROCESSES = "from tests.ownprocesses import narrow_to_the_starters; narrow_to_the_starters()"
"""Stands before everything in a program that a test starts."""

_ACTOR = r"""
import json, os, sys
held = {}
ticks = int(open("/proc/self/stat", "rb").read().rpartition(b")")[2].split()[19]) if os.path.exists("/proc/self/stat") else None
print(json.dumps({"pid": os.getpid(), "ticks": ticks}), flush=True)
for line in sys.stdin:
    order, path, text = json.loads(line)
    if order == "take":
        held[path] = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        os.write(held[path], text.encode())
    elif order == "write":
        os.write(held[path], text.encode())
    elif order == "close":
        os.close(held.pop(path))
    elif order == "unlink":
        os.unlink(path)
    print("done", flush=True)
"""


class Actor:
    """A child process that takes and gives up locks when told to. `pid` and `ticks` are as it sees itself."""

    def __init__(self, wrapper: Sequence[str] = ()) -> None:
        self.process = subprocess.Popen(
            [*wrapper, sys.executable, "-I", "-S", "-c", _ACTOR],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL if wrapper else None,
            text=True,
        )
        said = self.process.stdout.readline()
        if not said:
            self.end()
            raise OSError(f"{' '.join(wrapper) or sys.executable} is not possible here")
        facts = json.loads(said)
        self.pid: int = facts["pid"]
        self.ticks: int | None = facts["ticks"]

    def take(self, path: Path, text: str | None = None, **changes: object) -> Path:
        """Create the lock as OpenClaw does and keep it open; `text` instead of a payload, `changes` to it."""
        return self._do("take", path, self.payload(**changes) if text is None else text)

    def write(self, path: Path, **changes: object) -> Path:
        """Write the payload into a lock that was taken with an empty one."""
        return self._do("write", path, self.payload(**changes))

    def leak(self, path: Path, **changes: object) -> Path:
        """Take a lock and close it without removing it."""
        self.take(path, **changes)
        return self.close(path)

    def close(self, path: Path) -> Path:
        """Close the lock; the file stays."""
        return self._do("close", path)

    def unlink(self, path: Path) -> Path:
        """Remove the file; what is open stays open."""
        return self._do("unlink", path)

    def release(self, path: Path) -> Path:
        """Close and remove, as 2026.4.5 does."""
        self.close(path)
        return self.unlink(path)

    def payload(self, **changes: object) -> str:
        """The payload of 2026.4.5 in this process's name; a change to None leaves the key out."""
        return payload(**{"pid": self.pid, "starttime": self.ticks, **changes})

    def stop(self) -> None:
        """Stop the process, as Ctrl-Z does, and wait until it stands still."""
        self.process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED | os.WNOWAIT)

    def end(self) -> None:
        """End and reap the process."""
        self.process.kill()
        self.process.communicate()

    def become_zombie(self) -> None:
        """End the process without reaping it."""
        self.process.kill()
        os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOWAIT)

    def _do(self, order: str, path: Path, text: str = "") -> Path:
        self.process.stdin.write(json.dumps([order, str(path), text]) + "\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "done\n", f"{order} {path} failed"
        return path


@contextmanager
def actor(wrapper: Sequence[str] = ()) -> Iterator[Actor]:
    """A child process until the block ends."""
    child = Actor(wrapper)
    try:
        yield child
    finally:
        child.end()


def payload(pid: int, created: float | None = None, **more: object) -> str:
    """A lock's payload in OpenClaw's form: 2-space JSON; `created` in epoch seconds, now by default."""
    facts = {"pid": pid, "createdAt": iso(time.time() if created is None else created), **more}
    return json.dumps({key: value for key, value in facts.items() if value is not None}, indent=2)


def iso(at: float) -> str:
    """Epoch seconds as OpenClaw writes them."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def dead_pid() -> int:
    """The pid of a process that has just ended and was reaped."""
    child = subprocess.Popen([sys.executable, "-I", "-S", "-c", ""])
    child.wait()
    return child.pid


def aged(path: Path, seconds: float) -> Path:
    """Set a file's times so many seconds back."""
    then = time.time() - seconds
    os.utime(path, (then, then), follow_symlinks=False)
    return path


def lock_place(
    path: Path | str, root: Path | str, kind: LockKind = LockKind.SESSION, *, vouched: bool = True
) -> Place:
    """The lock at `path` as a place of a root in files, of the agent `main`."""
    return RootPlaces(str(root), "files", vouched).lock(str(path), "main", kind)


def nobody_vouches(_root: str) -> Vouch:
    """The user vouches for no root."""
    return Vouch()


class FleetDir:
    """One OpenClaw state directory below `home`, with as much in it as a test asks for."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.root = home / ".openclaw"
        (self.root / "agents").mkdir(parents=True)
        self.log = home / "openclaw.log"
        self.log.touch()
        self.env = {"HOME": str(home), "OPENCLAW_STATE_DIR": str(self.root), "TMPDIR": str(home / "tmp")}
        (home / "tmp").mkdir()

    def sessions(self, agent: str = "main") -> Path:
        """The sessions directory of an agent, made if need be."""
        folder = self.root / "agents" / agent / "sessions"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def session(self, key: str = "agent:main:main", store: Path | None = None, **fields: object) -> Path:
        """Write a session into a store (its agent's by default); return where its lock would stand."""
        store = store or self.sessions(key.split(":")[1]) / "sessions.json"
        session_id = str(uuid.uuid4())
        entries = json.loads(store.read_text()) if store.exists() else {}
        entries[key] = {"sessionId": session_id, "updatedAt": int(time.time() * 1000), **fields}
        beside = store.with_name(f"{store.name}.{session_id}.tmp")
        beside.write_text(json.dumps(entries))
        beside.rename(store)
        return store.parent / f"{session_id}.jsonl.lock"

    def gateway_lock(self) -> Path:
        """Where a gateway of 2026.4.5 keeps its own lock; the directory is made if need be."""
        digest = hashlib.sha256(str(self.root / "openclaw.json").encode()).hexdigest()[:8]
        folder = self.home / "tmp" / f"openclaw-{os.getuid()}"
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder / f"gateway.{digest}.lock"

    def config(self, **values: object) -> None:
        """Write openclaw.json."""
        (self.root / "openclaw.json").write_text(json.dumps(values))

    def place(self, path: Path, kind: LockKind = LockKind.SESSION, *, vouched: bool = True) -> Place:
        """The lock at `path` as a place of this root; vouched for, so that tests also hold in containers."""
        return lock_place(path, self.root, kind, vouched=vouched)

    def settings(self, **values: float) -> Settings:
        """Settings that vouch for this root's pid namespace."""
        return Settings(roots=(RootSettings(str(self.root), own_namespace=True),), **values)

    def settings_file(self) -> Path:
        """The same as a configuration file."""
        path = self.home / "lockdeck.toml"
        path.write_text(f"[[roots]]\npath = {json.dumps(str(self.root))}\nown_namespace = true\n")
        return path


def lockdeck(*words: object, env: dict[str, str], **options: object) -> subprocess.CompletedProcess[bytes]:
    """Run the command line to its end; nothing of this machine's own OpenClaw or lockdeck is seen."""
    return subprocess.run(
        command(*words),
        env=environment(env),
        capture_output=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
        **options,
    )


def command(*words: object) -> list[str]:
    """The command line of `lockdeck WORDS…` in this interpreter."""
    code = f"{OWN_PROCESSES}\nfrom lockdeck.tui.entry import main; main()"
    return [sys.executable, "-c", code, *map(str, words)]


def environment(env: dict[str, str]) -> dict[str, str]:
    """An environment for a child: the given one, and what Python needs to find lockdeck."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(REPOSITORY),
        "PYTHONDONTWRITEBYTECODE": "1",
        "LOCKDECK_CONFIG_DIR": env["HOME"] + "/lockdeck-config",
        "LOCKDECK_STATE_DIR": env["HOME"] + "/lockdeck-state",
        "LANG": "C.UTF-8",
        **env,
    }


def running_below(folder: Path) -> list[psutil.Process]:
    """Every process that names `folder` in its arguments."""
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if any(str(folder) in word for word in process.info["cmdline"] or ())
    ]


def interrupt(process: subprocess.Popen[bytes]) -> None:
    """Press ctrl+c."""
    process.send_signal(signal.SIGINT)
