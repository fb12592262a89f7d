"""The knowledge of the dashboard: the newest snapshot, the one on show, and what changed. Knows no widget."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from itertools import count

from msgspec import Struct, field

from lockdeck.backend.model.changes import Change, IncidentChange, changes, compared, host_changes
from lockdeck.backend.model.delta import FleetDelta
from lockdeck.backend.model.fleet import FleetSnapshot
from lockdeck.backend.system.text import SafeText
from lockdeck.tui.alarms import Criticals, Notice, Rule, Watch
from lockdeck.tui.alarms import advance as advance_watch
from lockdeck.tui.table.hostrow import HostCount, counted
from lockdeck.tui.table.rowchanges import RowChanges, RowFinder
from lockdeck.tui.view.counts import FleetCounts
from lockdeck.tui.view.events import EventLine, event_lines
from lockdeck.tui.view.hosts import Hosts
from lockdeck.tui.view.names import HOST, root_label
from lockdeck.tui.view.sparkline import Pulse, advance

KEPT_CHANGES = 2000
"""So many changes are kept for the Events screen."""
KEPT_ROWS = 1000
"""So many changed rows are kept for screens that were not seen meanwhile; where it was more they look at all."""


class Display(Struct, frozen=True):
    """What the screens show: a snapshot with its number, the last minutes, and how many rows say what.

    `hosts` by name; `roots` counts those of each host.
    """

    snapshot: FleetSnapshot | None = None
    number: int = 0
    pulse: Pulse = Pulse()
    counts: FleetCounts = FleetCounts()
    hosts: Hosts = field(default_factory=dict)
    roots: Mapping[str, int] = field(default_factory=dict)
    host_counts: Mapping[str, HostCount] = field(default_factory=dict)


class Deck:
    """Receives snapshots; while paused the one shown stays and what is hidden is counted."""

    def __init__(self) -> None:
        self.display = self._newest = Display()
        self.failure: SafeText | None = None
        self.hidden_changes = 0
        self.paused_at: float | None = None
        self.log: deque[tuple[int, EventLine]] = deque(maxlen=KEPT_CHANGES)
        self._rows = RowFinder()
        self._news: deque[tuple[int, RowChanges]] = deque()
        self._criticals = Criticals()
        self._alarms = Watch()
        self._numbers = count(1)

    @property
    def latest(self) -> FleetSnapshot | None:
        """The newest snapshot."""
        return self._newest.snapshot

    @property
    def displayed(self) -> FleetSnapshot | None:
        """The snapshot on show."""
        return self.display.snapshot

    def receive(self, snapshot: FleetSnapshot) -> None:
        """Take in a new snapshot; its delta, where it has one, is to the one before."""
        before = self._newest
        delta = None if before.snapshot is None else snapshot.delta
        delta = compared(before.snapshot, snapshot) if delta is None else delta
        news = () if before.snapshot is None else _news(before.snapshot, snapshot, delta)
        of_hosts = () if before.snapshot is None else host_changes(before.snapshot, snapshot)
        lines = event_lines((*of_hosts, *news), snapshot.generated_at)
        rows = self._rows.take(delta)
        hosts = {host.name: host for host in snapshot.hosts}
        self._criticals.take(rows.fleet)
        self._criticals.take_hosts(snapshot.hosts)
        self._newest = Display(
            snapshot,
            before.number + 1,
            advance(before.pulse, news, snapshot.generated_at),
            before.counts.after((change.old, change.new) for change in rows.fleet),
            hosts,
            Counter(root.host for root in snapshot.roots),
            counted(before.host_counts, rows, hosts),
        )
        self._keep(rows)
        self.log.extendleft((next(self._numbers), event) for event in reversed(lines))
        if self.paused_at is None:
            self.display = self._newest
        else:
            self.hidden_changes += len(lines)

    def _keep(self, rows: RowChanges) -> None:
        self._news.append((self._newest.number, rows))
        kept = sum(len(rows.fleet) + len(rows.locks) for _, rows in self._news)
        while kept > KEPT_ROWS and len(self._news) > 1:
            _, dropped = self._news.popleft()
            kept -= len(dropped.fleet) + len(dropped.locks)

    def rows_since(self, number: int) -> Sequence[RowChanges] | None:
        """Return how rows changed from the snapshot of that number to the one on show; None where that is not known."""
        if number == self.display.number:
            return ()
        if self._news[0][0] > number + 1:
            return None
        return [rows for at, rows in self._news if number < at <= self.display.number]

    def note(self, event: EventLine) -> None:
        """Enter something that lockdeck itself did."""
        self.log.appendleft((next(self._numbers), event))

    def notices(self, now: float, rule: Rule, *, listening: bool = True) -> tuple[Notice, ...]:
        """Enter what turned critical or cleared by `now` (epoch seconds); return what the person is to be told.

        While they are not `listening`, because a dialog is open, that waits.
        """
        if self.latest is None:
            return ()
        critical, busy = self._criticals.subjects, self._criticals.unsettled
        step = advance_watch(self._alarms, critical, now, rule, unsettled=busy, listening=listening)
        self._alarms = step.watch
        for notice in step.due:
            row = None if notice.row.kind == HOST else notice.row
            line = EventLine(notice.at, notice.severity, notice.name, notice.sentence, row, notice.row.host)
            self.note(line)
        return step.tell

    def root_label(self, root: tuple[str, str]) -> str:
        """Return a short name for a root (host and path), empty where it is the only one of its host."""
        host, path = root
        return root_label(path) if self.display.roots.get(host, 0) > 1 else ""

    @property
    def hosts(self) -> Hosts:
        """The hosts of the picture on show, by name."""
        return self.display.hosts

    def pause(self, now: float) -> None:
        """Keep the picture of this moment (epoch seconds)."""
        self.paused_at = now

    def resume(self) -> None:
        """Show the newest picture again."""
        self.paused_at, self.hidden_changes = None, 0
        self.display = self._newest


def _news(before: FleetSnapshot, snapshot: FleetSnapshot, delta: FleetDelta) -> tuple[Change, ...]:
    """Return what changed; what a host tells first is no news, it was there before."""
    told = {host.name for host in before.hosts if host.told}
    first = {host.name for host in snapshot.hosts} - told
    found = changes(before, snapshot, delta)
    return tuple(change for change in found if not first or _host_of(change) not in first)


def _host_of(change: Change) -> str | None:
    return None if isinstance(change, IncidentChange) else change.view.host
