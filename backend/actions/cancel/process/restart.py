"""The last rung: restart a gateway through whoever looks after it, or end it with SIGTERM. Never SIGKILL.

SIGTERM makes a gateway release every lock (13 ms on 2026.4.5). Unit and label names are OpenClaw's own:
`openclaw-gateway[-<profile>].service`, `ai.openclaw.gateway` (read in 2026.4.5).
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping

from msgspec import Struct

from lockdeck.backend.actions.cancel.context import CancelContext
from lockdeck.backend.actions.cancel.process.proof import Claim, why_deaf, why_no_signal
from lockdeck.backend.model.releases.lookup import NEWEST
from lockdeck.backend.model.words import duration
from lockdeck.backend.system import procfs
from lockdeck.backend.system.childenv import minimal_environment
from lockdeck.backend.system.terminate import terminate
from lockdeck.backend.system.text import safe

DRAIN_S = NEWEST.drain_s
"""How long a gateway that is told to end lets its runs go on, in seconds."""
STOP_S = DRAIN_S + 15
"""How long a supervisor is told to wait for the end of such a gateway, in seconds."""
_COMMAND_S = 60.0
_DEAF_S = 1.0
"""How often (seconds) it is looked whether a process that is waited for was stopped."""
_UNIT = re.compile(r"/([\w@.\\-]+\.service)$", re.ASCII)
_USER_MANAGER = re.compile(r"/user@(\d+)\.service(?:/|$)")
_CONTAINER = re.compile(r"(?:docker|libpod)[-/]([0-9a-f]{64})(?:\.scope)?", re.ASCII)
_LAUNCHD_LABEL = "ai.openclaw.gateway"


class Supervisor(Struct, frozen=True):
    """The one that restarts a gateway: `kind` (systemd, launchd, docker, podman) and the command that asks for it."""

    kind: str
    argv: tuple[str, ...]

    @property
    def command(self) -> str:
        """The command as a person would type it."""
        return safe(shlex.join(self.argv), 200)


def find_supervisor(pid: int, stop_s: int | None = None) -> Supervisor | None:
    """Return who supervises a process, as the system itself says; None where nobody is known to.

    `stop_s`: how long, in seconds, the process may take to end where the supervisor lets us say so.
    """
    if sys.platform == "darwin":
        return _launchd(pid)
    try:
        with open(f"/proc/{pid}/cgroup", encoding="ascii", errors="replace") as file:
            return supervisor_in(file.read(16384), os.geteuid(), stop_s)
    except OSError:
        return None


def supervisor_in(cgroups: str, uid: int, stop_s: int | None = None) -> Supervisor | None:
    """Read the text of `/proc/<pid>/cgroup`: the container or the service that the process belongs to.

    Below the manager of another account's services the groups have whatever names that account gives them.
    """
    for line in cgroups.splitlines():
        path = line.rpartition(":")[2]
        managers = _USER_MANAGER.findall(path)
        if any(int(manager) != uid for manager in managers):
            continue
        container = _CONTAINER.search(path)
        if container:
            kind = "podman" if "libpod" in container[0] else "docker"
            # Unless told otherwise both send SIGKILL after 10 s, in the middle of a gateway's farewell.
            patience = () if stop_s is None else (f"--time={stop_s}",)
            return _installed(kind, kind, "restart", *patience, container[1])
        unit = _UNIT.search(path)
        if unit and unit[1].startswith("openclaw"):
            whose = ("--user",) if managers else ()
            return _installed("systemd", "systemctl", *whose, "restart", unit[1])
    return None


def restart(
    supervisor: Supervisor | None, claim: Claim, env: Mapping[str, str], seconds: float = _COMMAND_S
) -> str | None:
    """Ask the supervisor, or send SIGTERM where there is none; None when done, else a sentence why not.

    Nothing is done unless all that the claim says of the process is proven at this very moment. `seconds` is how
    long the supervisor's command may take; it goes on when that is over.
    """
    if supervisor is None:
        return terminate(claim.pid, claim.ticks or 0, lambda: why_no_signal(claim))
    problem = why_no_signal(claim)
    if problem is not None:
        return problem
    try:
        done = subprocess.run(
            supervisor.argv,
            env=minimal_environment(env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"`{supervisor.command}` took longer than {duration(seconds)}"
    except OSError as error:
        return f"`{supervisor.command}` can't be run: {error.strerror}"
    message = safe(done.stderr.decode("utf-8", "replace").strip(), 160)
    return (
        None if done.returncode == 0 else f"`{supervisor.command}` failed with {done.returncode}: {message}"
    )


def await_end(context: CancelContext, began: float, seconds: float) -> int:
    """Wait until the process of the plan has ended, at most `seconds`; return the milliseconds since `began`."""
    pid, ticks = context.plan.pid or 0, context.plan.holder_ticks or 0
    looked = began
    while context.steady() - began < seconds and procfs.has_started(pid, ticks):
        # Stopped in the middle of it, it hears nothing more until it is woken.
        if context.steady() - looked >= _DEAF_S:
            looked = context.steady()
            if why_deaf(pid) is not None:
                break
        context.wait(context.limits.poll)
    return round((context.steady() - began) * 1000)


def still_runs(pid: int, ended_ms: int, instead: str) -> str:
    """Say that a process has not ended after a signal; `instead` is what it may be doing."""
    return f"pid {pid} still runs after {duration(ended_ms / 1000)}; {why_deaf(pid) or instead}"


def _launchd(pid: int) -> Supervisor | None:
    """Return launchd where it says that this very pid is the job of OpenClaw's label."""
    try:
        done = subprocess.run(
            ("launchctl", "list", _LAUNCHD_LABEL), capture_output=True, timeout=5, check=False, text=True
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    if f'"PID" = {pid};' not in done.stdout:
        return None
    return Supervisor("launchd", ("launchctl", "kickstart", "-k", f"gui/{os.geteuid()}/{_LAUNCHD_LABEL}"))


def _installed(kind: str, program: str, *arguments: str) -> Supervisor | None:
    path = shutil.which(program)
    return None if path is None else Supervisor(kind, (path, *arguments))
