"""What changed between two snapshots."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from lockdeck.backend.model.changes import changes
from lockdeck.backend.model.fleet import FleetSnapshot, RootView, Severity, State
from lockdeck.backend.model.locks import Verdict
from tests.tui import samples


def snapshot(sessions=(), locks=(), roots=(), at=samples.NOW):
    return FleetSnapshot(at, "h", tuple(roots), tuple(sessions), tuple(locks))


def told(before, after):
    return [(change.subject, change.how) for change in changes(before, after)]


def test_without_an_earlier_snapshot_everything_has_appeared():
    found = list(changes(None, samples.incident()))
    assert {change.how for change in found} == {"appeared"}
    assert {change.subject for change in found} == {"root", "session", "lock"}


def test_equal_snapshots_have_no_changes():
    assert told(samples.incident(), samples.incident()) == []


def test_time_that_goes_on_is_no_change():
    before = samples.incident()
    locks = tuple(
        replace(view, evidence=replace(view.evidence, observed_at=samples.NOW + 60)) for view in before.locks
    )
    assert told(before, replace(before, generated_at=samples.NOW + 60, locks=locks)) == []


def test_a_session_that_comes_changes_and_goes_is_told_each_time():
    calm = samples.session("main", "a")
    stuck = replace(calm, state=State.STUCK, severity=Severity.CRITICAL)
    assert told(snapshot(), snapshot([calm])) == [("session", "appeared")]
    assert told(snapshot([calm]), snapshot([stuck])) == [("session", "changed")]
    (gone,) = changes(snapshot([stuck]), snapshot())
    assert (gone.how, gone.session) == ("vanished", stuck)


def test_sessions_of_two_roots_with_one_key_are_two():
    here = samples.session("main", "a")
    there = replace(here, root="/other")
    assert told(snapshot([here]), snapshot([here, there])) == [("session", "appeared")]


def test_a_blocked_caller_is_a_change():
    calm = samples.session("main", "a")
    assert told(snapshot([calm]), snapshot([replace(calm, blocked=replace(calm.blocked, count=1))])) == [
        ("session", "changed")
    ]


def test_a_lock_with_another_verdict_or_of_another_hold_has_changed():
    held, dead = samples.lock("/r/a.lock", Verdict.HELD), samples.lock("/r/a.lock", Verdict.DEAD)
    assert told(snapshot(locks=[held]), snapshot(locks=[dead])) == [("lock", "changed")]
    younger = samples.lock("/r/a.lock", Verdict.HELD, age=1.0)
    assert told(snapshot(locks=[held]), snapshot(locks=[younger])) == [("lock", "changed")]


def test_a_root_with_a_problem_has_changed():
    root = RootView("/r", "files")
    (change,) = changes(snapshot(roots=[root]), snapshot(roots=[replace(root, problems=("gone",))]))
    assert (change.subject, change.how, change.root.problems) == ("root", "changed", ("gone",))


@given(st.lists(st.sampled_from("abcdef"), unique=True), st.lists(st.sampled_from("abcdef"), unique=True))
def test_appeared_and_vanished_turn_the_one_set_into_the_other(old, new):
    before = snapshot(locks=[samples.lock(f"/r/{name}", Verdict.HELD) for name in old])
    after = snapshot(locks=[samples.lock(f"/r/{name}", Verdict.HELD) for name in new])
    paths = {view.record.path for view in before.locks}
    for change in changes(before, after):
        (paths.add if change.how == "appeared" else paths.remove)(change.lock.record.path)
    assert paths == {view.record.path for view in after.locks}
