"""What a cancel must know beforehand: who holds the session, what else the gateway holds, which scopes we have."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from lockdeck.backend.actions.cancel.ladder import ADMIN, WRITE
from lockdeck.backend.model.fleet import LockView
from lockdeck.backend.model.locks import LockKind, Proof, Verdict
from lockdeck.backend.model.releases.version import Version
from lockdeck.backend.openclaw.gateway.access import Line
from lockdeck.backend.openclaw.gateway.trouble import GatewayError, Trouble
from lockdeck.backend.openclaw.locks.gatewaylock import read_gateway_lock
from lockdeck.backend.openclaw.locks.lockfile import read_lock
from lockdeck.backend.openclaw.roots.config import Config
from lockdeck.backend.openclaw.roots.layout import lock_kind, locks_in, sessions_dirs
from lockdeck.backend.openclaw.store import StoreIndex, read_store
from lockdeck.backend.system import processes
from lockdeck.backend.system.text import SafeText, safe

READ = "operator.read"
# Each lacks what its method must have: the scope is checked first, then the call is refused as invalid.
_PROBES: tuple[tuple[str, str, Mapping[str, Any]], ...] = (
    (READ, "sessions.list", {"limit": 1}),
    (WRITE, "chat.send", {}),
    (ADMIN, "sessions.reset", {}),
)

_SECRET_WORD = re.compile(
    r"(?<!\S)(?!--session-key\b)(--?[\w-]*(?:token|password|secret|key)[= ])(?!-)\S+", re.IGNORECASE
)


class HolderFacts(Struct, frozen=True):
    """Who is to be cancelled. `ticks` is the start time, None where it can't be seen; `argv` for people."""

    pid: int
    ticks: int | None
    argv: SafeText
    is_gateway: bool
    signal_refusal: str | None


def granted_scopes(line: Line) -> tuple[str, ...] | None:
    """Find out which scopes we have; None where it can't be told (the command asks for all by itself)."""
    if line.hello.scopes is not None:
        return line.hello.scopes
    if line.transport != "WebSocket":
        return None
    found = []
    for scope, method, params in _PROBES:
        try:
            line.call(method, params)
        except GatewayError as error:
            if error.kind is Trouble.SCOPE:
                continue
            if error.kind in (Trouble.SILENT, Trouble.CLOSED):
                return None
        found.append(scope)
    return tuple(found)


def version_of(line: Line) -> Version | None:
    """Return the running gateway's version: from its hello, else from `status` (2026.4.5, 2026.7.35)."""
    if line.hello.version is not None:
        return line.hello.version
    try:
        return Version.parse(line.call("status").get("runtimeVersion"))
    except GatewayError:
        return None


def no_run_to_end(view: LockView) -> tuple[str, ...]:
    """Say why the verdict on a lock rules a cancel out; empty where somebody may be running."""
    verdict = view.judgement.verdict
    if verdict in (Verdict.DEAD, Verdict.RECYCLED):
        return (*view.judgement.reasons, "nobody runs: there is nothing to cancel, release the lock instead")
    if verdict in (Verdict.LITTER, Verdict.UNREADABLE):
        return (f"the verdict on its lock is {verdict}", *view.judgement.reasons)
    return ()


def holder_of(view: LockView, root: str, config: Config, env: Mapping[str, str]) -> HolderFacts | None:
    """Return the holder as payload and descriptors name it; None where nobody is named.

    Only a process whose start time is the one in the lock, in our own pid namespace, may be signalled.
    """
    found = holder_from(view, is_gateway=False)
    if found is None:
        return None
    return replace(found, is_gateway=_is_gateway(found.pid, found.argv, root, config, env))


def holder_from(view: LockView, *, is_gateway: bool) -> HolderFacts | None:
    """Return the holder as payload and descriptors name it; what kind of process it is, the caller knows."""
    payload, holder = view.record.payload, view.judgement.holder
    pid = payload.pid if payload is not None else (holder.pid if holder is not None else None)
    if pid is None:
        return None
    identity = processes.look(pid).identity
    ticks = identity.start_ticks if identity else None
    argv = safe(_SECRET_WORD.sub(r"\1***", " ".join(identity.argv)) if identity else "", 200)
    return HolderFacts(pid, ticks, argv, is_gateway, _why_no_signal(view, pid, ticks))


def _why_no_signal(view: LockView, pid: int, ticks: int | None) -> str | None:
    payload, holder = view.record.payload, view.judgement.holder
    if view.judgement.verdict not in (Verdict.HELD, Verdict.LEAKED) or payload is None or ticks is None:
        return f"pid {pid} can't be told from another process, so it gets no signal"
    if holder is None or holder.pid != pid:
        return f"the lock names pid {pid}, but another process has it open: neither gets a signal"
    if payload.starttime is not None and payload.starttime != ticks:
        return f"pid {pid} is not the process that wrote the lock, so it gets no signal"
    if payload.starttime is None and holder.proof is not Proof.FD:
        return f"the lock names no start time and pid {pid} has not got it open, so it gets no signal"
    return None


def _is_gateway(pid: int, argv: str, root: str, config: Config, env: Mapping[str, str]) -> bool:
    """Whether a process is the gateway of this root: by the gateway's own lock, or by its title."""
    try:
        lock = read_gateway_lock(root, config.path, env, os.stat(root).st_uid)
    except OSError:
        lock = None
    if lock is not None and lock.pid == pid:
        return True
    return os.path.basename(argv.split(" ", 1)[0]).startswith("openclaw-gateway")


def held_by(pid: int, root: str, config: Config) -> Iterator[str]:
    """Yield the sessions of a root whose locks name this process; the lock's name where no store tells."""
    for directory in sessions_dirs(root, config):
        try:
            paths = [path for path in locks_in(directory.path) if lock_kind(path) is LockKind.SESSION]
        except OSError:
            continue
        held = [path for path in paths if _names(path, root, pid)]
        if held:
            index = StoreIndex.build(read_store(directory.store_path).entries, directory.path)
            for path in held:
                entry = index.find(path)
                yield safe(entry.key if entry else os.path.basename(path), 120)


def _names(path: str, root: str, pid: int) -> bool:
    payload = read_lock(path, root, None, LockKind.SESSION).payload
    return payload is not None and payload.pid == pid
