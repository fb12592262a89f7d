"""The gateway of a root whose sessions hold no lock file (2026.8 on): who it is, and what its end would cost."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from lockdeck.backend.actions.cancel.holder import HolderFacts, holder_from
from lockdeck.backend.actions.cancel.log import told_lately
from lockdeck.backend.actions.cancel.records import Way
from lockdeck.backend.model.fleet import LockView
from lockdeck.backend.model.gateways import serving_lock
from lockdeck.backend.model.releases.lookup import NEWEST, basis_of
from lockdeck.backend.model.releases.table import Traits
from lockdeck.backend.model.runs.fold import RunBook, fold_all
from lockdeck.backend.openclaw.gateway.rows import SessionRow
from lockdeck.backend.openclaw.locks.evidence import examine
from lockdeck.backend.openclaw.locks.gatewaylock import gateway_lock_paths
from lockdeck.backend.system.text import safe

DRAIN_S = NEWEST.drain_s
"""How long a gateway that is told to end lets its runs go on, in seconds."""
DRAINS = (
    "it takes no more calls then, lets its runs go on (this one, too, if nothing ended it before) "
    f"for up to {DRAIN_S} s and cuts them off ({basis_of(Traits.drain_s)})"
)
TAKEN_UP = (
    "a run cut off by this ends as killed; one that a crash or a supervisor's SIGKILL cut off is begun again by the "
    f"next gateway ({basis_of(Traits.begins_lost_runs_again)})"
)


def gateway_lock_of(way: Way, now: float) -> LockView | None:
    """Judge the lock of the gateway that serves a root as it is now; None where no gateway has one."""
    root = way.places.root
    try:
        uid = os.stat(root).st_uid
    except OSError:
        return None
    paths = gateway_lock_paths(root, way.config.path, way.env, uid)
    return serving_lock(examine([way.places.gateway_lock(path) for path in paths], now))


def gateway_holder(view: LockView | None) -> HolderFacts | None:
    """Return the process that a gateway's lock names; only one proven by pid and start time may be signalled."""
    return None if view is None else holder_from(view, is_gateway=True)


def active_elsewhere(rows: Iterable[SessionRow], key: str) -> tuple[str, ...]:
    """Return the other sessions of a gateway that have an active run."""
    return tuple(sorted(row.key for row in rows if row.active and row.key != key))


def logged_elsewhere(
    logs: Sequence[str], key: str, run_id: str | None, since: float
) -> tuple[str, ...] | None:
    """Return the other sessions of which the log tells a run that goes on; None where no log can be read.

    A run of which nothing was heard after `since` (epoch seconds) is over: an answer is not logged. Runs that
    answer at once are never logged, so this is the least that there is.
    """
    events = told_lately(logs)
    if events is None:
        return None
    found: set[str] = set()
    for run in fold_all(RunBook(), events).runs.values():
        if run.ended_at is not None or run.last_activity < since or run_id in (run.run_id, run.session_id):
            continue
        if run.attempts and run.session_key != key:
            found.add(run.session_key or f"a run that names no session ({safe(run.run_id, 60)})")
    return tuple(sorted(found))
