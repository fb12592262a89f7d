"""The fleets of several hosts as one fleet."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence, Set
from typing import Generic, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from lockdeck.backend.hosts.frames import row_name
from lockdeck.backend.hosts.picture import lock_of, lock_order, lock_path, session_of
from lockdeck.backend.hosts.state import HostState
from lockdeck.backend.model.delta import Change, FleetDelta, difference
from lockdeck.backend.model.fleet import FleetSnapshot, LockView, SessionView
from lockdeck.backend.model.hosts import HostView, Phase
from lockdeck.backend.model.incidents.across import across_hosts, lost_host
from lockdeck.backend.model.incidents.records import Incident
from lockdeck.backend.model.order.ranking import Ranking
from lockdeck.backend.model.urgency import urgency
from lockdeck.backend.system.host import host_name

View = TypeVar("View", SessionView, LockView)


class _Host(Struct, frozen=True):
    """One host in the picture: how it is seen, its rows as they are shown (None: none was told yet), and its causes."""

    state: HostState
    view: HostView
    fleet: FleetSnapshot | None
    incidents: tuple[Incident, ...]

    @property
    def common(self) -> tuple[object, ...]:
        """All of it that stands beside rows."""
        return (self.fleet and self.fleet.roots, self.fleet and self.fleet.notes, self.incidents)


class MergedHosts:
    """Takes in hosts as they are, and makes one picture of all; what did not change is the same object in the next one.

    `groups` are the groups of the hosts that have one, by name. Rows of a host that is lost stay, and say since when.
    Of most hosts nothing was heard since the last picture: those that changed are looked at alone.
    """

    def __init__(self, groups: Mapping[str, str]) -> None:
        self._groups = groups
        self._states: Sequence[HostState] = ()
        self._hosts: dict[str, _Host] = {}
        self._sessions: _Rows[SessionView] = _Rows(Ranking(urgency), row_name)
        self._locks: _Rows[LockView] = _Rows(Ranking(lock_order), lock_path)
        self._last = FleetSnapshot(0.0, host_name())

    def picture(self, states: Sequence[HostState], now: float) -> FleetSnapshot:
        """Return the picture of all hosts at `now` (epoch seconds); its delta is to the last one."""
        pairs = [
            (last, state) for last, state in zip(self._states, states, strict=False) if last is not state
        ]
        others = len(states) != len(self._states) or any(last.name != state.name for last, state in pairs)
        if others:
            self._keep({state.name for state in states})
        news = [self._take(state) for state in (states if others else (state for _, state in pairs))]
        hosts, self._states = [self._hosts[state.name] for state in states], states
        sessions, changed_sessions = self._sessions.ranking.take()
        locks, changed_locks = self._locks.ranking.take()
        self._last = replace(
            self._with_common(hosts) if others or any(news) else self._last,
            generated_at=now,
            sessions=sessions,
            locks=locks,
            sequence=self._last.sequence + 1,
            delta=FleetDelta(changed_sessions, changed_locks) if self._last.sequence else None,
            hosts=tuple(host.view for host in hosts),
        )
        return self._last

    def _with_common(self, hosts: Sequence[_Host]) -> FleetSnapshot:
        """Return the last picture with what hosts tell beside their rows."""
        fleets = [host.fleet for host in hosts if host.fleet is not None]
        return replace(
            self._last,
            roots=tuple(root for fleet in fleets for root in fleet.roots),
            notes=tuple(f"{fleet.host}: {note}" for fleet in fleets for note in fleet.notes),
            incidents=across_hosts(incident for host in hosts for incident in host.incidents),
        )

    def _keep(self, names: Set[str]) -> None:
        """Let go of all other hosts."""
        for name in self._hosts.keys() - names:
            self._show(self._hosts.pop(name).fleet, FleetSnapshot(0.0, name))

    def _take(self, state: HostState) -> bool:
        """Take in one host; return whether it tells anything else than before beside its rows."""
        last = self._hosts.get(state.name)
        if last is not None and last.state is state:
            return False
        view, fleet = self._view(state), None if last is None else last.fleet
        snapshot, live = state.snapshot, state.phase is Phase.LIVE
        same = (
            last is not None and last.state.snapshot is snapshot and (last.view.phase is Phase.LIVE) is live
        )
        if snapshot is not None and not same:
            rows = snapshot if live else _lost(snapshot, state.heard_at or snapshot.generated_at)
            self._show(fleet, rows)
            fleet = rows
        host = self._hosts[state.name] = _Host(state, view, fleet, _incidents(view, fleet))
        return last is None or last.common != host.common

    def _show(self, last: FleetSnapshot | None, fleet: FleetSnapshot) -> None:
        """Show the rows of a host instead of those before."""
        last = last or FleetSnapshot(0.0, fleet.host)
        follows = fleet.delta is not None and fleet.sequence == last.sequence + 1
        if follows and fleet.delta is not None:
            sessions, locks = fleet.delta.sessions, fleet.delta.locks
        else:
            sessions, locks = (
                difference(last.sessions, fleet.sessions),
                difference(last.locks, fleet.locks),
            )
        self._sessions.take(fleet.host, sessions)
        self._locks.take(fleet.host, locks)

    def _view(self, state: HostState) -> HostView:
        return HostView(
            name=state.name,
            group=self._groups.get(state.name, ""),
            phase=state.phase,
            problem=state.problem,
            heard_at=state.heard_at,
            ahead_s=state.ahead_s,
            lockdeck=state.hello.lockdeck if state.hello else None,
            role=state.hello.role if state.hello else None,
            told=state.snapshot is not None,
            withheld=len(state.withheld),
        )


def _incidents(view: HostView, fleet: FleetSnapshot | None) -> tuple[Incident, ...]:
    """Return what a host told; of one that is lost only that it is."""
    if fleet is None or view.phase is Phase.LIVE:
        return () if fleet is None else fleet.incidents
    return (lost_host(view, fleet.sessions),) if len(fleet.sessions) > 1 else ()


class _Rows(Generic[View]):
    """Rows of all hosts in their order, found by host and name."""

    def __init__(self, ranking: Ranking[View], name_of: Callable[[View], Hashable]) -> None:
        self.ranking: Ranking[View] = ranking
        self._name_of: Callable[[View], Hashable] = name_of
        self._standing: dict[tuple[str, Hashable], View] = {}

    def take(self, host: str, changes: Iterable[Change[View]]) -> None:
        """Take in what has changed on a host. All that goes goes first: a name may pass from one row to another."""
        pairs = [
            (None if old is None else self._standing.pop((host, self._name_of(old)), None), new)
            for old, new in ((change.old, change.new) for change in changes)
        ]
        for old, new in pairs:
            self.ranking.put(old, new)
            if new is not None:
                self._standing[host, self._name_of(new)] = new


def _lost(fleet: FleetSnapshot, last_seen: float) -> FleetSnapshot:
    """Return the fleet of a host as it was seen last."""
    return replace(
        fleet,
        sessions=tuple(session_of(view, fleet.host, last_seen) for view in fleet.sessions),
        locks=tuple(lock_of(view, fleet.host, last_seen) for view in fleet.locks),
        # No later picture is the next one of it: each of its rows is another.
        sequence=-1,
        delta=None,
    )
