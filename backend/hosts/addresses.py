"""The hosts of a deck by name: how each is asked, named in a command of ours, and looked at by hand."""

from __future__ import annotations

from collections.abc import Iterable

from lockdeck.backend.hosts.address import HostAddress
from lockdeck.backend.hosts.asks import Role
from lockdeck.backend.hosts.nats.address import FleetAddress, FleetHostAddress, host_of_fleet


class DeckAddresses:
    """Where the hosts of a deck are: each has an address of its own, or all are of one fleet."""

    def __init__(self, addresses: Iterable[HostAddress | FleetAddress]) -> None:
        addresses = tuple(addresses)
        self._hosts = {host.name: host for host in addresses if isinstance(host, HostAddress)}
        self._fleet = next((fleet for fleet in addresses if isinstance(fleet, FleetAddress)), None)

    def asked(self, host: str, role: Role) -> HostAddress | FleetHostAddress | None:
        """Return how a host is asked, None for one that is not ours; in a fleet the `role` is said with it.

        Raises ValueError where nobody can be asked in that fleet as who we are.
        """
        if self._fleet is not None and host:
            return host_of_fleet(self._fleet, host, role)
        return self._hosts.get(host)

    def options(self, host: str) -> tuple[str, ...]:
        """Return the words that name a host in a command of ours; none for this machine."""
        if self._fleet is not None and host:
            return self._fleet.host_options(host)
        return self._hosts[host].host_options if host in self._hosts else ()

    def by_hand(self, host: str) -> tuple[str, ...]:
        """Return the command with which a person looks on a host, none where none is known."""
        return self._hosts[host].by_hand if host in self._hosts else ()
