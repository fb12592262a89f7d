"""The fleet of one host as its frames tell it."""

from __future__ import annotations

from msgspec.structs import replace

from lockdeck.backend.hosts.frames import FrameError, Rows, SessionName, row_name
from lockdeck.backend.model.delta import FleetDelta
from lockdeck.backend.model.fleet import FleetSnapshot, LockView, RootView, SessionView
from lockdeck.backend.model.identity import Identity
from lockdeck.backend.model.incidents.records import Incident
from lockdeck.backend.model.order.ranking import Ranking
from lockdeck.backend.model.urgency import urgency

MOST_ROWS = 250_000
"""A host that tells of more sessions, or of more locks, is followed no further."""


class HostPicture:
    """Rows of one host, under the name that we have for it; `whole` once all that there are have been told."""

    def __init__(self, host: str) -> None:
        self.whole = False
        self._host = host
        self._told_before = False
        self._generated_at = 0.0
        self._roots: tuple[RootView, ...] = ()
        self._notes: tuple[str, ...] = ()
        self._incidents: tuple[Incident, ...] = ()
        self._sessions: dict[SessionName, SessionView] = {}
        self._locks: dict[str, LockView] = {}
        self._ranked = Ranking(urgency)
        self._ranked_locks = Ranking(lock_order)
        self._withheld: dict[str, None] = {}

    def take(self, rows: Rows) -> None:
        """Take in one frame. Raises FrameError where the host tells of more than can be kept."""
        self._generated_at = rows.generated_at
        if rows.roots is not None:
            self._roots = tuple(replace(root, host=self._host) for root in rows.roots)
        if rows.incidents is not None:
            self._incidents = tuple(incident_of(incident, self._host) for incident in rows.incidents)
        self._notes = self._notes if rows.notes is None else rows.notes
        for session in rows.sessions:
            self._put_session(row_name(session), session_of(session, self._host))
        for lock in rows.locks:
            self._put_lock(lock.record.path, lock_of(lock, self._host))
        for name in rows.gone_sessions:
            self._put_session(name, None)
        for path in rows.gone_locks:
            self._put_lock(path, None)
        self._withheld.update(dict.fromkeys(rows.withheld))
        if max(len(self._sessions), len(self._locks), len(self._withheld)) > MOST_ROWS:
            raise FrameError(f"it tells of more than {MOST_ROWS} rows")
        self.whole = not rows.more

    @property
    def withheld(self) -> tuple[str, ...]:
        """The names of what the host could not send."""
        return tuple(self._withheld)

    def snapshot(self, sequence: int) -> FleetSnapshot:
        """Return the fleet as of the last frame, as the picture of that number; its delta is to the last one returned."""
        sessions, changed_sessions = self._ranked.take()
        locks, changed_locks = self._ranked_locks.take()
        delta = FleetDelta(changed_sessions, changed_locks) if self._told_before else None
        self._told_before = True
        return FleetSnapshot(
            generated_at=self._generated_at,
            host=self._host,
            roots=self._roots,
            sessions=sessions,
            locks=locks,
            notes=self._notes,
            incidents=self._incidents,
            sequence=sequence,
            delta=delta,
        )

    def _put_session(self, name: SessionName, view: SessionView | None) -> None:
        self._ranked.put(self._sessions.pop(name, None), view)
        if view is not None:
            self._sessions[name] = view

    def _put_lock(self, path: str, view: LockView | None) -> None:
        self._ranked_locks.put(self._locks.pop(path, None), view)
        if view is not None:
            self._locks[path] = view


def lock_order(view: LockView) -> Identity:
    """Return what locks are sorted by."""
    return view.identity


def lock_path(view: LockView) -> str:
    """Return the name of a lock on its host."""
    return view.record.path


def session_of(view: SessionView, host: str, last_seen: float | None = None) -> SessionView:
    """Return a session as one of a host, which was heard of last at `last_seen` where it is lost."""
    lock = None if view.lock is None else lock_of(view.lock, host, last_seen)
    return replace(view, host=host, last_seen=last_seen, lock=lock)


def lock_of(view: LockView, host: str, last_seen: float | None = None) -> LockView:
    """Return a lock as one of a host, which was heard of last at `last_seen` where it is lost."""
    return replace(view, host=host, last_seen=last_seen)


def incident_of(incident: Incident, host: str) -> Incident:
    """Return an incident as one of a host."""
    members = tuple((host, root, key) for _, root, key in incident.members)
    return replace(incident, hosts=(host,), members=members)
