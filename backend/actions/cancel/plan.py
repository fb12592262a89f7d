"""Plan a cancel: look at the session as it is now, and put the ladder together. Changes nothing."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from lockdeck.backend.actions.cancel.context import CancelLimits, Clock, Wait
from lockdeck.backend.actions.cancel.plan_files import plan_files
from lockdeck.backend.actions.cancel.plan_left_over import lets_nobody_in, plan_left_over
from lockdeck.backend.actions.cancel.plan_sqlite import plan_sqlite
from lockdeck.backend.actions.cancel.records import CancelPlan, GatewayRoute
from lockdeck.backend.model.fleet import RootView, SessionView, State
from lockdeck.backend.model.trust import Ownership
from lockdeck.backend.openclaw.gateway.addresses import port_here
from lockdeck.backend.openclaw.log.place import LogPlace
from lockdeck.backend.openclaw.roots.config import load_config
from lockdeck.backend.openclaw.roots.failover import read_profiles
from lockdeck.backend.openclaw.roots.place import places_of
from lockdeck.backend.system.clocks import steady_time, wall_time
from lockdeck.backend.system.folders import state_dir

COMPACTS = "the transcript is being compacted: an abort in the middle of it was reported to leak the lock (openclaw#89639)"


def plan_cancel(
    session: SessionView,
    root: RootView,
    *,
    env: Mapping[str, str],
    logs: Sequence[LogPlace] = (),
    url: str | None = None,
    fingerprint: str | None = None,
    folder: str | None = None,
    clock: Clock = wall_time,
    steady: Clock = steady_time,
    wait: Wait = time.sleep,
    limits: CancelLimits | None = None,
) -> CancelPlan:
    """Say how the run of a session could be ended now; refused where the root is not ours.

    At worst it takes some 45 s: 30 s until a lock is back after a gap, 8 s to connect, 5 s for an answer.

    `logs` are the gateway's log files where known, `folder` lockdeck's state folder (default: the user's).
    """
    config = load_config(session.root, env, root.vouch.owners)
    route = GatewayRoute(places_of(root), config, env, folder or state_dir(env), url, fingerprint)
    refusal = _why_not_ours(session, root, config.ownership)
    if refusal:
        return CancelPlan(session.key, session.root, clock(), route, refusal=refusal, logs=tuple(logs))
    port = port_here(session.root, config, env, url)
    chain = config.chain_for(
        session.agent, read_profiles(session.root, session.agent, confined=config.ownership.confined)
    )
    plan = CancelPlan(session.key, session.root, clock(), route, port=port, chain=chain, logs=tuple(logs))
    if session.state is State.COMPACTING:
        plan = replace(plan, notes=(COMPACTS,))
    if lets_nobody_in(session) and (free := plan_left_over(plan, session, root, clock)) is not None:
        return free
    if root.era == "sqlite":
        return plan_sqlite(plan, session, root, clock)
    return plan_files(plan, session, root.version, clock, steady, wait, limits or CancelLimits())


def _why_not_ours(session: SessionView, root: RootView, ownership: Ownership) -> tuple[str, ...]:
    """Say why nothing may be done for a root: it, its config or the directory of the lock is not ours."""
    if ownership.fault is not None:
        return (f"{ownership.fault}: nothing is done to its sessions", *ownership.ways_out)
    if session.lock is None:
        return ()
    return places_of(root).lock(session.lock.record.path, session.agent).why_not_ours()
