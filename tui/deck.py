"""The knowledge of the dashboard: the newest snapshot, the one on show, and what changed. Knows no widget."""

from __future__ import annotations

from collections import deque
from itertools import count

from lockdeck.backend.model.changes import changes
from lockdeck.backend.model.fleet import FleetSnapshot
from lockdeck.backend.system.text import SafeText
from lockdeck.tui.alarms import Notice, Rule, Watch, criticals
from lockdeck.tui.alarms import advance as advance_watch
from lockdeck.tui.view.events import EventLine, event_lines
from lockdeck.tui.view.names import root_label
from lockdeck.tui.view.sparkline import Pulse, advance

KEPT_CHANGES = 2000
"""So many changes are kept for the Events screen."""


class Deck:
    """Receives snapshots; while paused the one shown stays and what is hidden is counted."""

    def __init__(self) -> None:
        self.latest: FleetSnapshot | None = None
        self.displayed: FleetSnapshot | None = None
        self.failure: SafeText | None = None
        self.hidden_changes = 0
        self.pulse = Pulse()
        self.displayed_pulse = self.pulse
        self.paused_at: float | None = None
        self.log: deque[tuple[int, EventLine]] = deque(maxlen=KEPT_CHANGES)
        self._alarms = Watch()
        self._numbers = count(1)

    def receive(self, snapshot: FleetSnapshot) -> None:
        """Take in a new snapshot."""
        news = () if self.latest is None else tuple(changes(self.latest, snapshot))
        lines = event_lines(news, snapshot.generated_at)
        self.pulse = advance(self.pulse, news, snapshot.generated_at)
        self.latest = snapshot
        self.log.extendleft((next(self._numbers), event) for event in reversed(lines))
        if self.paused_at is None:
            self.displayed, self.displayed_pulse = snapshot, self.pulse
        else:
            self.hidden_changes += len(lines)

    def note(self, event: EventLine) -> None:
        """Enter something that lockdeck itself did."""
        self.log.appendleft((next(self._numbers), event))

    def notices(self, now: float, rule: Rule) -> tuple[Notice, ...]:
        """Enter what turned critical or cleared by `now` (epoch seconds); return what the person is to be told."""
        if self.latest is None:
            return ()
        step = advance_watch(self._alarms, criticals(self.latest), now, rule)
        self._alarms = step.watch
        for notice in step.due:
            self.note(EventLine(notice.at, notice.severity, notice.name, notice.sentence, notice.row))
        return step.tell

    def root_label(self, root: str) -> str:
        """Return a short name for a root, empty when there is only one."""
        if self.displayed is None or len(self.displayed.roots) < 2:
            return ""
        return root_label(root)

    def pause(self, now: float) -> None:
        """Keep the picture of this moment (epoch seconds)."""
        self.paused_at = now

    def resume(self) -> None:
        """Show the newest picture again."""
        self.paused_at, self.hidden_changes = None, 0
        self.displayed, self.displayed_pulse = self.latest, self.pulse
