"""`lockdeck explain` on another host: a lock or a session as its host sees it now."""

from __future__ import annotations

import click
from msgspec.structs import replace

from lockdeck.backend.hosts.address import HostAddress
from lockdeck.backend.hosts.followed import FollowedHosts
from lockdeck.backend.hosts.nats.address import FleetHostAddress
from lockdeck.backend.hosts.state import HostState
from lockdeck.backend.model.hosts import Phase
from lockdeck.backend.model.needs import lock_needs_person
from lockdeck.backend.system.clocks import wall_time
from lockdeck.tui.cli.explain import print_lock
from lockdeck.tui.cli.explain_session import explain_session
from lockdeck.tui.cli.hosts.words import host_line
from lockdeck.tui.cli.output import narrate
from lockdeck.tui.exits import Exit


def explain_there(
    address: HostAddress | FleetHostAddress, subject: str, root: str | None, as_json: bool
) -> Exit:
    """Print what a host tells of a lock or session; exit codes as here, and 1 where the host can't be seen."""
    state = _look(address)
    snapshot = state.snapshot
    if snapshot is None or state.phase is not Phase.LIVE:
        narrate(host_line(state, wall_time()))
        return Exit.ATTENTION
    view = next((view for view in snapshot.locks if view.record.path == subject), None)
    if view is not None:
        print_lock(view, address.name, as_json)
        return Exit.ATTENTION if lock_needs_person(view) else Exit.OK
    if not subject.startswith("agent:"):
        raise click.UsageError(f"no lock {subject} is seen on {address.name}")
    if root is not None:
        snapshot = replace(snapshot, sessions=tuple(s for s in snapshot.sessions if s.root == root))
    return explain_session(subject, snapshot, as_json, address.host_options)


def _look(address: HostAddress | FleetHostAddress) -> HostState:
    hosts = FollowedHosts([address if isinstance(address, HostAddress) else address.fleet], once=True)
    try:
        states = hosts.look()
    finally:
        hosts.close()
    named = [state for state in states if state.name == address.name]
    if not named and any(state.hello for state in states):
        names = ", ".join(state.name for state in states)
        raise click.UsageError(f"--host: no host {address.name} is in this fleet ({names})")
    return (named or states)[0]
