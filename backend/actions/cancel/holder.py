"""The process that holds a session: named by its lock file, or by its gateway's lock where sessions are in SQLite."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from lockdeck.backend.actions.cancel.process.proof import Claim, missing_proof, why_deaf
from lockdeck.backend.actions.cancel.records import CancelPlan, GatewayRoute
from lockdeck.backend.model.fleet import LockView
from lockdeck.backend.model.gateways import serving_lock
from lockdeck.backend.model.locks import Verdict
from lockdeck.backend.openclaw.locks.examination import examine
from lockdeck.backend.openclaw.locks.gatewaylock import gateway_lock_paths, serving_gateway_lock
from lockdeck.backend.openclaw.roots.config import Config
from lockdeck.backend.system import processes
from lockdeck.backend.system.text import SafeText, safe

_SECRET_WORD = re.compile(
    r"(?<!\S)(?!--session-key\b)(--?[\w-]*(?:token|password|secret|key)[= ])(?!-)\S+", re.IGNORECASE
)


class HolderFacts(Struct, frozen=True):
    """The process that is to be dealt with. `ticks` is its start time, None where it can't be seen; `argv` for people.

    `signal_refusal` says what is not proven of it, or why it would not hear a signal; `claim` is what is to be proven.
    `deaf`: it is stopped, and answers no call either.
    """

    pid: int
    ticks: int | None
    argv: SafeText
    is_gateway: bool
    claim: Claim
    signal_refusal: str | None
    deaf: str | None = None


def holder_files(view: LockView, route: GatewayRoute, port: int | None) -> HolderFacts | None:
    """Return the holder as payload and descriptors of the session's lock name it; None where nobody is named."""
    pid = _named(view)
    if pid is None:
        return None
    argv = _argv_of(pid)
    is_gateway = _is_gateway(pid, argv, route.places.root, route.config, route.env)
    paths = (view.record.path, *(_gateway_locks(route) if is_gateway else ()))
    return _facts(view, pid, argv, route, paths, port if is_gateway else None, is_gateway=is_gateway)


def holder_sqlite(view: LockView | None, route: GatewayRoute, port: int | None) -> HolderFacts | None:
    """Return the process that the gateway's lock names; None where nobody is named."""
    pid = None if view is None else _named(view)
    if view is None or pid is None:
        return None
    return _facts(view, pid, _argv_of(pid), route, _gateway_locks(route), port, is_gateway=True)


def with_holder(plan: CancelPlan, holder: HolderFacts) -> CancelPlan:
    """Add the holder to a plan; only a process that may be signalled has its start time there."""
    ticks = holder.ticks if holder.signal_refusal is None else None
    return replace(
        plan,
        pid=holder.pid,
        holder_ticks=ticks,
        argv=holder.argv,
        claim=holder.claim,
        is_gateway=holder.is_gateway,
    )


def gateway_lock_of(route: GatewayRoute, now: float) -> LockView | None:
    """Judge the lock of the gateway that serves a root as it is now; None where no gateway has one."""
    return serving_lock(examine([route.places.gateway_lock(path) for path in _gateway_locks(route)], now))


def no_run_to_end(view: LockView) -> tuple[str, ...]:
    """Say why the verdict on a lock rules a cancel out; empty where somebody may be running."""
    verdict = view.judgement.verdict
    if verdict in (Verdict.DEAD, Verdict.RECYCLED):
        return (*view.judgement.reasons, "nobody runs: there is nothing to cancel, release the lock instead")
    if verdict is Verdict.RELEASING:
        return (*view.judgement.reasons, "nobody runs: there is nothing to cancel")
    if verdict in (Verdict.LITTER, Verdict.UNREADABLE):
        return (f"its lock counts as {verdict}", *view.judgement.reasons)
    return ()


def _named(view: LockView) -> int | None:
    """Return the pid that a lock names, or that of who has it open."""
    payload, holder = view.record.payload, view.judgement.holder
    return payload.pid if payload is not None else (holder.pid if holder is not None else None)


def _argv_of(pid: int) -> SafeText:
    """Return a command line as people may read it; empty where it can't be seen."""
    identity = processes.look(pid).identity
    return safe(_SECRET_WORD.sub(r"\1***", " ".join(identity.argv)) if identity else "", 200)


def _facts(
    view: LockView,
    pid: int,
    argv: SafeText,
    route: GatewayRoute,
    paths: tuple[str, ...],
    port: int | None,
    *,
    is_gateway: bool,
) -> HolderFacts:
    """Put together what is known of a process that a lock names."""
    identity = processes.look(pid).identity
    ticks = identity.start_ticks if identity else None
    claim = Claim(pid, ticks, route.places.root, paths, port, route.places.own_namespace)
    doubt = _why_not_the_writer(view, pid, ticks)
    missing = missing_proof(claim) if doubt is None else (doubt,)
    # A lock may name a stopped process that has nothing to do with it: then the gateway itself may well answer.
    deaf = why_deaf(pid) if not missing else None
    refusal = "; ".join(missing) or deaf
    return HolderFacts(pid, ticks, argv, is_gateway, claim, refusal, deaf)


def _gateway_locks(route: GatewayRoute) -> tuple[str, ...]:
    """Return the paths of all gateway locks of the root."""
    root = route.places.root
    try:
        return gateway_lock_paths(root, route.config.path, route.env, os.stat(root).st_uid)
    except OSError:
        return ()


def _why_not_the_writer(view: LockView, pid: int, ticks: int | None) -> str | None:
    """Say by the lock's own word why the process may not be the one that wrote it; None where that fits."""
    payload, holder = view.record.payload, view.judgement.holder
    if view.judgement.verdict not in (Verdict.HELD, Verdict.LEAKED) or payload is None or ticks is None:
        return f"pid {pid} can't be told from another process, so it gets no signal"
    if holder is None or holder.pid != pid:
        return f"the lock names pid {pid}, but another process has it open: neither gets a signal"
    if payload.starttime is not None and payload.starttime != ticks:
        return f"pid {pid} is not the process that wrote the lock, so it gets no signal"
    return None


def _is_gateway(pid: int, argv: str, root: str, config: Config, env: Mapping[str, str]) -> bool:
    """Return whether a process is the gateway of this root: by the gateway's own lock, or by its title."""
    try:
        lock = serving_gateway_lock(root, config.path, env, os.stat(root).st_uid)
    except OSError:
        lock = None
    if lock is not None and lock.pid == pid:
        return True
    return os.path.basename(argv.split(" ", 1)[0]).startswith("openclaw-gateway")
