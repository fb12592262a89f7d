"""The fleet of one host as its frames tell it."""

from __future__ import annotations

from lockdeck.backend.hosts.frames import FrameError, Rows, SessionName, row_name
from lockdeck.backend.model.fleet import FleetSnapshot, LockView, RootView, SessionView
from lockdeck.backend.model.incidents.records import Incident
from lockdeck.backend.model.urgency import urgency

MOST_ROWS = 250_000
"""A host that tells of more sessions, or of more locks, is followed no further."""


class HostPicture:
    """Rows of one host; `whole` once all that there are have been told."""

    def __init__(self) -> None:
        self.whole = False
        self._generated_at = 0.0
        self._roots: tuple[RootView, ...] = ()
        self._notes: tuple[str, ...] = ()
        self._incidents: tuple[Incident, ...] = ()
        self._sessions: dict[SessionName, SessionView] = {}
        self._locks: dict[str, LockView] = {}
        self._withheld: dict[str, None] = {}

    def take(self, rows: Rows) -> None:
        """Take in one frame. Raises FrameError where the host tells of more than can be kept."""
        self._generated_at = rows.generated_at
        self._roots = self._roots if rows.roots is None else rows.roots
        self._notes = self._notes if rows.notes is None else rows.notes
        self._incidents = self._incidents if rows.incidents is None else rows.incidents
        self._sessions.update((row_name(view), view) for view in rows.sessions)
        self._locks.update((view.record.path, view) for view in rows.locks)
        for name in rows.gone_sessions:
            self._sessions.pop(name, None)
        for path in rows.gone_locks:
            self._locks.pop(path, None)
        self._withheld.update(dict.fromkeys(rows.withheld))
        if max(len(self._sessions), len(self._locks), len(self._withheld)) > MOST_ROWS:
            raise FrameError(f"it tells of more than {MOST_ROWS} rows")
        self.whole = not rows.more

    @property
    def withheld(self) -> tuple[str, ...]:
        """The names of what the host could not send."""
        return tuple(self._withheld)

    def snapshot(self, host: str) -> FleetSnapshot:
        """Return the fleet as of the last frame, under the name that we have for the host."""
        return FleetSnapshot(
            generated_at=self._generated_at,
            host=host,
            roots=self._roots,
            sessions=tuple(sorted(self._sessions.values(), key=urgency)),
            locks=tuple(self._locks[path] for path in sorted(self._locks)),
            notes=self._notes,
            incidents=self._incidents,
        )
