"""The process that holds a session: named by its lock file, or by its gateway's lock where sessions are in SQLite."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from lockdeck.backend.actions.cancel.records import GatewayRoute
from lockdeck.backend.model.fleet import LockView
from lockdeck.backend.model.gateways import serving_lock
from lockdeck.backend.model.locks import Proof, Verdict
from lockdeck.backend.openclaw.locks.examination import examine
from lockdeck.backend.openclaw.locks.gatewaylock import gateway_lock_paths, serving_gateway_lock
from lockdeck.backend.openclaw.roots.config import Config
from lockdeck.backend.system import processes
from lockdeck.backend.system.suspension import suspension_of
from lockdeck.backend.system.text import SafeText, safe

_SECRET_WORD = re.compile(
    r"(?<!\S)(?!--session-key\b)(--?[\w-]*(?:token|password|secret|key)[= ])(?!-)\S+", re.IGNORECASE
)


class HolderFacts(Struct, frozen=True):
    """The process that is to be dealt with. `ticks` is its start time, None where it can't be seen; `argv` for people."""

    pid: int
    ticks: int | None
    argv: SafeText
    is_gateway: bool
    signal_refusal: str | None


def holder_files(view: LockView, route: GatewayRoute) -> HolderFacts | None:
    """Return the holder as payload and descriptors of the session's lock name it; None where nobody is named."""
    holder = _holder(view, is_gateway=False)
    if holder is None:
        return None
    root = route.places.root
    is_gateway = _is_gateway(holder.pid, holder.argv, root, route.config, route.env)
    return replace(holder, is_gateway=is_gateway)


def holder_sqlite(view: LockView | None) -> HolderFacts | None:
    """Return the process that the gateway's lock names; None where nobody is named."""
    return None if view is None else _holder(view, is_gateway=True)


def gateway_lock_of(route: GatewayRoute, now: float) -> LockView | None:
    """Judge the lock of the gateway that serves a root as it is now; None where no gateway has one."""
    root = route.places.root
    try:
        uid = os.stat(root).st_uid
    except OSError:
        return None
    paths = gateway_lock_paths(root, route.config.path, route.env, uid)
    return serving_lock(examine([route.places.gateway_lock(path) for path in paths], now))


def no_run_to_end(view: LockView) -> tuple[str, ...]:
    """Say why the verdict on a lock rules a cancel out; empty where somebody may be running."""
    verdict = view.judgement.verdict
    if verdict in (Verdict.DEAD, Verdict.RECYCLED):
        return (*view.judgement.reasons, "nobody runs: there is nothing to cancel, release the lock instead")
    if verdict in (Verdict.LITTER, Verdict.UNREADABLE):
        return (f"the verdict on its lock is {verdict}", *view.judgement.reasons)
    return ()


def _holder(view: LockView, *, is_gateway: bool) -> HolderFacts | None:
    """Return the holder as payload and descriptors name it.

    Only a process whose start time is the one in the lock, in our own pid namespace, may be signalled.
    """
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
    suspension = suspension_of(pid)
    return None if suspension is None else f"{suspension}; until then it takes no SIGTERM and answers no call"


def _is_gateway(pid: int, argv: str, root: str, config: Config, env: Mapping[str, str]) -> bool:
    """Return whether a process is the gateway of this root: by the gateway's own lock, or by its title."""
    try:
        lock = serving_gateway_lock(root, config.path, env, os.stat(root).st_uid)
    except OSError:
        lock = None
    if lock is not None and lock.pid == pid:
        return True
    return os.path.basename(argv.split(" ", 1)[0]).startswith("openclaw-gateway")
