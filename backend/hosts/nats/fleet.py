"""What a deck knows of a fleet: its hosts, and since when nothing vouches for them."""

from __future__ import annotations

from lockdeck.backend.hosts.link import SILENT_S
from lockdeck.backend.hosts.nats.address import is_host_name
from lockdeck.backend.hosts.nats.entries import BEAT, STATE, FleetEntry
from lockdeck.backend.hosts.nats.fleethost import FleetHost
from lockdeck.backend.hosts.state import HostState
from lockdeck.backend.model.hosts import Phase
from lockdeck.backend.system.text import SafeText, safe

MOST_HOSTS = 20_000
"""A fleet of more hosts is not followed."""


class FleetRecord:
    """Takes in the entries of a fleet's bucket. `now` is of `steady_time`, what is `_at` in epoch seconds.

    What was stored before we looked proves no life by itself: how old it is follows from the first entry that comes live.
    Where the fleet itself can't be seen, or is empty, it stands as a host that is lost, so that it is never green.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._hosts: dict[str, FleetHost] = {}
        self._problem: SafeText | None = None
        self._connected = False
        self._complete = False
        self._server_ahead: float | None = None
        self._began_at: float | None = None
        self._standings: list[tuple[Phase, SafeText | None]] = []
        self._heard = self._began = 0.0

    def begin(self, now: float) -> None:
        """Begin a connection: everything is told anew."""
        self._connected = True
        self._heard = self._began = now
        self._server_ahead = self._began_at = None
        for host in self._hosts.values():
            host.begin()

    def lose(self, problem: str) -> None:
        """Note that the connection is over, and why."""
        self._connected, self._problem = False, safe(problem)

    def completed(self) -> None:
        """Note that all that was there has been told."""
        self._complete = True

    def take(self, entry: FleetEntry, now: float, now_at: float) -> bool:
        """Take in an entry; return whether anything that is shown has changed."""
        self._heard = now
        if not entry.old:
            ahead = entry.stored_at - now_at
            # It was on its way for a while, never for less than nothing.
            self._server_ahead = ahead if self._server_ahead is None else max(ahead, self._server_ahead)
            if self._began_at is None:
                self._began, self._began_at = now, entry.stored_at
        news = self._take(entry, now)
        if not (entry.old and entry.pending) and not self._complete:
            self._complete = news = True
        return news

    def silent(self, now: float) -> bool:
        """Return whether nothing came of hosts that were there, for longer than they ever say nothing."""
        return bool(self._hosts) and now - self._heard > SILENT_S

    def changed(self, now: float) -> bool:
        """Return whether the standing of a host is another than at the last call."""
        previous, self._standings = (
            self._standings,
            [self._standing(host, now) for host in self._hosts.values()],
        )
        return self._standings != previous

    def states(self, now: float) -> tuple[HostState, ...]:
        """Return every host as of now, by name."""
        hosts = [
            host.state(*self._standing(host, now), self._server_ahead)
            for _, host in sorted(self._hosts.items())
        ]
        if self._complete and hosts:
            return tuple(hosts)
        return (*hosts, self._itself())

    def _itself(self) -> HostState:
        if not self._connected and self._problem:
            return HostState(self._name, Phase.LOST, self._problem)
        if not self._complete:
            return HostState(self._name)
        return HostState(self._name, Phase.LOST, SafeText("none of its hosts tells anything"))

    def _take(self, entry: FleetEntry, now: float) -> bool:
        if entry.kind not in (STATE, BEAT) or not is_host_name(entry.host):
            return False
        if entry.deleted:
            return entry.kind == STATE and self._hosts.pop(entry.host, None) is not None
        host = self._hosts.get(entry.host)
        if host is None:
            if entry.kind == BEAT and entry.old:
                return False  # of a host that was removed
            if len(self._hosts) >= MOST_HOSTS:
                raise ValueError(f"the fleet has more than {MOST_HOSTS} hosts")
            host = self._hosts[entry.host] = FleetHost(entry.host)
        return host.take(entry, now)

    def _standing(self, host: FleetHost, now: float) -> tuple[Phase, SafeText | None]:
        if not self._connected:
            return Phase.LOST, self._problem
        if host.trouble is not None:
            return host.trouble
        heard = host.heard
        if heard is None and host.heard_at is not None and self._began_at is not None:
            heard = self._began - max(0.0, self._began_at - host.heard_at)
        if heard is not None and now - heard > SILENT_S:
            return Phase.LOST, SafeText(f"no sign of life came of it for {SILENT_S:g} s")
        if heard is not None and host.whole:
            return Phase.LIVE, None
        if self._problem is None:
            return Phase.CALLED, None
        return Phase.LOST, self._problem
