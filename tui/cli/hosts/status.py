"""`lockdeck status` on several hosts: one look at each, all at the same time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lockdeck.backend.hosts.address import HostAddress
from lockdeck.backend.hosts.addresses import DeckAddresses
from lockdeck.backend.hosts.followed import FollowedHosts, host_needs_person
from lockdeck.backend.hosts.nats.address import FleetAddress
from lockdeck.backend.hosts.state import HostState
from lockdeck.backend.model.fleet import FleetSnapshot
from lockdeck.backend.model.moments import iso
from lockdeck.backend.model.wire import SCHEMA, dumps, snapshot_json
from lockdeck.backend.system.clocks import wall_time
from lockdeck.backend.system.host import host_name
from lockdeck.tui.cli.hosts.words import host_json, host_line
from lockdeck.tui.cli.output import emit
from lockdeck.tui.cli.status import snapshot_text
from lockdeck.tui.exits import Exit

_ROWS = ("roots", "sessions", "locks", "incidents", "notes")


def print_hosts(addresses: Sequence[HostAddress | FleetAddress], form: str) -> Exit:
    """Take one look at every host, print what is seen, and say whether a person is needed.

    A host that does not answer is as good as unseen.
    """
    hosts = FollowedHosts(addresses, once=True)
    try:
        states = hosts.look()
    finally:
        hosts.close()
    if form == "json":
        emit(dumps(hosts_json(states, wall_time()), indent=2))
    else:
        for line in _lines(addresses, states, form, wall_time()):
            emit(line)
    return Exit.ATTENTION if any(map(host_needs_person, states)) else Exit.OK


def _lines(
    addresses: Sequence[HostAddress | FleetAddress], states: Sequence[HostState], form: str, now: float
) -> list[str]:
    hosts, lines = DeckAddresses(addresses), list[str]()
    for state in states:
        if form != "names":
            lines += [*([""] if lines else []), host_line(state, now)]
        if state.snapshot is not None:
            lines += snapshot_text(state.snapshot, form, hosts.options(state.name))
    return lines


def hosts_json(states: Sequence[HostState], now: float) -> dict[str, Any]:
    """Render several hosts as one fleet: every row says whose it is, and `hosts` how each is seen."""
    own = host_name()
    whole = snapshot_json(FleetSnapshot(now, own))
    whole["schema"], whole["generatedAt"] = SCHEMA, iso(now)
    whole["hosts"] = [host_json(state) for state in states]
    for state in states:
        if state.snapshot is not None:
            part = snapshot_json(state.snapshot)
            for rows in _ROWS:
                whole[rows] += part[rows]
            _add(whole["summary"], part["summary"])
    whole["summary"]["needsPerson"] = any(map(host_needs_person, states))
    return whole


def _add(counts: dict[str, Any], more: dict[str, Any]) -> None:
    """Add the counts of one host to those of all."""
    for name, value in more.items():
        if isinstance(value, dict):
            _add(counts.setdefault(name, {}), value)
        elif not isinstance(value, bool):
            counts[name] = counts.get(name, 0) + value
