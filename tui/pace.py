"""How often new snapshots are shown: the first at once, then at most one per gap, always the newest. Pure."""

from __future__ import annotations

from lockdeck.backend.model.fleet import FleetSnapshot


class Pace:
    """Keeps the newest snapshot back while the last one has only just been shown."""

    def __init__(self) -> None:
        self._waiting: FleetSnapshot | None = None
        self._resting = False

    def take(self, snapshot: FleetSnapshot) -> FleetSnapshot | None:
        """Return the snapshot when it may be shown now; else it waits, and one that waited before is dropped."""
        if not self._resting:
            return snapshot
        self._waiting = snapshot
        return None

    def rest(self) -> None:
        """Show nothing until `rested`."""
        self._resting = True

    def rested(self) -> FleetSnapshot | None:
        """Return the snapshot that waited for the end of the rest."""
        self._resting = False
        snapshot, self._waiting = self._waiting, None
        return snapshot
