"""What feeds a deck of several hosts with pictures."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from lockdeck.backend.hosts.address import HostAddress
from lockdeck.backend.hosts.followed import FollowedHosts
from lockdeck.backend.hosts.merged import MergedHosts
from lockdeck.backend.hosts.nats.address import FleetAddress
from lockdeck.backend.model.fleet import FleetSnapshot
from lockdeck.backend.openclaw.log.place import LogPlace
from lockdeck.backend.system.clocks import steady_time, wall_time

GATHER_S = 0.04
"""News of hosts within so long (seconds) become one picture."""
PICTURE_S = 2.0
"""Without any news there is a picture so often (seconds): how fresh each host is goes on."""


class HostsSource:
    """Watches hosts, each by its own lockdeck there; `run` is called once, in a thread of its own."""

    def __init__(self, addresses: Sequence[HostAddress | FleetAddress]) -> None:
        self.addresses = tuple(addresses)

    @property
    def log_places(self) -> tuple[LogPlace, ...]:
        """No log of a host is read from here."""
        return ()

    def run(self, publish: Callable[[FleetSnapshot], None], stop: threading.Event) -> None:
        """Publish a picture of all hosts at every change, and every PICTURE_S, until `stop` is set."""
        groups = {
            address.name: address.group for address in self.addresses if isinstance(address, HostAddress)
        }
        merged = MergedHosts(groups)
        hosts = FollowedHosts(self.addresses)
        threading.Thread(target=_wake_at, args=(stop, hosts), name="lockdeck-stop", daemon=True).start()
        try:
            while not stop.is_set():
                publish(merged.picture(hosts.states, wall_time()))
                hosts.wait(steady_time() + PICTURE_S)
                stop.wait(GATHER_S)
        finally:
            hosts.close()


def _wake_at(stop: threading.Event, hosts: FollowedHosts) -> None:
    """Wake who waits for hosts when it is to end."""
    stop.wait()
    hosts.wake()
