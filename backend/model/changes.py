"""The changes between two snapshots, found once; who shows them only chooses words and which deserve a line.

Times that merely go on (ages, durations) are no change, and neither are reasons, which name such times.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Generic, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from lockdeck.backend.model.delta import Change as Pair
from lockdeck.backend.model.delta import FleetDelta, difference
from lockdeck.backend.model.fleet import FleetSnapshot, LockView, RootView, SessionView, every_lock
from lockdeck.backend.model.hosts import HostView
from lockdeck.backend.model.incidents.records import Incident
from lockdeck.backend.model.runs.records import Rotation
from lockdeck.backend.model.urgency import urgency


class ChangeKind(StrEnum):
    """The kind of a change, in the words of `watch --json`."""

    APPEARED = "appeared"
    CHANGED = "changed"
    VANISHED = "vanished"


class RootAspect(StrEnum):
    """A part of a root that can change, by its field in `RootView`."""

    ERA = "era"
    GATEWAY = "gateway"
    WATCH = "watch"
    PROBLEMS = "problems"
    VERSION = "version"
    REFUSED_START = "refused_start"
    UNSEEN = "unseen"
    VOUCH = "vouch"
    OWNERSHIP = "ownership"
    SOURCES = "sources"


class SessionAspect(StrEnum):
    """A part of a session that can change, by its field in `_SessionFace`."""

    STATE = "state"
    SEVERITY = "severity"
    SESSION_ID = "session_id"
    ATTEMPT = "attempt"
    ROTATION = "rotation"
    OCCUPATION = "occupation"
    BLOCKED = "blocked"
    HOLDER = "holder"
    LOCK = "lock"
    CANCELLED = "cancelled"


class HostAspect(StrEnum):
    """A part of a host that can change, by its field in `HostView`."""

    PHASE = "phase"
    LOCKDECK = "lockdeck"
    WITHHELD = "withheld"


class IncidentAspect(StrEnum):
    """A part of an incident that can change: what it is about, whom it concerns, or how many callers it cost."""

    SUBJECTS = "subjects"
    MEMBERS = "members"
    CALLERS = "callers"


class LockAspect(StrEnum):
    """A part of a lock that can change, by its field in `_LockFace`. `HOLD`: another hold stands at the path."""

    HOLD = "hold"
    VERDICT = "verdict"
    RELEASABLE = "releasable"
    HOLDER = "holder"


View = TypeVar("View", RootView, SessionView, LockView, Incident, HostView)
Aspect = TypeVar("Aspect", RootAspect, SessionAspect, LockAspect, IncidentAspect, HostAspect)


class Difference(Struct, Generic[View, Aspect], frozen=True):
    """One thing before and after. `old` is None where it has appeared, `new` where it has vanished.

    `aspects` are the parts that differ where both are there.
    """

    old: View | None
    new: View | None
    aspects: frozenset[Aspect] = frozenset()

    @property
    def kind(self) -> ChangeKind:
        """The kind of the change."""
        if self.old is None:
            return ChangeKind.APPEARED
        return ChangeKind.VANISHED if self.new is None else ChangeKind.CHANGED

    @property
    def view(self) -> View:
        """The new picture of it, or the last one of what vanished."""
        view = self.old if self.new is None else self.new
        assert view is not None
        return view


class HostChange(Difference[HostView, HostAspect], frozen=True):
    """A change of how a host is seen."""


class RootChange(Difference[RootView, RootAspect], frozen=True):
    """A change of a root."""


class SessionChange(Difference[SessionView, SessionAspect], frozen=True):
    """A change of a session."""


class LockChange(Difference[LockView, LockAspect], frozen=True):
    """A change of a lock."""


class IncidentChange(Difference[Incident, IncidentAspect], frozen=True):
    """A change of what several sessions have in common."""


Change = IncidentChange | RootChange | SessionChange | LockChange


def changes(
    previous: FleetSnapshot | None, current: FleetSnapshot, delta: FleetDelta | None = None
) -> Iterator[Change]:
    """Yield what changed: incidents, roots, then sessions, then locks; with no earlier snapshot all that is there appeared.

    `delta` is what is different between the two, where that is known; else they are compared.
    """
    delta = compared(previous, current) if delta is None or previous is None else delta
    previous = previous or FleetSnapshot(0.0, "")
    yield from _incident_changes(previous, current)
    yield from _root_changes(previous, current)
    yield from _session_changes(delta)
    yield from _lock_changes(delta)


def compared(previous: FleetSnapshot | None, current: FleetSnapshot) -> FleetDelta:
    """Return what is different between two snapshots, found by looking at all there is."""
    previous = previous or FleetSnapshot(0.0, "")
    return FleetDelta(
        difference(previous.sessions, current.sessions), difference(every_lock(previous), every_lock(current))
    )


def host_changes(previous: FleetSnapshot, current: FleetSnapshot) -> Iterator[HostChange]:
    """Yield what changed in how the hosts of a deck are seen."""
    earlier = {host.name: host for host in previous.hosts}
    for host in current.hosts:
        old = earlier.pop(host.name, None)
        if old is None:
            yield HostChange(None, host)
            continue
        aspects = [aspect for aspect in HostAspect if getattr(old, aspect) != getattr(host, aspect)]
        if aspects:
            yield HostChange(old, host, frozenset(aspects))
    for old in earlier.values():
        yield HostChange(old, None)


def _incident_changes(previous: FleetSnapshot, current: FleetSnapshot) -> Iterator[IncidentChange]:
    earlier = {incident.identity: incident for incident in previous.incidents}
    for incident in current.incidents:
        old = earlier.pop(incident.identity, None)
        if old is None:
            yield IncidentChange(None, incident)
            continue
        aspects = [aspect for aspect in IncidentAspect if getattr(old, aspect) != getattr(incident, aspect)]
        if aspects:
            yield IncidentChange(old, incident, frozenset(aspects))
    for old in earlier.values():
        yield IncidentChange(old, None)


def _root_changes(previous: FleetSnapshot, current: FleetSnapshot) -> Iterator[RootChange]:
    earlier = {root.identity: root for root in previous.roots}
    for root in current.roots:
        old = earlier.pop(root.identity, None)
        if old is None:
            yield RootChange(None, root)
        elif old is not root:
            old_face, face = _root_face(old), _root_face(root)
            if old_face != face:
                yield RootChange(old, root, frozenset(map(RootAspect, _differing(old_face, face))))
    for old in earlier.values():
        yield RootChange(old, None)


def _root_face(root: RootView) -> RootView:
    """Return a root without the times of its sources, which go on."""
    return replace(root, sources=tuple(replace(source, as_of=None) for source in root.sources))


def _session_changes(delta: FleetDelta) -> Iterator[SessionChange]:
    for pair in sorted(delta.sessions, key=_place):
        if pair.old is None or pair.new is None:
            yield SessionChange(pair.old, pair.new)
            continue
        old_face, face = _session_face(pair.old), _session_face(pair.new)
        if old_face != face:
            yield SessionChange(pair.old, pair.new, frozenset(map(SessionAspect, _differing(old_face, face))))


def _place(pair: Pair[SessionView]) -> tuple[bool, object]:
    """Return what comes first: the most urgent sessions, and after those that are there those that vanished."""
    view = pair.old if pair.new is None else pair.new
    assert view is not None
    return (pair.new is None, urgency(view))


def _lock_changes(delta: FleetDelta) -> Iterator[LockChange]:
    for pair in delta.locks:
        if pair.old is None or pair.new is None:
            yield LockChange(pair.old, pair.new)
            continue
        old_face, face = _lock_face(pair.old), _lock_face(pair.new)
        if old_face != face:
            yield LockChange(pair.old, pair.new, frozenset(map(LockAspect, _differing(old_face, face))))


def _differing(old: Struct, new: Struct) -> Iterator[str]:
    """Yield the names of the fields in which two records of one type differ."""
    for name in old.__struct_fields__:
        if getattr(old, name) != getattr(new, name):
            yield name


class _LockFace(Struct, frozen=True):
    """All of a lock that can change without time going on."""

    hold: str | None
    verdict: object
    releasable: bool
    holder: object


class _SessionFace(Struct, frozen=True):
    """All of a session that can change without time going on."""

    state: object
    severity: object
    session_id: str | None
    attempt: object
    rotation: object
    occupation: object
    blocked: int
    holder: object
    lock: _LockFace | None
    cancelled: object


def _rotation_face(rotation: Rotation) -> tuple[object, ...]:
    known = (rotation.attempts, rotation.timeouts, rotation.total)
    return (*known, rotation.finished, rotation.free_by_passed)


def _session_face(session: SessionView) -> _SessionFace:
    occupation, rotation, holder = session.occupation, session.rotation, session.holder
    return _SessionFace(
        session.state,
        session.severity,
        session.session_id,
        session.attempt,
        rotation and _rotation_face(rotation),
        occupation and (occupation.since, occupation.holds),
        session.blocked.count,
        holder and (holder.run_id, holder.queue_depth, holder.refused),
        None if session.lock is None else _lock_face(session.lock),
        session.cancelled,
    )


def _lock_face(view: LockView) -> _LockFace:
    judgement = view.judgement
    return _LockFace(view.release_id, judgement.verdict, judgement.releasable, judgement.holder)
