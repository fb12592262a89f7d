"""The incidents of a fleet at one moment: which causes explain several of its sessions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from lockdeck.backend.model.fleet import LockView, RootView, SessionView, State
from lockdeck.backend.model.identity import Identity
from lockdeck.backend.model.incidents.calls import call_under_way
from lockdeck.backend.model.incidents.locks import LockFailure, obstructing
from lockdeck.backend.model.incidents.records import Incident
from lockdeck.backend.model.incidents.silence import CallBook, silences
from lockdeck.backend.model.incidents.standstill import blocking, deserted, draining
from lockdeck.backend.model.locks import Presence
from lockdeck.backend.model.runs.records import NOBODY_BLOCKED
from lockdeck.backend.model.sessions.refusals import Refusals

_OVER = frozenset({State.IDLE, State.FAILED})


class FleetRuns(Struct, frozen=True):
    """What the runs of all sessions tell: finished calls, failures on locks, and who was lately refused."""

    book: CallBook = CallBook()
    lock_failures: tuple[LockFailure, ...] = ()
    refusals: Mapping[Identity, Refusals] = {}


def incidents_of(
    roots: Sequence[RootView],
    views: Sequence[SessionView],
    locks: Iterable[LockView],
    runs: FleetRuns,
    host: str,
    now: float,
) -> tuple[Incident, ...]:
    """Return the causes that several sessions have in common at `now` (epoch seconds), the widest first."""
    # Of ten thousand sessions nearly all are idle: they are passed over without a call.
    trouble = {
        view.identity: view
        for view in views
        if view.lock is not None
        or view.state is not State.IDLE
        or view.blocked is not NOBODY_BLOCKED
        or view.severity
    }
    current = (call_under_way(view.attempt, view.identity, view.agent, now) for view in trouble.values())
    under_way = [call for call in current if call is not None]
    free_by = {view.identity: _free_by(view) for view in trouble.values() if view.state not in _OVER}

    def callers(sessions: Iterable[Identity], _since: float, _until: float) -> int:
        return sum(trouble[session].blocked.count for session in sessions if session in trouble)

    silent = tuple(silences(runs.book, callers, free_by, now, under_way))
    explained = frozenset(member for incident in silent for member in incident.members)
    standing = _standing(roots, tuple(trouble.values()), views, runs, explained, host)
    # Few failures name a lock, and many locks stand.
    absent = (view.record.path for view in locks if view.record.presence is Presence.ABSENT)
    gone = frozenset(absent) if runs.lock_failures else frozenset()
    holders = {view.lock.record.path: view.free_by for view in trouble.values() if view.lock is not None}
    found = (*silent, *standing, *obstructing(runs.lock_failures, holders, now, gone))
    return tuple(sorted(found, key=_breadth))


def _free_by(view: SessionView) -> float | None:
    """Return when a session is free at the latest; None where nothing bounds it, or it should have been free by now."""
    passed = view.rotation is not None and view.rotation.free_by_passed
    return None if passed else view.free_by


def _standing(
    roots: Sequence[RootView],
    trouble: Sequence[SessionView],
    views: Sequence[SessionView],
    runs: FleetRuns,
    explained: frozenset[Identity],
    host: str,
) -> Iterator[Incident]:
    yield from deserted(roots, trouble, host)
    for root in roots:
        stuck = blocking(root, [view for view in trouble if view.root == root.path], explained)
        if runs.refusals:
            agents = {view.identity: view.agent for view in views if view.root == root.path}
            drain = draining(agents, runs.refusals, runs.book.calls, root.path)
            yield from () if drain is None else (drain,)
        yield from () if stuck is None else (stuck,)


def _breadth(incident: Incident) -> tuple[int, float, str]:
    return (-len(incident.members), incident.since or 0.0, incident.subject)
