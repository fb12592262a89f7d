"""A deck of three hosts: one with the outage, one that is lost, one whose clock is ahead."""

from __future__ import annotations

from functools import cache

from msgspec.structs import replace

from lockdeck.backend.hosts.address import HostAddress
from lockdeck.backend.hosts.frames import HostHello
from lockdeck.backend.hosts.merged import MergedHosts
from lockdeck.backend.hosts.picture import incident_of, lock_of, session_of
from lockdeck.backend.hosts.state import HostState
from lockdeck.backend.model.fleet import FleetSnapshot, SessionView
from lockdeck.backend.model.hosts import Phase
from lockdeck.backend.system.text import safe
from tests.tui.samples import NOW, incident, large

HEARD = NOW - 1234
"""When the lost host was heard of last."""
AHEAD_S = 95.0
"""The clock of the third host is so far ahead (seconds)."""
GROUPS = {"alpha": "prod", "beta": "prod", "gamma": "lab"}
ADDRESSES = tuple(
    HostAddress(name, ("ssh", name), GROUPS[name], ("--host", name), ("ssh", "-t", name, "lockdeck"))
    for name in GROUPS
)
"""How a deck reaches them."""


def of_host(fleet: FleetSnapshot, name: str, later_s: float = 0.0) -> FleetSnapshot:
    """Return a fleet as one of a host, whose clock says so much more."""
    return replace(
        fleet,
        host=name,
        roots=tuple(replace(root, host=name) for root in fleet.roots),
        sessions=tuple(_later(session_of(view, name), later_s) for view in fleet.sessions),
        locks=tuple(lock_of(view, name) for view in fleet.locks),
        incidents=tuple(incident_of(one, name) for one in fleet.incidents),
    )


def _later(view: SessionView, seconds: float) -> SessionView:
    if view.occupation is None or not seconds:
        return view
    return replace(view, occupation=replace(view.occupation, since=view.occupation.since + seconds))


def states(*, lost: bool = True) -> tuple[HostState, ...]:
    """Return the three hosts."""
    hello = HostHello((1, 1), "0.2.0", "box", "operator")
    beta = of_host(large(6), "beta")
    why = safe("no answer within 6 s")
    return (
        HostState("alpha", Phase.LIVE, None, hello, of_host(incident(), "alpha"), (), NOW, 0.0),
        HostState("beta", Phase.LOST, why, hello, beta, (), HEARD, 0.0)
        if lost
        else HostState("beta", Phase.LIVE, None, hello, beta, (), NOW, 0.0),
        HostState("gamma", Phase.LIVE, None, hello, of_host(large(5), "gamma", AHEAD_S), (), NOW, AHEAD_S),
    )


@cache
def three_hosts() -> FleetSnapshot:
    """Return the picture of all three."""
    return MergedHosts(GROUPS).picture(states(), NOW)


def calling() -> FleetSnapshot:
    """Return the picture before any host has answered."""
    return MergedHosts(GROUPS).picture(tuple(HostState(name) for name in GROUPS), NOW)
