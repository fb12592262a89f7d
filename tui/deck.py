"""What the dashboard knows: the newest snapshot, the one shown, and what changed. Knows no widget."""

from __future__ import annotations

from collections import deque
from itertools import count

from backend.model.fleet import FleetSnapshot
from backend.system.text import SafeText
from tui.changes import Change, changes
from tui.pulse import Pulse, advance

KEPT_CHANGES = 2000
"""So many changes are kept for the Events screen."""


class Deck:
    """Receives snapshots; while paused the one shown stays and what is hidden is counted."""

    def __init__(self) -> None:
        self.latest: FleetSnapshot | None = None
        self.shown: FleetSnapshot | None = None
        self.failure: SafeText | None = None
        self.hidden_changes = 0
        self.pulse = Pulse()
        self.paused_at: float | None = None
        self.log: deque[tuple[int, Change]] = deque(maxlen=KEPT_CHANGES)
        self._numbers = count(1)

    def receive(self, snapshot: FleetSnapshot) -> None:
        """Take in a new snapshot."""
        found = changes(self.latest, snapshot)
        self.pulse = advance(self.pulse, self.latest, snapshot)
        self.latest = snapshot
        self.log.extendleft((next(self._numbers), change) for change in reversed(found))
        if self.paused_at is None:
            self.shown = snapshot
        else:
            self.hidden_changes += len(found)

    def note(self, change: Change) -> None:
        """Enter something that lockdeck itself did."""
        self.log.appendleft((next(self._numbers), change))

    def pause(self, now: float) -> None:
        """Keep the picture of this moment (epoch seconds)."""
        self.paused_at = now

    def resume(self) -> None:
        """Show the newest picture again."""
        self.paused_at, self.hidden_changes = None, 0
        self.shown = self.latest
