"""What changed between two snapshots."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from lockdeck.backend.model import changes as model
from lockdeck.backend.model.changes import (
    IncidentChange,
    LockAspect,
    LockChange,
    RootAspect,
    RootChange,
    SessionAspect,
    SessionChange,
    changes,
)
from lockdeck.backend.model.fleet import FleetSnapshot, RootView, SessionView, Severity, State
from lockdeck.backend.model.incidents.records import Incident, IncidentKind, Symptom
from lockdeck.backend.model.locks import Verdict
from tests.tui import samples

SUBJECTS = {RootChange: "root", SessionChange: "session", LockChange: "lock", IncidentChange: "incident"}


def snapshot(sessions=(), locks=(), roots=(), at=samples.NOW):
    return FleetSnapshot(at, "h", tuple(roots), tuple(sessions), tuple(locks))


def found(before, after):
    return [(SUBJECTS[type(change)], change.kind) for change in changes(before, after)]


def aspects(before, after):
    (change,) = changes(before, after)
    return change.aspects


def test_without_an_earlier_snapshot_everything_has_appeared():
    assert {kind for _, kind in found(None, samples.incident())} == {"appeared"}
    assert {subject for subject, _ in found(None, samples.incident())} == {
        "root",
        "session",
        "lock",
        "incident",
    }


def test_equal_snapshots_have_no_changes():
    assert found(samples.incident(), samples.incident()) == []


def test_time_that_goes_on_is_no_change():
    before = samples.incident()
    locks = tuple(
        replace(view, evidence=replace(view.evidence, observed_at=samples.NOW + 60)) for view in before.locks
    )
    assert found(before, replace(before, generated_at=samples.NOW + 60, locks=locks)) == []


def test_a_session_that_comes_changes_and_goes_is_told_each_time():
    calm = samples.session("main", "a")
    stuck = replace(calm, state=State.STUCK, severity=Severity.CRITICAL)
    assert found(snapshot(), snapshot([calm])) == [("session", "appeared")]
    assert found(snapshot([calm]), snapshot([stuck])) == [("session", "changed")]
    (gone,) = changes(snapshot([stuck]), snapshot())
    assert (gone.kind, gone.view, gone.new) == ("vanished", stuck, None)


def test_sessions_of_two_roots_with_one_key_are_two():
    here = samples.session("main", "a")
    there = replace(here, root="/other")
    assert found(snapshot([here]), snapshot([here, there])) == [("session", "appeared")]


def test_a_blocked_caller_is_a_change():
    calm = samples.session("main", "a")
    assert found(snapshot([calm]), snapshot([replace(calm, blocked=replace(calm.blocked, count=1))])) == [
        ("session", "changed")
    ]


def test_a_lock_with_another_verdict_or_of_another_hold_has_changed():
    held, dead = samples.lock("/r/a.lock", Verdict.HELD), samples.lock("/r/a.lock", Verdict.DEAD)
    assert found(snapshot(locks=[held]), snapshot(locks=[dead])) == [("lock", "changed")]
    younger = samples.lock("/r/a.lock", Verdict.HELD, age=1.0)
    assert found(snapshot(locks=[held]), snapshot(locks=[younger])) == [("lock", "changed")]


def test_a_root_with_a_problem_has_changed():
    root = RootView("/r", "files")
    (change,) = changes(snapshot(roots=[root]), snapshot(roots=[replace(root, problems=("gone",))]))
    assert (change.kind, change.view.problems) == ("changed", ("gone",))
    assert change.aspects == {RootAspect.PROBLEMS}


def test_a_root_that_is_no_longer_watched_has_vanished():
    root = RootView("/r", "files")
    assert found(snapshot(roots=[root]), snapshot()) == [("root", "vanished")]
    assert found(snapshot(), snapshot(roots=[root])) == [("root", "appeared")]


def test_a_change_names_all_that_differs():
    calm = samples.session("main", "a")
    stuck = replace(calm, state=State.STUCK, severity=Severity.CRITICAL, session_id="another")
    assert aspects(snapshot([calm]), snapshot([stuck])) == {
        SessionAspect.STATE,
        SessionAspect.SEVERITY,
        SessionAspect.SESSION_ID,
    }
    held, dead = samples.lock("/r/a.lock", Verdict.HELD), samples.lock("/r/a.lock", Verdict.DEAD)
    assert LockAspect.VERDICT in aspects(snapshot(locks=[held]), snapshot(locks=[dead]))


def test_every_part_of_a_picture_that_can_change_has_its_aspect():
    for aspect, record in (
        (RootAspect, RootView),
        (SessionAspect, model._SessionFace),
        (LockAspect, model._LockFace),
    ):
        parts = set(record.__struct_fields__) - {"path", "host"}
        assert set(aspect) == parts, record


def test_every_part_of_a_session_is_compared_or_left_out_for_a_reason():
    left_out = {
        *("host", "root", "agent", "key", "transcript"),  # what names it
        *("since", "reasons", "log", "transcript_at"),  # times that go on, and what follows from the rest
        "last_seen",  # what is told of its host
    }
    assert set(SessionView.__struct_fields__) == set(SessionAspect) | left_out


@given(st.lists(st.sampled_from("abcdef"), unique=True), st.lists(st.sampled_from("abcdef"), unique=True))
def test_appeared_and_vanished_turn_the_one_set_into_the_other(old, new):
    before = snapshot(locks=[samples.lock(f"/r/{name}", Verdict.HELD) for name in old])
    after = snapshot(locks=[samples.lock(f"/r/{name}", Verdict.HELD) for name in new])
    paths = {view.record.path for view in before.locks}
    for change in changes(before, after):
        (paths.add if change.kind == "appeared" else paths.remove)(change.view.record.path)
    assert paths == {view.record.path for view in after.locks}


def test_an_incident_that_begins_widens_and_ends_is_told_each_time():
    narrow = Incident(
        IncidentKind.PROVIDER, ("atlas",), Symptom.SILENT, 1.0, members=(("", "/r", "a"), ("", "/r", "b"))
    )
    wide = replace(narrow, subjects=("atlas", "borealis"))
    later = replace(wide, attempts=9, free_by=7.0)

    def told(before, after):
        return [(change.kind, set(change.aspects)) for change in changes(before, after)]

    calm, first, second, third = (
        replace(snapshot(), incidents=of) for of in ((), (narrow,), (wide,), (later,))
    )
    assert told(calm, first) == [("appeared", set())]
    assert told(first, second) == [("changed", {"subjects"})]
    assert told(second, third) == []
    assert told(third, calm) == [("vanished", set())]
