"""All hosts that a deck follows."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from lockdeck.backend.hosts.address import HostAddress
from lockdeck.backend.hosts.link import HostLink
from lockdeck.backend.hosts.nats.address import FleetAddress
from lockdeck.backend.hosts.state import HostState
from lockdeck.backend.model.hosts import Phase
from lockdeck.backend.model.needs import needs_person
from lockdeck.backend.system.clocks import steady_time
from lockdeck.backend.system.text import safe

if TYPE_CHECKING:
    from lockdeck.backend.hosts.nats.link import FleetLink

LOOK_S = 10.0
"""A single look waits so long (seconds) for all hosts together."""


class FollowedHosts:
    """The links to some hosts; owned by the thread that made it.

    With `once` a host that is lost is not called again.
    """

    def __init__(self, addresses: Sequence[HostAddress | FleetAddress], *, once: bool = False) -> None:
        self._changed = threading.Event()
        self._links = [_link_to(address, self._changed.set, once=once) for address in addresses]
        for link in self._links:
            link.start()

    @property
    def states(self) -> tuple[HostState, ...]:
        """Every host as of now, in the order in which they were named; those of a fleet by name."""
        return tuple(state for link in self._links for state in link.states)

    def look(self, patience_s: float | None = None) -> tuple[HostState, ...]:
        """Wait until every host has told all or is lost, or the time is over (LOOK_S); return what is known then."""
        patience_s = LOOK_S if patience_s is None else patience_s
        until = steady_time() + patience_s
        while any(state.phase is Phase.CALLED for state in self.states) and steady_time() < until:
            self.wait(until)
        return tuple(_answered(state, patience_s) for state in self.states)

    def wake(self) -> None:
        """Let who waits look up; may be called in any thread."""
        self._changed.set()

    def wait(self, until: float | None = None) -> None:
        """Wait for news, until a time of `steady_time` at most."""
        self._changed.wait(None if until is None else max(0.0, until - steady_time()))
        self._changed.clear()

    def close(self) -> None:
        """Let go of all hosts; waits for none."""
        for link in self._links:
            link.stop()


def _link_to(
    address: HostAddress | FleetAddress, wake: Callable[[], None], *, once: bool
) -> HostLink | FleetLink:
    if isinstance(address, HostAddress):
        return HostLink(address, wake, once=once)
    # What speaks with NATS is an extra, which few have.
    from lockdeck.backend.hosts.nats.link import FleetLink

    return FleetLink(address, wake, once=once)


def _answered(state: HostState, patience_s: float) -> HostState:
    if state.phase is not Phase.CALLED:
        return state
    return replace(state, phase=Phase.LOST, problem=safe(f"did not answer within {patience_s:g} s"))


def host_needs_person(state: HostState) -> bool:
    """Return whether a host needs a person: something on it does, or it can't be seen whole."""
    unseen = state.phase is not Phase.LIVE or state.snapshot is None or bool(state.withheld)
    return unseen or (state.snapshot is not None and needs_person(state.snapshot))
