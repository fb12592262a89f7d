"""Rows, counts and alarms that follow the differences of a fleet are those of its whole picture."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from lockdeck.backend.model.changes import compared
from lockdeck.backend.model.fleet import FleetSnapshot, LockView, SessionView, Severity, State
from lockdeck.backend.model.locks import Evidence, Judgement, LockKind, LockRecord, Presence, Verdict
from lockdeck.backend.model.runs.records import Blocked
from lockdeck.tui.alarms import Criticals
from lockdeck.tui.deck import KEPT_ROWS, Deck
from lockdeck.tui.snapshots import SnapshotThrottle
from lockdeck.tui.table.rowchanges import RowChange, RowFinder
from lockdeck.tui.table.rows import Row, fleet_rows, lock_rows
from lockdeck.tui.view.counts import FleetCounts
from lockdeck.tui.view.names import RowKey
from tests.tui.samples import NOW, large


def lock(name: str, verdict: Verdict, kind: LockKind) -> LockView:
    record = LockRecord(f"/r/{name}.lock", "/r", "main", kind, Presence.FILE)
    return LockView(record, Evidence(record, 0.0), Judgement(verdict, (), False))


def session(key: str, number: int, state: State, severity: Severity, of: LockView | None) -> SessionView:
    return SessionView("/r", "main", key, str(number), state, severity, blocked=Blocked(number, NOW), lock=of)


LOCKS = st.builds(lock, st.sampled_from("abcd"), st.sampled_from(Verdict), st.sampled_from(LockKind))
SESSIONS = st.builds(
    session,
    st.sampled_from("abcdef"),
    st.integers(0, 2),
    st.sampled_from(State),
    st.sampled_from(Severity),
    st.none() | LOCKS,
)


@st.composite
def fleets(draw: st.DrawFn) -> FleetSnapshot:
    """Return a fleet whose sessions have locks of it; two logs may give two locks one session's name."""
    sessions = draw(st.lists(SESSIONS, max_size=6))
    own = {view.lock.record.path: view.lock for view in sessions if view.lock is not None}
    sessions = [
        view if view.lock is None else replace(view, lock=own[view.lock.record.path]) for view in sessions
    ]
    others = {view.record.path: view for view in draw(st.lists(LOCKS, max_size=4))}
    return FleetSnapshot(NOW, "h", sessions=tuple(sessions), locks=tuple((others | own).values()))


def with_deltas(life: list[FleetSnapshot]) -> list[FleetSnapshot]:
    """Return snapshots as a collector numbers them: each says how it differs from the one before."""
    numbered: list[FleetSnapshot] = []
    for number, fleet in enumerate(life, 1):
        delta = compared(numbered[-1], fleet) if numbered else None
        numbered.append(replace(fleet, sequence=number, delta=delta))
    return numbered


class Reader:
    """What a screen does that shows rows: it takes what changed since it last looked."""

    def __init__(self, deck: Deck) -> None:
        self._deck = deck
        self._taken = 0
        self.fleet: dict[RowKey, Row] = {}
        self.locks: dict[RowKey, Row] = {}
        self.looks = 0

    def catch_up(self) -> None:
        news, snapshot = self._deck.rows_since(self._taken), self._deck.displayed
        self._taken = self._deck.display.number
        if news is not None:
            for rows in news:
                _apply(self.fleet, rows.fleet)
                _apply(self.locks, rows.locks)
        elif snapshot is not None:
            self.looks += 1
            self.fleet, self.locks = fleet_rows(snapshot), lock_rows(snapshot)


def _apply(rows: dict[RowKey, Row], changes: tuple[RowChange, ...]) -> None:
    for change in changes:
        assert rows.get(change.key) == change.old
        if change.new is None:
            del rows[change.key]
        else:
            rows[change.key] = change.new


@given(st.lists(st.tuples(fleets(), st.sampled_from(["show", "skip", "pause", "resume"])), max_size=12))
def test_whatever_happens_rows_counts_and_alarms_are_those_of_the_whole_picture(
    life: list[tuple[FleetSnapshot, str]],
) -> None:
    deck, throttle = Deck(), SnapshotThrottle()
    often, seldom = Reader(deck), Reader(deck)
    for fleet, (_, deed) in zip(with_deltas([fleet for fleet, _ in life]), life, strict=True):
        throttle.rest()
        assert throttle.take(fleet) is None
        if deed == "pause":
            deck.pause(NOW)
        elif deed == "resume":
            deck.resume()
        elif deed == "show":
            shown = throttle.rested()
            assert shown is not None
            deck.receive(shown)
            check(deck, often)
    deck.resume()
    check(deck, often)
    check(deck, seldom)
    assert often.looks == seldom.looks == 0


def check(deck: Deck, reader: Reader) -> None:
    """Compare what follows from the differences with what follows from the whole."""
    reader.catch_up()
    if deck.displayed is not None:
        assert reader.fleet == fleet_rows(deck.displayed)
        assert reader.locks == lock_rows(deck.displayed)
        assert deck.display.counts == FleetCounts().after((None, row) for row in reader.fleet.values())
    if deck.latest is not None:
        anew = Criticals()
        anew.take(RowFinder().take(compared(None, deck.latest)).fleet)
        assert deck._criticals.subjects == anew.subjects
        assert deck._criticals.unsettled == anew.unsettled


def test_who_missed_more_than_is_kept_looks_at_everything() -> None:
    deck = Deck()
    reader = Reader(deck)
    small, whole = large(5), large(KEPT_ROWS + 1)
    for fleet in (small, whole, small):
        deck.receive(fleet)
    check(deck, reader)
    assert reader.looks == 1
