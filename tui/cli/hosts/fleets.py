"""Which fleet a command line means, and what it takes to speak with its server."""

from __future__ import annotations

import os
from importlib.util import find_spec

import click

from lockdeck.backend.hosts.asks import Role
from lockdeck.backend.hosts.nats.address import (
    FleetAddress,
    FleetHostAddress,
    check_host_name,
    check_user_name,
    fleet_address,
)
from lockdeck.backend.system.accounts import person


def fleet_meant(nats: str | None, fleet: str) -> FleetAddress | None:
    """Return the fleet that is meant, if one is. Wrong use where its server can't be spoken with at all."""
    if nats is None:
        return None
    if not all(map(find_spec, ("nats", "nkeys"))):
        raise click.UsageError("--nats needs what speaks with NATS: pip install 'lockdeck[nats]'")
    try:
        return fleet_address(nats, fleet)
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def fleet_host_meant(fleet: FleetAddress, host: str, role: Role) -> FleetHostAddress:
    """Return a host of a fleet, asked in a role by the user of the address, of NATS_USER, or of this machine."""
    who = fleet.user or os.environ.get("NATS_USER") or person() or ""
    try:
        return FleetHostAddress(fleet, check_host_name(host), check_user_name(who), role)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
