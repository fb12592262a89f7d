"""Differences between pictures of a fleet: applied they give the later one, and two after each other are one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lockdeck.backend.model.delta import Change, FleetDelta, difference
from lockdeck.backend.model.fleet import LockView, SessionView, Severity, State
from lockdeck.backend.model.locks import Evidence, Judgement, LockKind, LockRecord, Presence, Verdict
from lockdeck.backend.model.urgency import urgency
from tests.unit.fleetdelta import applied


def session(key: str, state: State = State.IDLE, severity: Severity = Severity.OK) -> SessionView:
    return SessionView("/r", "main", key, None, state, severity)


def lock(path: str, verdict: Verdict = Verdict.HELD) -> LockView:
    record = LockRecord(path, "/r", "main", LockKind.SESSION, Presence.FILE)
    return LockView(record, Evidence(record, 0.0), Judgement(verdict, (), False))


def by_path(view: LockView) -> str:
    return view.record.path


SESSIONS = st.builds(session, st.sampled_from("abcdef"), st.sampled_from(State), st.sampled_from(Severity))
LOCKS = st.builds(lock, st.sampled_from("abcdef"), st.sampled_from(Verdict))
FLEETS = st.tuples(
    st.lists(SESSIONS, unique_by=lambda view: view.key).map(lambda views: tuple(sorted(views, key=urgency))),
    st.lists(LOCKS, unique_by=by_path).map(lambda views: tuple(sorted(views, key=by_path))),
)


def between(old, new) -> FleetDelta:
    return FleetDelta(difference(old[0], new[0]), difference(old[1], new[1]))


def after(delta: FleetDelta, fleet):
    return (applied(delta.sessions, fleet[0], urgency), applied(delta.locks, fleet[1], by_path))


@given(FLEETS, FLEETS)
def test_who_has_the_earlier_picture_and_the_difference_has_the_later_one(old, new):
    assert after(between(old, new), old) == new


@given(FLEETS, FLEETS, FLEETS, FLEETS)
def test_differences_after_each_other_are_one_however_they_are_put_together(first, second, third, last):
    one, two, three = between(first, second), between(second, third), between(third, last)
    assert one.then(two).then(three) == one.then(two.then(three)) == between(first, last)


@given(FLEETS, FLEETS)
def test_what_is_undone_is_no_difference(old, new):
    assert between(old, new).then(between(new, old)) == FleetDelta()


def test_what_appeared_changed_and_vanished_is_named_once():
    gone, stuck, calm = session("a"), session("b", State.STUCK), session("b")
    changes = difference([gone, calm], [stuck, session("c")])
    assert changes == (Change(gone, None), Change(calm, stuck), Change(None, session("c")))
    assert [change.identity for change in changes] == [("", "/r", "a"), ("", "/r", "b"), ("", "/r", "c")]


def test_two_sessions_of_one_name_are_told_apart_by_their_views():
    left, held = session("a", State.STUCK), session("a", State.RUNNING)
    changes = difference([left, held], [left])
    assert changes == (Change(held, None),)
    assert applied(changes, [left, held], urgency) == (left,)
