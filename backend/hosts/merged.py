"""The fleets of several hosts as one fleet."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Generic, TypeVar

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


class MergedHosts:
    """Takes in hosts as they are, and makes one picture of all; what did not change is the same object in the next one.

    `groups` are the groups of the hosts that have one, by name. Rows of a host that is lost stay, and say since when.
    """

    def __init__(self, groups: Mapping[str, str]) -> None:
        self._groups = groups
        self._shown: dict[str, FleetSnapshot] = {}
        self._views: dict[str, HostView] = {}
        self._states: dict[str, HostState] = {}
        self._sessions: _Rows[SessionView] = _Rows(Ranking(urgency), row_name)
        self._locks: _Rows[LockView] = _Rows(Ranking(lock_order), lock_path)
        self._sequence = 0

    def picture(self, states: Sequence[HostState], now: float) -> FleetSnapshot:
        """Return the picture of all hosts at `now` (epoch seconds); its delta is to the last one."""
        names = {state.name for state in states}
        for name in self._states.keys() - names:
            self._show(name, FleetSnapshot(now, name))
            del self._shown[name], self._states[name], self._views[name]
        for state in states:
            # Of most hosts nothing was heard since the last picture.
            last = self._states.get(state.name)
            if last is not state:
                self._take(last, state)
                self._states[state.name] = state
                self._views[state.name] = self._view(state)
        sessions, changed_sessions = self._sessions.ranking.take()
        locks, changed_locks = self._locks.ranking.take()
        self._sequence += 1
        fleets = [self._shown[state.name] for state in states if state.name in self._shown]
        return FleetSnapshot(
            generated_at=now,
            host=host_name(),
            roots=tuple(root for fleet in fleets for root in fleet.roots),
            sessions=sessions,
            locks=locks,
            notes=tuple(f"{fleet.host}: {note}" for fleet in fleets for note in fleet.notes),
            incidents=across_hosts(self._incidents(fleets)),
            sequence=self._sequence,
            delta=FleetDelta(changed_sessions, changed_locks) if self._sequence > 1 else None,
            hosts=tuple(self._views[state.name] for state in states),
        )

    def _take(self, last: HostState | None, state: HostState) -> None:
        """Take in one host, where anything of its rows is different."""
        told, live = state.snapshot, state.phase is Phase.LIVE
        same = last is not None and last.snapshot is told and (last.phase is Phase.LIVE) is live
        if told is not None and not same:
            self._show(state.name, told if live else _lost(told, state.heard_at or told.generated_at))

    def _show(self, name: str, fleet: FleetSnapshot) -> None:
        before = self._shown.get(name) or FleetSnapshot(0.0, name)
        follows = fleet.delta is not None and fleet.sequence == before.sequence + 1
        if follows and fleet.delta is not None:
            sessions, locks = fleet.delta.sessions, fleet.delta.locks
        else:
            sessions, locks = (
                difference(before.sessions, fleet.sessions),
                difference(before.locks, fleet.locks),
            )
        self._sessions.take(name, sessions)
        self._locks.take(name, locks)
        self._shown[name] = fleet

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

    def _incidents(self, fleets: Iterable[FleetSnapshot]) -> Iterator[Incident]:
        """Yield what each host told; of one that is lost only that it is."""
        for fleet in fleets:
            view = self._views[fleet.host]
            if view.phase is Phase.LIVE:
                yield from fleet.incidents
            elif len(fleet.sessions) > 1:
                yield lost_host(view, fleet.sessions)


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
