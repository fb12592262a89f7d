"""The stand-in: a short-lived process of ours and the lock file that names it.

While a lock is taken out and checked, its name must not be vacant, and what stands there must be respected by
every OpenClaw version: a live pid of the same pid namespace with its start time, a fresh createdAt, and an
argv that says `openclaw` (2026.7.35 takes locks of other owners at once; seen).  The process is also the
watchman of the release: when lockdeck dies, it turns into the recovery of that release and then ends.

Where root stands in for another account there are two: the watchman, of root, and the process that the lock names,
which is that account's and lives exactly as long as the watchman (which has the only other end of its pipe).
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from msgspec import Struct

from lockdeck.backend.actions.release.account import LockAccount
from lockdeck.backend.model.moments import iso
from lockdeck.backend.openclaw.locks.lockfile import STAND_IN
from lockdeck.backend.system import processes
from lockdeck.backend.system.folders import import_folder

LIFETIME_S = 60
"""A stand-in ends by itself after this many seconds: then its lock names a dead pid, which OpenClaw reclaims."""

START_S = 10
"""How long a stand-in may take to start; a loaded machine takes far less."""
LEAVE_S = 5.0
"""How long one may take to leave; one that was stopped (SIGSTOP) never does, and then it is ended."""

_WATCH = (
    "import os, select, sys\n"
    "os.write(1, b'.')\n"
    f"ended = select.select([0], [], [], {LIFETIME_S})[0]\n"
    "if ended and not os.read(0, 1):\n"
    "    os.execv(sys.executable, [sys.executable, *sys.argv[2:], sys.argv[1]])\n"
)
_POWERS, _BECOME = "lockdeck.backend.system.privileges", "become"
_BE_OF_ACCOUNT = (
    "import os, sys\n"
    "sys.path.insert(0, sys.argv[2])\n"
    f"from {_POWERS} import {_BECOME}\n"
    f"{_BECOME}(int(sys.argv[3]), int(sys.argv[4]))\n"
    "os.write(1, b'.')\n"
    "os.read(0, 1)\n"
)
_MODULE, _FUNCTION = "lockdeck.backend.actions.release.recovery", "recover_journal"
_RECOVER = (
    "import sys\n"
    "sys.path.insert(0, sys.argv[2])\n"
    f"from {_MODULE} import {_FUNCTION}\n"
    f"{_FUNCTION}(sys.argv[1])\n"
)


class StandIn(Struct, frozen=True):
    """A running stand-in. `start_ticks` is None where the system has none (macOS)."""

    pid: int
    start_ticks: int | None


@contextmanager
def run_stand_in(journal_path: str, account: LockAccount | None = None) -> Iterator[StandIn]:
    """Run a stand-in, a process of `account` where one is named, for the length of the block.

    Raises OSError when it can't be started.
    """
    if account is None:
        with _run_watchman(journal_path, ()) as watchman:
            yield _identity_of(watchman)
        return
    process, lifeline = _start_as(account)
    try:
        with _run_watchman(journal_path, (lifeline,)) as watchman:
            os.close(lifeline)
            lifeline = -1
            yield _identity_of(process)
        _await_end(process)
    finally:
        if lifeline >= 0:  # there is no watchman
            os.close(lifeline)
            _await_end(process)


def _identity_of(process: subprocess.Popen[bytes]) -> StandIn:
    look = processes.look(process.pid)
    return StandIn(process.pid, look.identity.start_ticks if look.identity else None)


@contextmanager
def _run_watchman(journal_path: str, lifelines: tuple[int, ...]) -> Iterator[subprocess.Popen[bytes]]:
    """Run a watchman for the length of the block; it keeps `lifelines` open as long as it lives, as recovery too."""
    child = subprocess.Popen(
        _command(journal_path),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        pass_fds=lifelines,
        cwd="/",
    )
    assert child.stdin is not None
    assert child.stdout is not None
    with child.stdin, child.stdout:
        _await_start(child, child.stdout.fileno())
        yield child
        # Left by an exception, the pipe just closes: then the watchman recovers what was begun.
        _dismiss(child, child.stdin.fileno())


def _start_as(account: LockAccount) -> tuple[subprocess.Popen[bytes], int]:
    """Start a process of an account, and return it with the descriptor at whose closing it ends.

    It gives root up by itself, for the account may have no access to our Python. Of our environment it gets nothing:
    the account can read its memory.
    """
    end, lifeline = os.pipe()
    try:
        process = subprocess.Popen(
            _command_as(account),
            stdin=end,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
            env={},
        )
        assert process.stdout is not None
        with process.stdout:
            _await_start(process, process.stdout.fileno())
    except BaseException:
        os.close(lifeline)
        raise
    finally:
        os.close(end)
    return process, lifeline


def lock_payload(stand_in: StandIn, action: str, now: float) -> bytes:
    """Return the bytes of the stand-in's lock, in the shape of 2026.7.35; `now` is epoch seconds."""
    payload: dict[str, object] = {"pid": stand_in.pid, "createdAt": iso(now), "maxHoldMs": LIFETIME_S * 1000}
    if stand_in.start_ticks is not None:
        payload["starttime"] = stand_in.start_ticks
    return json.dumps({**payload, STAND_IN: action}, indent=2).encode() + b"\n"


def is_lock_of(raw: bytes, action: str) -> bool:
    """Return whether these bytes are the lock of this action's stand-in."""
    try:
        payload = json.loads(raw)
    except (ValueError, RecursionError):
        return False
    return isinstance(payload, dict) and payload.get(STAND_IN) == action


def _command(journal_path: str) -> list[str]:
    """Python without site packages starts in some 10 ms; `openclaw` comes late in argv, for OpenClaw's eyes."""
    recover = ["-P", "-c", _RECOVER, os.path.abspath(journal_path), import_folder()]
    return [sys.executable, "-I", "-S", "-c", _WATCH, "openclaw", *recover]


def _command_as(account: LockAccount) -> list[str]:
    numbers = (str(account.uid), str(account.gid))
    return [sys.executable, "-I", "-S", "-c", _BE_OF_ACCOUNT, "openclaw", import_folder(), *numbers]


def _await_start(child: subprocess.Popen[bytes], pipe: int) -> None:
    """Wait for its first byte: until then its argv may still be empty, and OpenClaw would not respect its lock."""
    if not (select.select([pipe], [], [], START_S)[0] and os.read(pipe, 1)):
        child.kill()
        child.wait()
        raise OSError(f"the stand-in process did not start ({sys.executable}, within {START_S} s)")


def _dismiss(child: subprocess.Popen[bytes], pipe: int) -> None:
    """End a stand-in in order: a byte tells it that nothing is left to recover."""
    # The pipe is broken when the stand-in has ended already, at the end of its lifetime.
    with suppress(BrokenPipeError):
        os.write(pipe, b".")
    _await_end(child)


def _await_end(child: subprocess.Popen[bytes]) -> None:
    """Wait until a process that has been told to leave has left; one that doesn't is ended."""
    try:
        child.wait(LEAVE_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
