"""Which fleet a command line means, and what it takes to speak with its server."""

from __future__ import annotations

from importlib.util import find_spec

import click

from lockdeck.backend.hosts.asks import Role
from lockdeck.backend.hosts.nats.address import (
    FleetAddress,
    FleetHostAddress,
    fleet_address,
    host_of_fleet,
)


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
    """Return a host of a fleet as it is asked in a role. Wrong use where it can't be."""
    try:
        return host_of_fleet(fleet, host, role)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
