"""What a deck has been told is what the fleet is, whatever came in between and however slowly it reads."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from lockdeck.backend.hosts import board as boards
from lockdeck.backend.hosts import frames
from lockdeck.backend.hosts.board import Board
from lockdeck.backend.hosts.frames import FrameReader
from lockdeck.backend.hosts.picture import HostPicture, session_of
from lockdeck.backend.hosts.picture import lock_of as lock_of_host
from lockdeck.backend.model.delta import FleetDelta, difference
from lockdeck.backend.model.fleet import FleetSnapshot, LockView, RootView, SessionView, State
from lockdeck.backend.model.locks import Evidence, Judgement, LockKind, LockRecord, Presence, Verdict
from lockdeck.backend.model.urgency import urgency

ROOT = "/r"


def lock_of(number: int, verdict: Verdict) -> LockView:
    record = LockRecord(f"{ROOT}/{number}.lock", ROOT, "main", LockKind.SESSION, Presence.FILE)
    return LockView(record, Evidence(record, 1.0), Judgement(verdict, (), False))


numbers = st.dictionaries(st.integers(0, 6), st.sampled_from([State.IDLE, State.STUCK, State.RUNNING]))
verdicts = st.dictionaries(st.integers(0, 6), st.sampled_from([Verdict.HELD, Verdict.DEAD]))


@st.composite
def snapshots(draw):
    sessions = [
        SessionView(ROOT, "main", f"agent:main:{n}", str(n), state=state)
        for n, state in draw(numbers).items()
    ]
    locks = [lock_of(n, verdict) for n, verdict in draw(verdicts).items()]
    return FleetSnapshot(
        draw(st.floats(0, 1e9)),
        "here",
        roots=(RootView(ROOT, "files"),) * draw(st.integers(0, 1)),
        sessions=tuple(sorted(sessions, key=urgency)),
        locks=tuple(sorted(locks, key=lambda view: view.record.path)),
        notes=tuple(draw(st.lists(st.text(max_size=3), max_size=2))),
    )


def told(board: Board, outbox: boards.Outbox, picture: HostPicture) -> bool:
    """Tell a viewer the next frames; False when there is nothing to tell."""
    sent = board.next_frames(outbox, 0.0)
    for frame in FrameReader().feed(b"".join(sent)):
        picture.take(frame)
    return bool(sent)


def of_host(snapshot: FleetSnapshot, host: str) -> FleetSnapshot:
    """Return a snapshot as a deck has it that follows a host."""
    return replace(
        snapshot,
        roots=tuple(replace(root, host=host) for root in snapshot.roots),
        sessions=tuple(session_of(view, host) for view in snapshot.sessions),
        locks=tuple(lock_of_host(view, host) for view in snapshot.locks),
        sequence=1,
        delta=None,
    )


def numbered(snapshots: list[FleetSnapshot]) -> Iterator[FleetSnapshot]:
    """Snapshots as a collector publishes them: each names what differs from the one before."""
    last = None
    for sequence, snapshot in enumerate(snapshots, 1):
        delta = last and FleetDelta(
            difference(last.sessions, snapshot.sessions), difference(last.locks, snapshot.locks)
        )
        last = replace(snapshot, sequence=sequence, delta=delta)
        yield last


@given(
    st.lists(st.tuples(snapshots(), st.integers(0, 3)), min_size=1),
    st.integers(1, 3),
    st.sets(st.integers(0, 5)),
)
def test_a_viewer_ends_with_the_last_snapshot_however_slowly_it_reads(steps, rows_at_once, missed):
    board, picture = Board(), HostPicture("here")
    with pytest.MonkeyPatch.context() as patch, board.outbox() as outbox:
        patch.setattr(boards, "ROWS_AT_ONCE", rows_at_once)
        published = list(numbered([snapshot for snapshot, _ in steps]))
        for index, snapshot in enumerate(published):
            if index in missed and index + 1 < len(steps):
                continue
            reads = steps[index][1]
            board.take(snapshot)
            for _ in range(reads):
                told(board, outbox, picture)
        while told(board, outbox, picture):
            pass
    assert picture.whole
    assert picture.snapshot(1) == of_host(steps[-1][0], "here")


def test_what_waits_for_a_viewer_that_sleeps_is_bounded_by_the_rows():
    board = Board()
    with board.outbox() as outbox:
        for turn in range(100):
            states = (State.IDLE, State.RUNNING)
            views = [
                SessionView(ROOT, "main", f"agent:main:{n}", None, state=states[turn % 2]) for n in range(5)
            ]
            board.take(FleetSnapshot(float(turn), "here", sessions=tuple(views)))
        assert len(outbox.sessions) == 5


def test_a_viewer_that_is_gone_is_forgotten():
    board = Board()
    with board.outbox() as outbox:
        pass
    board.take(FleetSnapshot(1.0, "here", sessions=(SessionView(ROOT, "main", "agent:main:main", None),)))
    assert not outbox.sessions


def test_rows_too_long_for_one_frame_come_in_several_and_one_too_long_alone_is_named(monkeypatch):
    monkeypatch.setattr(frames, "MOST_BYTES", 2000)
    long = SessionView(ROOT, "main", "agent:main:long", None, reasons=("x" * 3000,))
    others = [SessionView(ROOT, "main", f"agent:main:{n}", None, reasons=("y" * 500,)) for n in range(9)]
    locks = tuple(lock_of(n, Verdict.HELD) for n in range(9))
    board, picture = Board(), HostPicture("here")
    board.take(FleetSnapshot(1.0, "here", (RootView(ROOT, "files"),), (long, *others), locks))
    with board.outbox() as outbox:
        while told(board, outbox, picture):
            pass
    assert picture.whole
    assert picture.withheld == ("agent:main:long",)
    snapshot = picture.snapshot(1)
    assert (len(snapshot.roots), len(snapshot.sessions), len(snapshot.locks)) == (1, 9, 9)


def test_roots_too_long_for_a_frame_are_named(monkeypatch):
    monkeypatch.setattr(frames, "MOST_BYTES", 2000)
    board, picture = Board(), HostPicture("here")
    session = SessionView(ROOT, "main", "agent:main:main", None)
    board.take(FleetSnapshot(1.0, "here", (RootView("/" + "r" * 3000, "files"),), (session,)))
    with board.outbox() as outbox:
        told(board, outbox, picture)
    assert picture.whole
    assert picture.withheld == ("its roots and notes",)
    assert [view.key for view in picture.snapshot(1).sessions] == ["agent:main:main"]
